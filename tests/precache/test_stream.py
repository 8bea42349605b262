"""What every stream makes of what it reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assay.errors import BadParameter
from assay.events import Change, NoEdit
from assay.precache.stream import Malformed, read, read_json, row_list
from precache.edits import created


def test_an_event_is_read_from_letters_or_bytes() -> None:
    text = json.dumps(created(7))
    for told in (read_json(text), read_json(text.encode())):
        assert isinstance(told, Change)
        assert told.identity == ("clubwiki", 7)
    log = {"type": "log", "wiki": "clubwiki", "title": "x", "user": "x", "namespace": 0}
    assert read_json(json.dumps(log)) == NoEdit("log")


@pytest.mark.parametrize(
    "text", ["", "{", b"\xff", "[" * 100_000, "nul", '{"a": 1e}', '"\ud800"', b'{"a":1}x']
)
def test_what_is_no_json_is_malformed(text: str | bytes) -> None:
    told = read_json(text)
    assert isinstance(told, Malformed)
    assert told.reason.startswith("It is no JSON: ")


@pytest.mark.parametrize("text", ["1", "null", "[]", "{}", json.dumps({**created(7), "rev_id": "7"})])
def test_json_that_is_no_event_is_malformed_and_says_why(text: str) -> None:
    told = read_json(text)
    assert isinstance(told, Malformed)
    assert "Could not interpret" in told.reason or "Must provide" in told.reason


def test_only_what_an_event_may_lack_is_malformed() -> None:
    def wrong() -> Change:
        raise BadParameter("Must provide the 'x' parameter")

    def broken() -> Change:
        raise ZeroDivisionError

    assert read(wrong) == Malformed("Must provide the 'x' parameter")
    assert read(lambda: NoEdit("page")) == NoEdit("page")
    with pytest.raises(ZeroDivisionError):
        read(broken)


@pytest.mark.parametrize(
    ("document", "rows"),
    [
        ({"query": {"recentchanges": [1, 2]}}, [1, 2]),
        ({"query": {"recentchanges": {}}}, []),
        ({"query": {}}, []),
        ({"query": []}, []),
        ({}, []),
        ([], []),
        (None, []),
    ],
)
def test_rows_of_an_answer_that_may_have_none(document: Any, rows: list[Any]) -> None:
    assert row_list(document) == rows
