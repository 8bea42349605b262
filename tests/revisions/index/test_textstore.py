"""Texts in an index: packed against each other, and read back whole in whatever order."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import SourceError
from assay.revisions.index import textstore
from assay.revisions.index.textstore import CHAIN, SCHEMA, TextReader, TextWriter

Row = tuple[int, int | None, bytes | None]


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute(SCHEMA)
    yield connection
    connection.close()


def stored(connection: sqlite3.Connection, texts: Sequence[tuple[int, bytes]]) -> list[Row]:
    """The rows of these (page, text) in order; the revision ids count from 1."""
    writer = TextWriter()
    rows = [writer.pack(page, rev_id, text) for rev_id, (page, text) in enumerate(texts, 1)]
    connection.executemany("INSERT INTO texts VALUES (?, ?, ?)", rows)
    return rows


def versions(count: int) -> list[tuple[int, bytes]]:
    """One page's texts, each a little longer than the one before."""
    return [(1, b"The first line.\n" * 20 + b"x" * number) for number in range(count)]


TEXTS = st.lists(
    st.tuples(st.integers(1, 12), st.one_of(st.binary(max_size=20), st.sampled_from([b"", b"a" * 300]))),
    max_size=60,
)


@given(TEXTS, st.randoms())
def test_every_text_comes_back_in_any_order(texts: list[tuple[int, bytes]], order: Random) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(SCHEMA)
    stored(connection, texts)
    reader = TextReader(connection)
    rev_ids = list(range(1, len(texts) + 1)) * 2
    order.shuffle(rev_ids)
    assert all(reader.read(rev_id) == texts[rev_id - 1][1] for rev_id in rev_ids)
    connection.close()


def test_every_sixteenth_text_stands_alone(database: sqlite3.Connection) -> None:
    texts = versions(3 * CHAIN)
    rows = stored(database, texts)
    reader = TextReader(database)
    assert [reader.read(rev_id) for rev_id, _, _ in reversed(rows)] == [text for _, text in reversed(texts)]
    assert [rev_id for rev_id, base, _ in rows if base is None] == [1, 1 + CHAIN, 1 + 2 * CHAIN]
    assert all(base == rev_id - 1 for rev_id, base, _ in rows if base is not None)


def test_a_text_costs_what_it_adds_to_the_one_before(database: sqlite3.Connection) -> None:
    random = Random(1).randbytes(5000)
    (_, _, first), (_, _, second) = stored(database, [(1, random), (1, random + b"more")])
    assert first is not None
    assert second is not None
    assert len(second) < 100 < 5000 <= len(first)


def test_a_text_that_came_back_is_a_pointer_and_later_ones_build_on_it(database: sqlite3.Connection) -> None:
    good, bad = b"good text " * 9, b"bad"
    rows = stored(database, [(1, good), (1, bad), (1, good), (1, good + b"better")])
    assert rows[2] == (3, 1, None)
    assert rows[3][1] == 1
    assert [TextReader(database).read(rev_id) for rev_id in (3, 4)] == [good, good + b"better"]


def test_a_text_that_came_back_goes_on_with_its_own_place_in_the_chain(database: sqlite3.Connection) -> None:
    """Else reading would unpack more than sixteen texts, or new ones would stand alone too early."""
    texts = versions(CHAIN)
    rows = stored(database, [*texts, texts[0], *((1, text + b"!") for _, text in texts)])
    bases = {rev_id: base for rev_id, base, _ in rows}
    assert bases[CHAIN + 1] == 1
    for rev_id in bases:
        unpacked, at = 1, bases[rev_id]
        while at is not None:
            unpacked, at = unpacked + (rows[at - 1][2] is not None), bases[at]
        assert unpacked <= CHAIN + 1
    assert bases[CHAIN + 1 + CHAIN - 1] is not None
    assert bases[CHAIN + 1 + CHAIN] is None


def test_only_some_texts_are_remembered(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(textstore, "REMEMBERED", 2)
    rows = stored(database, [(1, b"a"), (1, b"b"), (1, b"b"), (1, b"c"), (1, b"b"), (1, b"a")])
    assert [data is None for _, _, data in rows] == [False, False, True, False, True, False]


def test_the_pages_that_were_written_last_are_remembered(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(textstore, "OPEN_PAGES", 2)
    rows = stored(database, [(1, b"a"), (2, b"a"), (1, b"a"), (3, b"a"), (1, b"a"), (2, b"a")])
    assert [base for _, base, _ in rows] == [None, None, 1, None, 1, None]


def test_what_is_kept_while_reading_is_bounded_and_read_once(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = versions(CHAIN)
    stored(database, texts)
    asked: list[str] = []
    database.set_trace_callback(asked.append)
    reader = TextReader(database)
    for rev_id in range(1, CHAIN + 1):
        reader.read(rev_id)
    assert len(asked) == CHAIN, "each row was asked for once"
    monkeypatch.setattr(textstore, "CACHE_BYTES", 2 * len(texts[-1][1]))
    small = TextReader(database)
    for rev_id in range(1, CHAIN + 1):
        small.read(rev_id)
    assert list(small._cache) == [CHAIN - 1, CHAIN]
    assert small._cached_bytes == sum(map(len, small._cache.values()))


def test_a_text_larger_than_what_is_kept_is_read_all_the_same(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(textstore, "CACHE_BYTES", 1)
    texts = versions(4)
    stored(database, texts)
    reader = TextReader(database)
    assert reader.read(4) == texts[3][1]
    assert list(reader._cache) == [4], "for the one that is built on it"


def test_a_lost_text_says_what_to_do(database: sqlite3.Connection) -> None:
    stored(database, versions(3))
    with pytest.raises(SourceError, match=r"has lost the text of revision 9: delete the index file"):
        TextReader(database).read(9)
    database.execute("DELETE FROM texts WHERE rev_id = 1")
    with pytest.raises(SourceError, match=r"has lost the text of revision 1: delete the index file"):
        TextReader(database).read(3)
