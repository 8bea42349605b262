"""The index: complete after a kill, rebuilt when stale, refused when the file is damaged."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.errors import SourceError
from assay.revisions import textstore
from assay.revisions.index import ensure_index
from assay.revisions.indexed import IndexedSource
from assay.revisions.open import open_indexed
from assay.revisions.problem import Problem
from assay.revisions.progress import IndexProgress
from assay.revisions.types import Revision
from revisions import small_wiki
from revisions.small_wiki import Edit, WikiPage, pack
from shared_data import shared


def contents(source: IndexedSource) -> list[Revision]:
    return list(source.revisions())


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return pack(small_wiki.export("0.11"), tmp_path / "small.xml")


def inode(export: Path) -> int:
    return export.with_name(f"{export.name}.index.sqlite").stat().st_ino


def opened(path: Path, **options: bool) -> list[Revision]:
    source = open_indexed(path, **options)  # type: ignore[arg-type]
    try:
        return contents(source)
    finally:
        source.close()


def test_it_lies_beside_the_file_and_is_used_again(export: Path) -> None:
    first = opened(export)
    before = inode(export)
    assert opened(export) == first
    assert inode(export) == before
    assert {it.name for it in export.parent.iterdir()} == {
        "small.xml",
        "small.xml.index.sqlite",
        "small.xml.index.sqlite-lock",
    }


def test_it_goes_to_the_cache_when_the_folder_is_read_only(export: Path, tmp_path: Path) -> None:
    folder = tmp_path / "frozen"
    folder.mkdir()
    path = export.rename(folder / "small.xml")
    folder.chmod(0o555)
    try:
        open_indexed(path, cache_dir=tmp_path / "cache").close()
        assert [it.name for it in folder.iterdir()] == ["small.xml"]
    finally:
        folder.chmod(0o755)
    assert len(list((tmp_path / "cache").glob("small.xml.*.index.sqlite"))) == 1


def test_equal_names_in_different_folders_do_not_share_an_index(tmp_path: Path) -> None:
    caches = []
    for name in "ab":
        folder = tmp_path / name
        folder.mkdir()
        pack(small_wiki.export("0.11"), folder / "small.xml")
        folder.chmod(0o555)
        open_indexed(folder / "small.xml", cache_dir=tmp_path / "cache").close()
        caches.append(len(list((tmp_path / "cache").glob("*.sqlite"))))
        folder.chmod(0o755)
    assert caches == [1, 2]


@pytest.mark.parametrize("change", ["content", "same length", "time", "limit"])
def test_a_changed_file_is_indexed_anew(export: Path, change: str) -> None:
    opened(export)
    before = inode(export)
    status = export.stat()
    data = export.read_bytes()
    if change == "content":
        export.write_bytes(data.replace(b"hahaha", b"hahahaha"))
    elif change == "same length":
        export.write_bytes(data.replace(b"hahaha", b"hohoho"))
        os.utime(export, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "time":
        os.utime(export, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    elif change == "limit":
        open_indexed(export, max_text_bytes=5).close()
    if change != "limit":
        texts = [it.text for it in opened(export)]
        expected = {"content": "hahahaha", "same length": "hohoho"}.get(change, "hahaha")
        assert expected in texts
    with sqlite3.connect(export.with_name("small.xml.index.sqlite")) as connection:
        (source,) = connection.execute("SELECT value FROM meta WHERE key = 'source'").fetchone()
    connection.close()
    assert (str(5) in source.split(",")) == (change == "limit")
    assert before


@pytest.mark.parametrize("rubbish", [b"", b"no database at all" * 100, None])
def test_an_index_that_cannot_be_read_is_built_anew(export: Path, rubbish: bytes | None) -> None:
    first = opened(export)
    index = export.with_name("small.xml.index.sqlite")
    index.write_bytes(index.read_bytes()[:5000] if rubbish is None else rubbish)
    assert opened(export) == first


def test_an_index_that_was_not_completed_is_not_served(export: Path) -> None:
    opened(export)
    index = export.with_name("small.xml.index.sqlite")
    with sqlite3.connect(index) as connection:
        connection.execute("UPDATE meta SET value = 'linking' WHERE key = 'state'")
    connection.close()
    with pytest.raises(SourceError, match="not complete"):
        IndexedSource(index)
    assert len(opened(export)) == len(small_wiki.EDITS)


BUILD = """
import os, signal, sys
from pathlib import Path
from assay.revisions import index, index_builder
index_builder.BATCH_RECORDS = 100
kill_at, path, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
def progress(state):
    if f"{state.phase} {state.revisions}" == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
