"""A revision as a document: what is told, what is null, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from assay.revisions.problem import Problem, comment_deleted, parent_not_found, text_deleted, user_deleted
from assay.revisions.types import UNKNOWN, UNSAVED, Actor, Known, Page, Revision
from assay.serving.native.revision import plain, revision_document

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PAGE = Page("Talk:X", 3, 1)
PARENT = Revision(6, PAGE, UNKNOWN, AT, UNKNOWN, "before")


def test_all_that_is_known_is_told() -> None:
    revision = Revision(
        7, PAGE, Actor("Ann", False), AT, "tidied", "A text", PARENT, 6, is_minor=False, size_bytes=0
    )
    assert revision_document(revision) == {
        "id": 7,
        "parent_id": 6,
        "page": {"title": "Talk:X", "namespace": 1},
        "actor": {"name": "Ann", "is_anonymous": False},
        "timestamp": "2026-01-02T03:04:05Z",
        "comment": "tidied",
        "size_bytes": 0,
        "size_change_bytes": None,
        "is_minor": False,
        "is_creation": False,
        "problems": [],
    }


def test_what_nobody_told_is_null_and_no_problem() -> None:
    told = revision_document(Revision(UNSAVED, Page("X"), UNKNOWN, UNKNOWN, UNKNOWN, "", None, None))
    assert told == {
        **dict.fromkeys(("id", "parent_id", "actor", "timestamp", "comment", "size_bytes", "is_minor")),
        "size_change_bytes": None,
        "page": {"title": "X", "namespace": None},
        "is_creation": True,
        "problems": [],
    }
    assert revision_document(Revision(7, PAGE, Actor(UNKNOWN, True), AT, "", ""))["actor"] == {
        "name": None,
        "is_anonymous": True,
    }


def test_what_is_hidden_is_null_with_its_reason() -> None:
    hidden = user_deleted(7), comment_deleted(7), text_deleted(7), parent_not_found(7, 6)
    user, comment, text, parent = hidden
    told = revision_document(Revision(7, PAGE, user, AT, comment, text, parent, 6))
    assert (told["actor"], told["comment"], told["is_creation"]) == (None, None, False)
    assert [problem["code"] for problem in told["problems"]] == [problem.code for problem in hidden]


@pytest.mark.parametrize(
    ("parent", "size_bytes", "change"),
    [
        (replace(PARENT, size_bytes=100), 88, -12),
        (None, 88, 88),
        (PARENT, 88, None),
        (replace(PARENT, size_bytes=100), UNKNOWN, None),
        (parent_not_found(7, 6), 88, None),
    ],
)
def test_what_an_edit_added_is_told_where_both_sizes_are(
    parent: Revision | Problem | None, size_bytes: Known[int], change: int | None
) -> None:
    revision = Revision(7, PAGE, UNKNOWN, AT, "", "", parent, 6, size_bytes=size_bytes)
    assert revision_document(revision)["size_change_bytes"] == change


@pytest.mark.parametrize("value", [0, "", False, None, 1.5])
def test_a_value_is_itself(value: object) -> None:
    assert plain(value) is value
    assert plain(UNKNOWN) is None
    assert plain(text_deleted(1)) is None
