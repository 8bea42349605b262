"""What is told of a text that is not saved yet, and what stays unknown of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from assay.errors import BadParameter
from assay.revisions.types import UNKNOWN, Actor
from assay.scoring.unsaved import ParentText, Unsaved
from assay.serving.liftwing.revision_data import read_revision_data


def test_all_that_is_told_is_read() -> None:
    told = {
        "text": "A text",
        "page": {"title": "Talk:X", "id": 12, "namespace_id": 1},
        "parent": {"text": "Before", "id": 5, "comment": "began", "timestamp": "2025-12-31T00:00:00Z"},
        "comment": "",
        "timestamp": "2026-01-02T01:00:00+01:00",
    }
    assert read_revision_data(told) == Unsaved(
        "A text",
        parent=ParentText("Before", datetime(2025, 12, 31, tzinfo=UTC), "began", 5),
        title="Talk:X",
        page_id=12,
        namespace=1,
        comment="",
        timestamp=datetime(2026, 1, 2, tzinfo=UTC),
    )


def test_what_is_not_told_is_unknown_and_the_time_is_now() -> None:
    assert read_revision_data({"text": "", "page": {"title": "X"}}) == Unsaved("", title="X")


def test_a_parent_without_text_and_id_is_refused() -> None:
    with pytest.raises(BadParameter, match=r"revision_data\.parent': give its text, or its id"):
        read_revision_data({"text": "", "page": {"title": "X"}, "parent": {"comment": "began"}})


@pytest.mark.parametrize(
    ("user", "actor"),
    [
        ({"id": 0, "name": "Ann"}, Actor("Ann", True, None, frozenset({"*"}), None)),
        ({"id": 0}, Actor(UNKNOWN, True, None, frozenset({"*"}), None)),
        ({"name": "192.0.2.1"}, Actor("192.0.2.1", True, None, frozenset({"*"}), None)),
        ({"id": 7}, Actor(UNKNOWN, False, 7)),
        ({"name": "Ann", "groups": ["bot"]}, Actor("Ann", False, groups=frozenset({"bot"}))),
        ({"id": 7, "name": "192.0.2.1"}, Actor("192.0.2.1", False, 7)),
        (
            {"name": "Ann", "edit_count": 3, "registration_timestamp": "2020-01-02T03:04:05Z"},
            Actor("Ann", False, registered_at=datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), edit_count=3),
        ),
        ({}, UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_the_author_is_as_far_known_as_told(user: Any, actor: Any) -> None:
    assert read_revision_data({"text": "x", "page": {"title": "x"}, "user": user}).actor == actor


def test_a_parents_text_goes_before_its_id() -> None:
    told = {"text": "", "page": {"title": "x"}, "parent": {"id": 5, "text": ""}}
    assert read_revision_data(told).parent == ParentText("", rev_id=5)
    assert read_revision_data({**told, "parent": {"id": 5}}).parent == 5
    assert read_revision_data({**told, "parent": None}).parent is None
