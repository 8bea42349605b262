"""A whole index read through: in order, by time, with labels; what every source promises: `test_source`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from assay.revisions.index import ensure_index
from assay.revisions.indexed import IndexedSource
from assay.revisions.open import open_indexed
from revisions import small_wiki
from revisions.fetched import one
from revisions.small_wiki import Edit, WikiPage, pack
from shared_data import shared


def orders(source: IndexedSource) -> Iterator[list[int]]:
    for order in ("page", "time"):
        yield [it.id for it in source.revisions(order)]


def test_orders(tmp_path: Path) -> None:
    pages = (
        WikiPage(1, 0, "P", (Edit(5, 0, 9, "A", 1, "late"), Edit(6, 5, 1, "A", 1, "early"))),
        WikiPage(2, 0, "Q", (Edit(1, 0, 5, "A", 1, "between"),)),
    )
    source = open_indexed(pack(small_wiki.export("0.10", pages), tmp_path / "o.xml"))
    assert list(orders(source)) == [[6, 5, 1], [6, 1, 5]]
    assert [it.id for it in source.revisions(rev_ids=[1, 99, 6])] == [1, 6]
    source.close()


def test_labels_of_a_source_equal_the_published_ones(tmp_path: Path) -> None:
    source = open_indexed(shared("data/histories/crwiki/revisions.jsonl.xz"), cache_dir=tmp_path)
    labels = [edit.label for edit in source.labels()]
    wider = [edit.label for edit in source.labels(radius=30)]
    source.close()
    assert (len(labels), sum(it.reverted for it in labels)) == (6557, 1477)
    assert sum(it.reverted for it in wider) > 1477


def open_files(path: Path) -> int:
    """Handles that this process has on it."""
    return sum(handle.exists() and handle.samefile(path) for handle in Path("/proc/self/fd").iterdir())


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
