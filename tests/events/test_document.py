"""Fields of an event: what each reading takes, what it refuses, and how the refusal names the field."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from assay.errors import BadParameter
from assay.events.document import MAX_TEXT, Document
from assay.revisions.record import MAX_ID, MAX_TEXT_BYTES
from assay.revisions.types import UNKNOWN

Read = Callable[[Document, str], Any]


def of(value: Any) -> Document:
    return Document({"event": {"x": value}}).inner("event")


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (Document.text, "x", "x"),
        (Document.prose, "", ""),
        (Document.rev_id, 1, 1),
        (Document.rev_id, MAX_ID, MAX_ID),
        (Document.parent_id, 0, None),
        (Document.parent_id, 1, 1),
        (Document.parent_id, None, None),
        (Document.whole_number, -MAX_ID, -MAX_ID),
        (Document.whole_number, 0, 0),
        (Document.known_number, None, UNKNOWN),
        (Document.flag, False, False),
        (Document.flag, None, UNKNOWN),
        (Document.texts, [], frozenset()),
        (Document.texts, ["b", "a", "b"], frozenset("ab")),
        (Document.texts, None, UNKNOWN),
        (Document.known_moment, 0, datetime(1970, 1, 1, tzinfo=UTC)),
        (Document.known_text, None, UNKNOWN),
        (Document.known_prose, None, UNKNOWN),
        (Document.known_moment, None, UNKNOWN),
    ],
)
def test_what_is_taken(read: Read, value: Any, expected: Any) -> None:
    found = read(of(value), "x")
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("read", "value", "advice"),
    [
        (Document.text, "", "give a text of 1 to 4096 characters"),
        (Document.prose, 1, f"give a text of at most {MAX_TEXT_BYTES} bytes"),
        (Document.rev_id, 0, f"give a whole number from 1 to {MAX_ID}"),
        (Document.rev_id, MAX_ID + 1, f"give a whole number from 1 to {MAX_ID}"),
        (Document.parent_id, -1, f"give a whole number from 1 to {MAX_ID}"),
        (Document.whole_number, True, "give a whole number"),
        (Document.whole_number, -MAX_ID - 1, "give a whole number"),
        (Document.flag, 1, "give true or false"),
        (Document.texts, ["a", 1], "give a list of texts"),
        (Document.texts, "ab", "give a list of texts"),
        (Document.moment, True, "give a time, such as 2026-11-23T10:59:43Z"),
        (Document.moment, -1, "give a time, such as 2026-11-23T10:59:43Z"),
        (Document.moment, 253402300800, "give a time, such as 2026-11-23T10:59:43Z"),
        (Document.moment, "0001-01-01T00:00:00+14:00", "give a time, such as 2026-11-23T10:59:43Z"),
    ],
)
def test_what_is_refused(read: Read, value: Any, advice: str) -> None:
    with pytest.raises(BadParameter) as refusal:
        read(of(value), "x")
    assert str(refusal.value) == f"Could not interpret 'event.x': {advice}."


def test_a_text_may_be_as_long_as_the_limit_and_no_longer() -> None:
    """A name's limit is in characters, a page's text's in bytes."""
    assert of("é" * MAX_TEXT).text("x") == "é" * MAX_TEXT
    with pytest.raises(BadParameter, match=r"^Could not interpret 'event\.x': give a text of 1 to 4096"):
        of("x" * (MAX_TEXT + 1)).text("x")
    assert len(of("x" * MAX_TEXT_BYTES).prose("x")) == MAX_TEXT_BYTES
    with pytest.raises(BadParameter, match=rf"give a text of at most {MAX_TEXT_BYTES} bytes\.$"):
        of("é" * (MAX_TEXT_BYTES // 2 + 1)).prose("x")


@pytest.mark.parametrize(
    "read",
    [Document.text, Document.prose, Document.rev_id, Document.whole_number, Document.moment, Document.inner],
)
def test_what_must_be_given_is_missed_by_its_dotted_name(read: Read) -> None:
    with pytest.raises(BadParameter, match=r"^Must provide the 'event\.x' parameter$"):
        read(of(None), "x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (253402300799, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-11-23T10:59:43Z", datetime(2026, 11, 23, 10, 59, 43, tzinfo=UTC)),
        ("2026-11-23T10:59:43", datetime(2026, 11, 23, 10, 59, 43, tzinfo=UTC)),
        ("2026-11-23T10:59:43+02:00", datetime(2026, 11, 23, 8, 59, 43, tzinfo=UTC)),
    ],
)
def test_a_moment_is_in_utc(value: Any, expected: datetime) -> None:
    found = of(value).moment("x")
    assert (found, found.tzinfo) == (expected, UTC)


def test_a_moment_without_a_zone_is_utc_wherever_the_server_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "JST-9")
    time.tzset()
    try:
        found = of("2026-11-23T10:59:43").moment("x")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found == datetime(2026, 11, 23, 10, 59, 43, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (7, 7),
        ("7", 7),
        (MAX_ID, MAX_ID),
        (MAX_ID + 1, UNKNOWN),
        ("9" * 20, UNKNOWN),
        ("٧", UNKNOWN),
        ("-7", UNKNOWN),
        ("seven", UNKNOWN),
        (0, UNKNOWN),
        (True, UNKNOWN),
        (7.0, UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_an_id_that_nothing_depends_on_is_never_refused(value: Any, expected: Any) -> None:
    found = of(value).loose_id("x")
    assert (found, type(found)) == (expected, type(expected))


def test_an_id_of_too_many_digits_to_be_read_is_unknown() -> None:
    assert of("9" * 5000).loose_id("x") is UNKNOWN


def test_a_text_of_half_a_character_is_mended() -> None:
    """JSON can tell a surrogate alone; nothing behind can write it down as UTF-8."""
    assert of("a\ud800").text("x") == of("a\ud800").prose("x") == "a\ufffd"
    assert of(["a\ud800"]).texts("x") == frozenset({"a\ufffd"})


def test_an_optional_object_may_be_missing_but_not_something_else() -> None:
    assert not of(None).optional("x").has("y")
    assert of({"y": 1}).optional("x").has("y")
    with pytest.raises(BadParameter, match=r"^Must provide the 'event\.x\.y' parameter$"):
        of(None).optional("x").text("y")
    with pytest.raises(BadParameter, match=r"^Could not interpret event\.x\. It is not a JSON object\.$"):
        of([]).optional("x")
    with pytest.raises(BadParameter, match=r"^Could not interpret the event\. It is not a JSON object\.$"):
        Document([])
