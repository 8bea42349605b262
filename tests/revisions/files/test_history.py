"""The history reader: a round trip of anything a wiki may hold, and what is refused."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import SourceError
from assay.revisions.digest import sha1_base36
from assay.revisions.files.history import MAX_LINE_BYTES, read_history
from assay.revisions.record import Record, TextState
from assay.revisions.types import UNKNOWN
from revisions.files.test_export import Plain

PATH = Path("h.jsonl")
ROW = {
    "rev_id": 7,
    "page_title": "T",
    "timestamp": "2020-01-01T00:00:00Z",
    "user": "A",
    "comment": "c",
    "text": "t",
}


def read(data: bytes, **options: int) -> list[Record]:
    return list(read_history(Plain(data), PATH, **options))


def line(**changes: object) -> bytes:
    return json.dumps({**ROW, **changes}).encode() + b"\n"


def test_what_is_not_told_is_unknown() -> None:
    (record,) = read(line())
    assert (
        record.parent_id is record.user_id is record.page_id is record.namespace is record.is_minor is UNKNOWN
    )
    assert (record.is_anonymous, record.content_model, record.size_bytes) == (False, "wikitext", 1)
    assert record.sha1 == sha1_base36(b"t")


@pytest.mark.parametrize(("parent_id", "meaning"), [(0, None), (None, None), (5, 5)])
def test_parents(parent_id: int | None, meaning: int | None) -> None:
    assert read(line(parent_id=parent_id))[0].parent_id == meaning


def test_the_files_own_sha1_wins_because_texts_may_have_lost_trailing_blanks() -> None:
    assert read(line(sha1="dj26whmq8dyg634wyxyf8h53fys6sy0"))[0].sha1 == "dj26whmq8dyg634wyxyf8h53fys6sy0"


def test_null_means_hidden_or_missing() -> None:
    (record,) = read(line(user=None, comment=None, text=None))
    assert (record.user, record.comment, record.text) == (None, None, None)
    assert record.text_state is TextState.MISSING
    assert record.sha1 is UNKNOWN
    assert read(line(text=None, text_hidden=True))[0].text_state is TextState.HIDDEN


def test_an_address_is_an_anonymous_author_even_where_the_file_does_not_say_so() -> None:
    assert read(line(user="192.0.2.1"))[0].is_anonymous
    assert read(line(user="192.0.2.1", anon=None))[0].is_anonymous
    assert not read(line(user="192.0.2.1", anon=False))[0].is_anonymous


def test_a_truth_value_may_be_a_number_and_null_is_not_known() -> None:
    assert read(line(anon=1, minor=0))[0].is_anonymous
    assert read(line(anon=1, minor=0))[0].is_minor is False
    assert read(line(minor=None, text_hidden=None))[0].is_minor is UNKNOWN


def test_a_byte_order_mark_before_the_first_line_is_passed_over() -> None:
    assert read(codecs.BOM_UTF8 + line()) == read(line())
    with pytest.raises(SourceError, match="line 2: is not JSON"):
        read(line() + codecs.BOM_UTF8 + line())


def test_a_text_beyond_the_limit_is_measured_but_not_kept() -> None:
    text = "x" * 20_000_000
    (record,) = read(line(text=text), max_text_bytes=1000)
    assert (record.text, record.text_state, record.size_bytes) == (None, TextState.TOO_LARGE, 20_000_000)


def test_lone_surrogates_are_replaced() -> None:
    (record,) = read(line(text="a\ud800b\U0001f34f", comment="\udfff", user="\udc00", page_title="\ud8ff"))
    assert record.text == "a\ufffdb\U0001f34f".encode()
    assert (record.comment, record.user, record.title) == ("\ufffd", "\ufffd", "\ufffd")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "line 1: is not JSON"),
        (line() + b"\n" + b"[]\n", "line 3: is not a JSON object"),
        (line() + b"[" * 100_000, "line 2: is not JSON"),
        (line(rev_id=0), "rev_id must be a whole number from 1"),
        (line(rev_id="7"), "rev_id must be a whole number"),
        (line(rev_id=True), "rev_id must be a whole number"),
        (line(rev_id=2**63), "rev_id must be a whole number"),
        (line(parent_id=-1), "parent_id must be a whole number from 0"),
        (line(anon="False"), "anon must be true, false or null"),
        (line(minor=[]), "minor must be true, false or null"),
        (line(text_hidden="no"), "text_hidden must be true, false or null"),
        (line(text=5), "text must be a string or null"),
        (line(page_title=None), "page_title must be a string"),
        (line(timestamp="yesterday"), "timestamp must be a time"),
        (line(timestamp="0001-01-01T00:00:00+23:59"), "timestamp must be a time"),
        (line(timestamp=None), "timestamp must be a string"),
        (b"x" * (MAX_LINE_BYTES + 2**18), "a line of more than"),
    ],
)
def test_what_is_broken_is_refused_with_the_line(data: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        read(data)


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.lists(st.tuples(TEXT, TEXT, st.none() | TEXT, st.none() | TEXT, st.integers(0, 2**32)), max_size=5),
    st.booleans(),
)
def test_whatever_was_written_is_read(
    rows: list[tuple[str, str, str | None, str | None, int]], ascii: bool
) -> None:
    lines = [
        {
            **ROW,
            "rev_id": i,
            "page_title": title,
            "text": text,
            "user": user,
            "comment": comment,
            "parent_id": parent,
        }
        for i, (title, text, user, comment, parent) in enumerate(rows, 1)
    ]
    records = read("\n".join(json.dumps(row, ensure_ascii=ascii) for row in lines).encode())
    assert [(r.title, (r.text or b"").decode(), r.user, r.comment, r.parent_id or 0) for r in records] == rows
