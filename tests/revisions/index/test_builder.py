"""Filling an index: the same after kills, nothing twice, nothing of a damaged file, in bounded memory."""

from __future__ import annotations

import hashlib
import re
import signal
import sqlite3
import subprocess
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from assay.errors import SourceError
from assay.revisions.index import builder as index_builder
from assay.revisions.index import textstore
from assay.revisions.index.file import ensure_index
from assay.revisions.index.progress import IndexProgress
from assay.revisions.index.source import IndexedSource
from assay.revisions.open import open_indexed
from assay.revisions.problem import Problem, text_too_large
from assay.revisions.types import Revision
from revisions import small_wiki
from revisions.indexing import build_command, contents, many_revisions, open_files, opened
from revisions.small_wiki import Edit, WikiPage, pack
from shared_data import shared


def kill_at(moment: str, path: Path, index: Path) -> None:
    child = subprocess.run(build_command(path, index, kill_at=moment), check=False)
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
    assert [report.phase for report in reports] == ["linking"], "it goes on where it was killed"
    assert reports[0].revisions == 1307
    assert digest(tmp_path / "killed") == digest(tmp_path / "whole")


def test_a_resumed_run_stores_only_what_is_missing(real_export: Path, tmp_path: Path) -> None:
    kill_at("reading 800", real_export, tmp_path / "killed")
    connection = sqlite3.connect(tmp_path / "killed")
    assert connection.execute("SELECT value FROM meta WHERE key = 'position'").fetchone() == ("800",)
    assert connection.execute("SELECT COUNT(*), MAX(position) FROM revisions").fetchone() == (800, 799)
    connection.execute("UPDATE revisions SET comment = 'stored before the kill'")
    connection.commit()
    connection.close()
    reports: list[IndexProgress] = []
    ensure_index(real_export, tmp_path / "killed", progress=reports.append)
    assert [(it.phase, it.revisions) for it in reports] == [
        ("reading", 500),
        ("reading", 1000),
        ("reading", 1307),
        ("linking", 1307),
    ]
    source = IndexedSource(tmp_path / "killed")
    assert sum(it.comment == "stored before the kill" for it in contents(source)) == 800
    assert source.count() == 1307
    source.close()


def test_a_file_that_has_less_than_was_read_of_it_is_refused(real_export: Path, tmp_path: Path) -> None:
    """As when it is cut while it is read: its size and its ends were looked at before."""
    kill_at("reading 100", real_export, tmp_path / "killed")
    with closing(sqlite3.connect(tmp_path / "killed")) as connection:
        connection.execute("UPDATE meta SET value = '1308' WHERE key = 'position'")
        connection.commit()
    with pytest.raises(SourceError, match="became shorter while it was indexed"):
        ensure_index(real_export, tmp_path / "killed")


@pytest.mark.parametrize("packing", ["", ".xz", ".7z"])
def test_a_damaged_file_is_refused_until_it_is_whole(
    packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_builder, "BATCH_RECORDS", 50)
    path = tmp_path / f"big.xml{packing}"
    pack(many_revisions(300), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    first: list[IndexProgress] = []
    again: list[IndexProgress] = []
    with pytest.raises(SourceError, match=r"damaged or cut short|is broken") as refusal:
        open_indexed(path, progress=first.append)
    with pytest.raises(SourceError, match=re.escape(str(refusal.value))):
        open_indexed(path, progress=again.append)
    assert bool(first) == (packing != ".7z"), "whose table of contents stands at its end"
    assert not again, "it is known by now"
    path.write_bytes(whole)
    source = open_indexed(path)
    assert source.count() == 300
    source.close()


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


def test_the_limit_of_texts_is_the_operators(tmp_path: Path) -> None:
    page = WikiPage(1, 0, "P", (Edit(1, 0, 0, "A", 1, "y" * 50), Edit(2, 1, 1, "A", 1, "y" * 51)))
    path = pack(small_wiki.export("0.10", (page,)), tmp_path / "limited.xml")
    source = open_indexed(path, max_text_bytes=50)
    whole, cut = contents(source)
    source.close()
    assert whole.text == "y" * 50
    assert cut.text == text_too_large(2, 51, 50)


def test_nothing_stays_open_whatever_becomes_of_it(tmp_path: Path) -> None:
    path = pack(small_wiki.export("0.11"), tmp_path / "small.xml")
    damaged = tmp_path / "damaged.xml"
    damaged.write_bytes(path.read_bytes()[:-100])
    ensure_index(path, tmp_path / "whole")
    with pytest.raises(SourceError):
        ensure_index(damaged, tmp_path / "broken")
    for name in ("whole", "broken", "small.xml", "damaged.xml"):
        assert open_files(tmp_path / name) == 0


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


def test_progress_tells_bytes_and_revisions(tmp_path: Path) -> None:
    export = pack(small_wiki.export("0.11"), tmp_path / "small.xml")
    reports: list[IndexProgress] = []
    open_indexed(export, progress=reports.append).close()
    assert reports[-1] == IndexProgress("linking", export.stat().st_size, export.stat().st_size, 11)
    assert all(it.done_bytes <= it.total_bytes for it in reports)
