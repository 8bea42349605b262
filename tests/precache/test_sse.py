"""The parser against the standard's own examples, and against any cut of the same bytes."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.events import Change, read_event
from assay.precache.sse import MAX_ID_BYTES, ServerEvent, SseParser
from shared_data import shared


def parsed(*chunks: bytes, **options: int) -> list[ServerEvent]:
    parser = SseParser(**options)  # type: ignore[arg-type]
    return [event for chunk in chunks for event in parser.feed(chunk)]


def data(text: bytes) -> list[str | None]:
    return [event.data for event in parsed(text)]


def test_what_wikimedias_stream_sent() -> None:
    events = parsed(shared("samples/events/sse_recentchange.txt").read_bytes())
    assert len(events) > 5
    offsets = [orjson.loads(event.id)[0]["offset"] for event in events]
    assert offsets == sorted(offsets)
    for event in events:
        assert event.type == "message"
        assert isinstance(read_event(orjson.loads(event.data or "")), Change)


@pytest.mark.parametrize(
    ("text", "expected"),
    [  # from the section of the standard that is named above the parser
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]),
        (b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
         ["first event", "second event"]),
        (b"data\n\ndata\ndata\n\ndata:", ["", "\n"]),
        (b"data:test\n\ndata: test\n\n", ["test", "test"]),
    ],
)  # fmt: skip
def test_the_standards_examples(text: bytes, expected: list[str]) -> None:
    assert data(text) == expected


def test_an_id_lasts_until_another_and_an_empty_one_takes_it_back() -> None:
    ids = [event.id for event in parsed(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: 2\n\nid: 3\ndata")]
    assert ids == ["1", "1", ""]
    parser = SseParser()
    list(parser.feed(b"id: 2\n\nid: 3\ndata: cut off"))
    assert parser.last_id == "2"


def test_fields_that_count_for_nothing() -> None:
    assert parsed(b"id: a\0b\nevents: x\n data: y\nretry: soon\ndata: z\n\n") == [
        ServerEvent("message", "z", "")
    ]
    parser = SseParser()
    list(parser.feed(b"retry: 1500\n"))
    assert parser.retry_ms == 1500


def test_a_mark_of_byte_order_is_no_part_of_the_first_field() -> None:
    assert data(b"\xef\xbb\xbfdata: a\n\n") == ["a"]
    assert parsed(b"\xef", b"\xbb", b"\xbfdata: a\n\n")[0].data == "a"
    assert data(b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n") == []


def test_an_event_that_is_too_long_is_told_and_passed() -> None:
    long = b"data: " + b"x" * 50 + b"\n"
    for text in (long * 3, b"data: " + b"x" * 200 + b"\n"):
        found = parsed(b"id: 7\n" + text + b"\nid: 8\ndata: y\n\n", max_event_bytes=100)
        assert found == [ServerEvent("message", None, "7"), ServerEvent("message", "y", "8")]
        whole = b"id: 7\n" + text + b"\nid: 8\ndata: y\n\n"
        assert parsed(*(whole[n : n + 9] for n in range(0, len(whole), 9)), max_event_bytes=100) == found


def test_an_id_that_is_too_long_to_go_back_is_passed_over() -> None:
    parser = SseParser()
    most = MAX_ID_BYTES - len("id: ")
    text = b"id: 7\ndata: a\n\nid: %b\ndata: b\n\nid: %b\ndata: c\n\n" % (b"x" * (most + 1), b"y" * most)
    assert [event.id[:3] for event in parser.feed(text)] == ["7", "7", "yyy"]
    assert parser.long_ids == 1
    assert len(parser.last_id) == most


def test_what_is_left_of_an_id_longer_than_an_event_is_no_id() -> None:
    for more in (0, 1, 7, 100):
        parser = SseParser("7", max_event_bytes=100)
        text = b"id: " + b"x" * (97 + more)
        for begin in range(0, len(text), 10):
            assert list(parser.feed(text[begin : begin + 10])) == []
        found = list(parser.feed(b"\ndata: a\n\nid: 8\ndata: b\n\n"))
        assert [event.id for event in found] == ["7", "8"]
        assert parser.long_ids == 1


LINES = st.sampled_from(
    [b"data: a", b"data:", b"data", b"data: \xc3\xa9", b"data: \xff", b"id: 1", b"id: 2", b"id", b"id: \0",
     b"event: other", b"event", b"retry: 5", b": comment", b"", b"", b"nonsense", b"data:  two",
     b"\xef\xbb\xbfdata: b"]
)  # fmt: skip
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(LINES, ENDS), max_size=30), st.lists(st.integers(0, 300), max_size=20))
def test_how_the_bytes_arrive_makes_no_difference(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    text = b"".join(line + end for line, end in lines)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    chunks = [text[begin:end] for begin, end in pairwise(places)]
    assert parsed(*chunks) == parsed(text)
    assert parsed(*(text[n : n + 1] for n in range(len(text)))) == parsed(text)
