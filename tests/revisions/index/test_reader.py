"""What is read from an index: in the right order, and damage costs what it hit, nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.clock import Deadline, FakeClock, SystemClock
from assay.errors import SourceError, SourceUnavailable
from assay.revisions.index.file import ensure_index
from assay.revisions.index.reader import IndexReader
from assay.revisions.index.source import IndexedSource
from assay.revisions.problem import Problem, revision_not_found
from assay.revisions.record import MAX_ID, MAX_TEXT_BYTES
from assay.revisions.types import UNKNOWN, Revision
from revisions import small_wiki

LINE: dict[str, Any] = {"page_title": "P", "timestamp": "2020-01-01T00:00:00Z", "user": "A", "comment": ""}
TEXTS = ["first text", "first text and more", "{{other}}", "first text"]


def indexed(folder: Path, lines: list[dict[str, Any]]) -> Path:
    path = folder / "history.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    index = folder / "index"
    ensure_index(path, index)
    return index


def reading(index: Path) -> IndexReader:
    return IndexReader(index, MAX_TEXT_BYTES)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return indexed(tmp_path, [{**LINE, "rev_id": i, "text": text} for i, text in enumerate(TEXTS, 1)])


def changed(index: Path, *statements: str) -> None:
    with closing(sqlite3.connect(index)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def soon() -> Deadline:
    return Deadline.after(60, FakeClock())


@st.composite
def edits(draw: st.DrawFn) -> list[tuple[int, int, int | None]]:
    """Page, second, namespace: of revisions in the order of the file, whose ids say nothing of time."""
    namespaces = draw(st.lists(st.sampled_from([None, 0, 1, 4]), min_size=4, max_size=4))
    drawn = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=12))
    return [(page, second, namespaces[page]) for page, second in drawn]


@settings(max_examples=15)  # each builds an index
@given(edits(), st.randoms(use_true_random=False), st.integers(0, 13))
def test_orders(
    tmp_path_factory: pytest.TempPathFactory,
    edits: list[tuple[int, int, int | None]],
    random: Any,
    limit: int,
) -> None:
    ids = random.sample(range(1, 100), len(edits))
    rows = [(rev_id, *edit, position) for position, (rev_id, edit) in enumerate(zip(ids, edits, strict=True))]
    lines = [
        {
            **LINE,
            "rev_id": rev_id,
            "page_title": f"P{page}",
            "namespace": namespace,
            "timestamp": f"2020-01-01T00:00:0{second}Z",
            "text": "",
        }
        for rev_id, page, second, namespace, _ in rows
    ]
    first_met = list(dict.fromkeys(page for _, page, _, _, _ in rows))
    with reading(indexed(tmp_path_factory.mktemp("orders"), lines)) as reader:
        assert list(reader.ordered("time")) == [row[0] for row in sorted(rows, key=lambda it: (it[2], it[4]))]
        assert list(reader.ordered("page")) == [
            row[0] for row in sorted(rows, key=lambda it: (first_met.index(it[1]), it[2], it[4]))
        ]
        latest = sorted(rows, key=lambda it: (it[2], it[4]), reverse=True)
        articles = [it[0] for it in latest if not it[3]]
        assert reader.recent(limit) == [*articles, *(it[0] for it in latest if it[3])][:limit]
        assert reader.count() == len(rows)


def test_what_the_file_does_not_tell_is_unknown(index: Path) -> None:
    with reading(index) as reader:
        revision = reader.find(1)
    assert isinstance(revision, Revision)
    told = (revision.is_minor, revision.page.id, revision.page.namespace, revision.tags)
    assert told == (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
    assert revision.parent is None


def test_neighbours_share_the_text_between_them(index: Path) -> None:
    """A chunk of a dump holds each great text once, not as one edit's text and as the next one's parent's."""
    with reading(index) as reader:
        first, second, third = (
            it for it in reader.find_all([1, 2, 3], soon()).values() if isinstance(it, Revision)
        )
    for edit, parent in ((second, first), (third, second)):
        assert isinstance(edit.parent, Revision)
        assert edit.parent.text is parent.text


