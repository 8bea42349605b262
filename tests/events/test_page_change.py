"""The page-change stream, from small events; Wikimedia's own are read in `test_kinds`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from assay.events import Change, NoEdit
from assay.events.page_change import read_page_change
from assay.revisions.types import UNKNOWN, Actor

EDIT: dict[str, Any] = {
    "meta": {"domain": "en.wikipedia.org"},
    "page_change_kind": "edit",
    "wiki_id": "enwiki",
    "page": {},
    "revision": {"rev_id": 2, "rev_parent_id": 1, "editor": {"user_text": "Ada", "user_id": 7}},
    "performer": {"user_text": "Bob", "user_id": 8},
}
ADA, BOB = Actor("Ada", is_anonymous=False, id=7), Actor("Bob", is_anonymous=False, id=8)


def change(**fields: Any) -> Change:
    found = read_page_change({**EDIT, **fields})
    assert isinstance(found, Change)
    return found


def test_the_editor_made_the_revision_whoever_performed_the_change() -> None:
    assert change().actor == ADA


def test_without_an_editor_it_was_the_performer_unless_the_editor_is_hidden() -> None:
    revision = {"rev_id": 2, "rev_parent_id": 1}
    assert change(revision=revision).actor == BOB
    assert change(revision={**revision, "is_editor_visible": True}).actor == BOB
    assert change(revision={**revision, "is_editor_visible": False}).actor is None


def test_the_revision_s_time_goes_before_the_event_s() -> None:
    of_event, of_revision = "2026-11-23T10:00:02Z", "2026-11-23T10:00:01Z"
    timed = {**EDIT["revision"], "rev_dt": of_revision}
    assert change(dt=of_event, revision=timed).timestamp == datetime(2026, 11, 23, 10, 0, 1, tzinfo=UTC)
    assert change(dt=of_event).timestamp == datetime(2026, 11, 23, 10, 0, 2, tzinfo=UTC)
    assert change().timestamp is UNKNOWN


@pytest.mark.parametrize("kind", ["move", "delete", "undelete", "visibility_change"])
def test_what_saves_no_new_text_is_no_edit(kind: str) -> None:
    assert read_page_change({**EDIT, "page_change_kind": kind}) == NoEdit("page")


def test_creations_are_edits_and_canaries_are_not() -> None:
    creation = change(page_change_kind="create", revision={"rev_id": 2})
    assert creation.is_creation
    assert read_page_change({**EDIT, "meta": {"domain": "canary"}}) == NoEdit("canary")
