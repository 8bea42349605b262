"""What one revision's elements say; whole exports are read in `test_export`."""

from __future__ import annotations

from typing import Any

import pytest

from assay.revisions.digest import EMPTY, sha1_base36
from assay.revisions.files.bounded_text import MeasuredText
from assay.revisions.files.export_draft import Draft, PageDraft, Unreadable, record_of
from assay.revisions.record import MAX_ID, Record, TextState
from assay.revisions.types import UNKNOWN

SHA1 = "dj26whmq8dyg634wyxyf8h53fys6sy0"
VALUES = {"id": "7", "timestamp": "2020-01-01T00:00:00Z"}
EMPTY_TEXT = MeasuredText(b"", 0, None)


def draft(text: MeasuredText | None = None, hidden: set[str] | None = None, /, **values: str) -> Draft:
    return Draft({**VALUES, **values}, hidden or set(), text)


def record(found: Draft, version: tuple[int, int] = (0, 11)) -> Record:
    return record_of(found, PageDraft("T", 3, 0), version)


@pytest.mark.parametrize(
    ("version", "parent_id"), [((0, 6), UNKNOWN), ((0, 7), None), ((0, 11), None), ((1, 0), None)]
)
def test_no_parent_means_a_creation_since_exports_tell_parents(version: Any, parent_id: Any) -> None:
    assert record(draft(), version).parent_id is parent_id
    assert record(draft(parentid="5"), version).parent_id == 5
    assert record(draft(parentid="0"), version).parent_id is None


def test_an_empty_text_is_doubtful_when_nothing_confirms_it() -> None:
    assert draft(EMPTY_TEXT).has_doubtful_text
    assert not draft(None).has_doubtful_text
    assert not draft(MeasuredText(b"a", 1, None)).has_doubtful_text
    assert not draft(EMPTY_TEXT, {"text"}).has_doubtful_text
    assert not draft(EMPTY_TEXT, sha1=EMPTY).has_doubtful_text
    for told in ({"bytes": "0"}, {"sha1": EMPTY}):
        found = draft(EMPTY_TEXT)
        found.text_attributes = told
        assert not found.has_doubtful_text


@pytest.mark.parametrize("where", ["element", "attribute"])
def test_an_empty_text_with_another_ones_digest_is_lost(where: str) -> None:
    found = draft(EMPTY_TEXT, **({"sha1": SHA1} if where == "element" else {}))
    if where == "attribute":
        found.text_attributes = {"sha1": SHA1, "bytes": "12"}
    told = record(found)
    assert (told.text_state, told.text, told.sha1) == (TextState.MISSING, None, UNKNOWN)
    assert told.size_bytes == (12 if where == "attribute" else UNKNOWN)


def test_a_text_s_digest_is_the_export_s_the_measured_or_made_from_it() -> None:
    text = MeasuredText(b"text", 4, None)
    assert record(draft(text, sha1=SHA1)).sha1 == SHA1
    plain = record(draft(text))
    assert (plain.text, plain.size_bytes, plain.sha1) == (b"text", 4, sha1_base36(b"text"))
    assert record(draft(EMPTY_TEXT)).sha1 == EMPTY
    large = record(draft(MeasuredText(None, 99, SHA1)))
    assert (large.text_state, large.text, large.size_bytes, large.sha1) == (
        TextState.TOO_LARGE,
        None,
        99,
        SHA1,
    )


def test_hidden_parts() -> None:
    found = record(
        draft(MeasuredText(b"text", 4, None), {"text", "comment", "contributor"}, comment="c", sha1=SHA1)
    )
    assert (found.text_state, found.text, found.sha1, found.size_bytes) == (
        TextState.HIDDEN,
        None,
        UNKNOWN,
        UNKNOWN,
    )
    assert (found.comment, found.user, found.is_anonymous) == (None, None, False)
    assert record(draft()).comment == ""
    named = {"contributor username": "A", "contributor id": "4"}
    assert record(draft(None, {"contributor"}, **named)).user is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"contributor ip": "192.0.2.1"}, ("192.0.2.1", True, None)),
        ({"contributor username": "192.0.2.1"}, ("192.0.2.1", True, None)),
        ({"contributor username": "192.0.2.1", "contributor id": "0"}, ("192.0.2.1", True, None)),
        ({"contributor username": "192.0.2.1", "contributor id": "4"}, ("192.0.2.1", False, 4)),
        ({"contributor username": "A", "contributor id": "0"}, ("A", False, UNKNOWN)),
        ({"contributor username": ""}, (None, False, UNKNOWN)),
    ],
)
def test_authors(values: dict[str, str], expected: tuple[Any, ...]) -> None:
    found = record(draft(**values))
    assert (found.user, found.is_anonymous, found.user_id) == expected


def test_a_content_model_that_is_not_told_is_wikitext() -> None:
    assert record(draft()).content_model == record(draft(model="")).content_model == "wikitext"
    assert record(draft(model="json")).content_model == "json"
    assert (record(draft()).is_minor, record(draft(minor="")).is_minor) == (False, True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"id": "0"}, "has the revision id 0, which is not positive,"),
        ({"id": ""}, "has the revision id '', which is no number,"),
        ({"id": str(MAX_ID + 1)}, f"has the revision id {MAX_ID + 1}, which is too large,"),
        ({"parentid": "x" * 99}, f"has the parent id '{'x' * 40}', which is no number,"),
        ({"timestamp": "x" * 99}, f"has the timestamp '{'x' * 40}', which is no time,"),
        ({"contributor username": "A", "contributor id": "b"}, "has the user id 'b', which is no number,"),
    ],
)
def test_what_cannot_be_is_told_by_name(values: dict[str, str], message: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        record(draft(**values))
    assert str(refusal.value) == message
    assert record(draft(id=str(MAX_ID))).rev_id == MAX_ID
    assert record(draft(id="1")).rev_id == 1