index.ensure_index(path, target, progress=progress)
"""


def kill_at(moment: str, path: Path, index: Path) -> None:
    """Index in a process of its own that kills itself with SIGKILL at this moment."""
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BUILD), moment, str(path), str(index)], check=False
    )
    assert child.returncode == -signal.SIGKILL


@pytest.fixture
def real_export() -> Path:
    return shared("data/dumps/aawiki-20260101-pages-meta-history.xml.7z")


def digest(index: Path) -> str:
    source = IndexedSource(index)
    try:
        return hashlib.sha256(repr(contents(source)).encode()).hexdigest()
    finally:
        source.close()


def test_after_kills_the_index_is_the_same_and_nothing_is_stored_twice(
    real_export: Path, tmp_path: Path
) -> None:
    ensure_index(real_export, tmp_path / "whole")
    for moment in ("reading 100", "reading 800", "linking 1307"):
        kill_at(moment, real_export, tmp_path / "killed")
    reports: list[IndexProgress] = []
    ensure_index(real_export, tmp_path / "killed", progress=reports.append)
    assert {report.phase for report in reports} == {"linking"}, "it goes on where it was killed"
    assert digest(tmp_path / "killed") == digest(tmp_path / "whole")


def test_a_resumed_run_stores_only_what_is_missing(real_export: Path, tmp_path: Path) -> None:
    kill_at("reading 800", real_export, tmp_path / "killed")
    connection = sqlite3.connect(tmp_path / "killed")
    assert connection.execute("SELECT value FROM meta WHERE key = 'position'").fetchone() == ("800",)
    assert connection.execute("SELECT COUNT(*), MAX(position) FROM revisions").fetchone() == (800, 799)
    connection.execute("UPDATE revisions SET comment = 'stored before the kill'")
    connection.commit()
    connection.close()
    ensure_index(real_export, tmp_path / "killed")
    source = IndexedSource(tmp_path / "killed")
    assert sum(it.comment == "stored before the kill" for it in contents(source)) == 800
    assert source.count() == 1307
    source.close()


@pytest.mark.parametrize("packing", ["", ".xz", ".7z"])
def test_a_damaged_file_is_refused_until_it_is_whole(packing: str, tmp_path: Path) -> None:
    path = tmp_path / f"big.xml{packing}"
    pack(many_revisions(300), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    for _ in range(2):
        with pytest.raises(SourceError, match=r"damaged or cut short|is broken"):
            open_indexed(path)
    path.write_bytes(whole)
    source = open_indexed(path)
    assert source.count() == 300
    source.close()


def many_revisions(count: int, words: int = 200) -> bytes:
    edits = tuple(
        Edit(i, i - 1, 0, f"U{i % 7}", i % 7 + 1, " ".join(str(n * n + i) for n in range(words)))
        for i in range(1, count + 1)
    )
    return small_wiki.export("0.10", (WikiPage(1, 0, "Long", edits),))


def test_memory_does_not_grow_with_the_number_of_revisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(textstore, "CACHE_BYTES", 2**18)
    peaks = []
    for count in (100, 1000):
        path = tmp_path / f"{count}.xml"
        path.write_bytes(many_revisions(count, words=2000))
        tracemalloc.start()
        source = open_indexed(path)
        read = sum(1 for _ in source.revisions())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        source.close()
        assert read == count
    assert path.stat().st_size > 10 * 2**20
    assert peaks[1] < peaks[0] + 2 * 2**20


def test_the_same_id_twice_is_kept_once(tmp_path: Path) -> None:
    page = WikiPage(
        1,
        0,
        "P",
        (Edit(1, 0, 0, "A", 1, "first"), Edit(1, 0, 1, "B", 2, "second"), Edit(2, 1, 2, "A", 1, "x")),
    )
    path = pack(small_wiki.export("0.10", (page,)), tmp_path / "double.xml")
    assert [(it.id, it.text) for it in opened(path)] == [(1, "first"), (2, "x")]


def test_a_text_beyond_the_limit_is_a_problem_of_its_own_revision(tmp_path: Path) -> None:
    page = WikiPage(1, 0, "P", (Edit(1, 0, 0, "A", 1, "y" * 20_000_000), Edit(2, 1, 1, "A", 1, "short")))
    path = pack(small_wiki.export("0.10", (page,)), tmp_path / "large.xml")
    large, short = opened(path)
    assert isinstance(large.text, Problem)
    assert large.text.code == "text_too_large"
    assert large.size_bytes == 20_000_000
    assert short.text == "short"
    assert isinstance(short.parent, Revision)
    assert isinstance(short.parent.text, Problem)


def test_progress_tells_bytes_and_revisions(export: Path) -> None:
    reports: list[IndexProgress] = []
    open_indexed(export, progress=reports.append).close()
    assert reports[-1] == IndexProgress("linking", export.stat().st_size, export.stat().st_size, 11)
    assert all(it.done_bytes <= it.total_bytes for it in reports)


def test_two_processes_at_once_build_one_index(real_export: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(BUILD),
        "never",
        str(real_export),
        str(tmp_path / "shared"),
    ]
    children = [subprocess.Popen(command) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    source = IndexedSource(tmp_path / "shared")
    assert source.count() == 1307
    source.close()


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


def test_an_index_that_cannot_be_written_is_refused_with_advice(export: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match=r"cannot be written.*ASSAY_CACHE_DIR"):
        ensure_index(export, tmp_path / "file" / "x.sqlite")
