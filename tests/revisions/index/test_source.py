"""A whole index read through: in order, by time, with labels; what every source promises: `test_source`."""

from __future__ import annotations

import csv
import gc
import lzma
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.clock import Deadline, FakeClock
from assay.errors import SourceUnavailable
from assay.revisions.index.file import ensure_index
from assay.revisions.index.reader import Order
from assay.revisions.index.source import IndexedSource
from assay.revisions.open import open_indexed
from assay.revisions.problem import source_failed
from assay.revisions.record import iso
from revisions import small_wiki
from revisions.fetched import one
from revisions.indexing import open_files
from revisions.small_wiki import Edit, WikiPage, pack
from shared_data import shared
from waiting import soon


@pytest.fixture
def small(tmp_path: Path) -> Iterator[IndexedSource]:
    source = open_indexed(pack(small_wiki.export("0.11"), tmp_path / "small.xml"))
    yield source
    source.close()


def test_pages_come_one_after_the_other_or_all_edits_by_time(tmp_path: Path) -> None:
    pages = (
        WikiPage(1, 0, "P", (Edit(5, 0, 9, "A", 1, "late"), Edit(6, 5, 1, "A", 1, "early"))),
        WikiPage(2, 0, "Q", (Edit(1, 0, 5, "A", 1, "between"),)),
    )
    source = open_indexed(pack(small_wiki.export("0.10", pages), tmp_path / "o.xml"))
    orders: dict[Order, list[int]] = {"page": [6, 5, 1], "time": [6, 1, 5]}
    for order, rev_ids in orders.items():
        assert list(source.ids(order)) == [it.id for it in source.revisions(order)] == rev_ids
    assert list(source.ids()) == [it.id for it in source.revisions()] == orders["page"]
    assert [it.id for it in source.revisions(rev_ids=[1, 99, 6])] == [1, 6]
    assert source.count() == 3
    source.close()


@pytest.mark.parametrize("way", ["ids", "labels", "revisions"])
def test_who_stops_in_the_middle_is_told_of_no_damage(
    small: IndexedSource, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    rows = getattr(small, way)()
    next(rows)
    del rows
    gc.collect()
    assert not told


async def test_what_is_read_without_a_loop_is_what_is_fetched(small: IndexedSource) -> None:
    for rev_id in (15, 22, 404):
        assert {rev_id: small.get(rev_id)} == await small.fetch([rev_id], soon())


async def test_who_asks_too_late_is_told_so(small: IndexedSource) -> None:
    clock = FakeClock()
    passed = Deadline.after(1, clock)
    clock.advance(1)
    asked = {rev_id: source_failed(rev_id, "the deadline passed") for rev_id in (10, 11)}
    assert await small.fetch([10, 11, 10], passed) == asked
    with pytest.raises(SourceUnavailable, match="did not answer in time"):
        await small.recent(3, passed)


def test_labels_are_the_published_ones_each_with_its_edit(tmp_path: Path) -> None:
    folder = shared("data/histories/akwiki")
    source = open_indexed(folder / "revisions.jsonl.xz", cache_dir=tmp_path)
    labels = {edit.rev_id: edit for edit in source.labels()}
    wider = sum(edit.label.reverted for edit in source.labels(radius=50))
    shorter = sum(edit.label.reverted_48h for edit in source.labels(window_s=600.0))
    source.close()
    with lzma.open(folder / "labels.tsv.xz", "rt", encoding="utf-8", newline="\n") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) == len(labels) > 1000
    for row in rows:
        edit = labels[int(row["rev_id"])]
        assert (edit.page_title, edit.user or "", iso(edit.timestamp)) == (
            row["page_title"],
            row["user"],
            row["timestamp"],
        )
        assert str(edit.is_anonymous) == row["anon"]
        assert str(edit.label.reverted_by) == row["reverted_by"]
    assert sum(row["reverted"] == "True" for row in rows) < wider
    assert 0 < shorter < sum(row["reverted_48h"] == "True" for row in rows)


async def test_closing_gives_back_the_file_and_the_thread(tmp_path: Path) -> None:
    index = tmp_path / "index"
    ensure_index(pack(small_wiki.export("0.11"), tmp_path / "small.xml"), index)
    threads = set(threading.enumerate())
    source = IndexedSource(index)
    assert [it.id for it in source.revisions("time")][:2] == [10, 11]
    assert (await one(source, 10)).id == 10
    assert open_files(index) == 1  # what was read through is closed already
    await source.aclose()
    assert (open_files(index), set(threading.enumerate()) - threads) == (0, set())