@pytest.mark.parametrize("rev_id", [-1, 0, 99, MAX_ID, MAX_ID + 1, 10**30])
def test_any_number_may_be_asked_for(index: Path, rev_id: int) -> None:
    with reading(index) as reader:
        assert reader.find(rev_id) == revision_not_found(rev_id)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM texts WHERE rev_id = 3",
        "UPDATE texts SET data = x'00' WHERE rev_id = 3",
        "UPDATE texts SET base = 77 WHERE rev_id = 3",
    ],
)
def test_a_damaged_text_costs_its_own_revision_and_its_child(index: Path, damage: str) -> None:
    changed(index, damage)
    with reading(index) as reader:
        found = reader.find_all([1, 2, 3, 4, 9], soon())
        with pytest.raises(SourceError, match="delete the index"):
            reader.find(3)
    assert {rev_id: isinstance(it, Problem) for rev_id, it in found.items()} == {
        1: False, 2: False, 3: True, 4: True, 9: True,
    }  # fmt: skip
    assert [it.retryable for it in found.values() if isinstance(it, Problem)] == [True, True, False]


def test_a_table_that_is_gone_costs_no_exception(index: Path) -> None:
    changed(index, "DROP TABLE texts")
    with reading(index) as reader:
        (problem,) = reader.find_all([1], soon()).values()
    assert isinstance(problem, Problem)
    assert problem.retryable


DAMAGE = {
    "a name of other bytes": "UPDATE pages SET title = CAST(x'ff' AS TEXT)",
    "a table that is gone": "DROP TABLE pages",
    "no time": "UPDATE revisions SET timestamp = 'soon'",
    "a state that there is not": "UPDATE revisions SET text_state = 77",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_any_damage_is_told_with_advice(index: Path, damage: str) -> None:
    """Of the index alone: clients read it, too."""
    source = IndexedSource(index)
    changed(index, DAMAGE[damage])
    told = r"The index is damaged \(.*\): delete the index file"
    with pytest.raises(SourceError, match=told):
        source.get(2)
    source.close()


@pytest.mark.parametrize("damage", list(DAMAGE)[:2])
def test_labels_of_a_damaged_index_are_refused_alike(index: Path, damage: str) -> None:
    source = IndexedSource(index)
    changed(index, DAMAGE[damage])
    with pytest.raises(SourceError, match=r"The index is damaged \(.*\): delete the index file"):
        list(source.labels())
    source.close()


def test_an_index_that_somebody_locks_is_not_called_damaged(index: Path) -> None:
    """Who believes that deletes the index of a large dump."""
    reader = reading(index)
    reader._db.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(index)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceError, match=r"^The index cannot be read just now: database is locked\.$"):
            reader.count()
    assert reader.count()
    reader.close()


async def test_a_feed_from_a_damaged_index_may_be_asked_for_again(index: Path) -> None:
    source = IndexedSource(index)
    changed(index, "DROP TABLE pages")
    with pytest.raises(SourceUnavailable, match="The index is damaged"):
        await source.recent(3, Deadline.after(60, SystemClock()))
    source.close()


def rubbish(index: Path) -> Iterator[str]:
    yield "cannot be read"
    index.write_bytes(b"no database at all" * 100)
    yield "cannot be read"
    index.write_bytes(b"")
    yield "cannot be read"


def test_what_is_no_index_is_refused_with_advice(tmp_path: Path) -> None:
    index = tmp_path / "index"
    for saying in rubbish(index):
        with pytest.raises(SourceError, match=saying):
            reading(index)
    assert index.read_bytes() == b"", "looking makes and changes nothing"


def test_an_index_that_is_not_complete_is_refused(index: Path) -> None:
    changed(index, "UPDATE meta SET value = 'linking' WHERE key = 'state'")
    with pytest.raises(SourceError, match="not complete"):
        reading(index)


def test_a_path_may_hold_what_addresses_give_a_meaning(tmp_path: Path) -> None:
    folder = tmp_path / "a?mode=rwc&b#c%20d"
    folder.mkdir()
    path = small_wiki.pack(small_wiki.export("0.11"), folder / "wiki.xml")
    ensure_index(path, folder / "index")
    with reading(folder / "index") as reader:
        assert reader.count() > 0
