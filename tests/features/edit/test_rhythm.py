"""When, and who was there just before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from assay.features.edit.rhythm import FEATURES
from assay.revisions.problem import user_deleted
from assay.revisions.types import Revision
from features.edits import EDITOR, NOW, edit, values

NAMES = [feature.name.removeprefix("feature.assay.") for feature in FEATURES]


def test_an_hour_after_another_user() -> None:
    assert values(edit("a", "b"), NAMES) == [12, 0, 3600.0, False, False]


def test_the_same_user_again() -> None:
    assert values(edit("a", "b", actor=EDITOR), ["parent.same_user"]) == [True]


def test_a_creation_comes_after_nobody() -> None:
    assert values(edit(None, "b"), NAMES) == [12, 0, None, None, None]


def test_a_parent_by_a_hidden_user_is_merely_unknown() -> None:
    revision = edit("a", "b")
    assert isinstance(revision.parent, Revision)
    hidden = replace(revision, parent=replace(revision.parent, actor=user_deleted(1)))
    assert values(hidden, ["parent.same_user", "parent.is_anon"]) == [None, None]


def test_shuffled_clocks_give_negative_seconds() -> None:
    assert values(edit("a", "b", timestamp=NOW - timedelta(hours=2)), ["parent.seconds_since"]) == [-3600.0]
