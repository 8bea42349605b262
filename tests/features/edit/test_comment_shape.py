"""The shape of summaries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.features.edit.comment_shape import FEATURES
from assay.revisions.problem import comment_deleted
from assay.revisions.types import Revision
from features.edits import edit, value, values


def of(comment: str, name: str) -> object:
    return value(edit("a cat", "a black cat", comment), f"comment.{name}")


@pytest.mark.parametrize(
    ("comment", "name", "expected"),
    [
        ("", "is_empty", True),
        ("/* History */ ", "is_empty", True),
        ("/* History */ ", "has_section", True),
        ("/* History */ typo", "length", 4),
        ("fix two words", "words", 3),
        ("Reverted edits by X", "has_undo", True),
        ("rvv", "has_undo", True),
        ("a server", "has_undo", False),
        ("\u2190Blanked the page", "is_automatic", True),
        ("&larr;Replaced page with 'x'", "is_automatic", True),
        ("see [[talk]]", "has_link", True),
        ("https://x.example", "has_site", True),
        ("robot Adding: de", "names_tool", True),
        ("abCD", "upper_share", 0.5),
        ("", "upper_share", None),
        ("кот", "non_latin_share", 1.0),
        ("wow!!", "exclamations", 2),
        ("black magic", "added_words", 0.5),
    ],
)
def test_shapes(comment: str, name: str, expected: object) -> None:
    assert of(comment, name) == expected


def test_the_parents_summary_is_missing_where_there_is_none() -> None:
    names = ["parent.says_undo", "parent.is_silent"]
    assert values(edit(None, "x"), names) == [None, None]
    revision = edit("a", "x")
    assert isinstance(revision.parent, Revision)
    assert values(replace(revision, parent=replace(revision.parent, comment="revert")), names) == [
        True,
        False,
    ]
    hidden = replace(revision, parent=replace(revision.parent, comment=comment_deleted(1)))
    assert values(hidden, names) == [None, None]


def test_hostile_summaries_are_survived() -> None:
    names = [feature.name.removeprefix("feature.assay.") for feature in FEATURES]
    for comment in ("/*" * 5000, "&#x110000;&#0;", "\u202e" * 999, "!" * 100_000):
        assert len(values(edit("a", "b", comment), names)) == len(names)
