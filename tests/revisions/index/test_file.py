"""The index: used again, rebuilt when stale, refused when it is not complete, built once by many."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from assay.errors import SourceError
from assay.revisions.index.file import ensure_index
from assay.revisions.index.source import IndexedSource
from assay.revisions.open import open_indexed
from revisions import small_wiki
from revisions.indexing import build_command, opened
from revisions.small_wiki import pack
from shared_data import shared


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return pack(small_wiki.export("0.11"), tmp_path / "small.xml")


def inode(export: Path) -> int:
    return export.with_name(f"{export.name}.index.sqlite").stat().st_ino


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


@pytest.mark.parametrize("mode", [0o555, 0o1777], ids=["read-only", "like /tmp"])
def test_it_goes_to_the_cache_when_it_may_not_lie_beside_the_file(
    export: Path, tmp_path: Path, mode: int
) -> None:
    folder = tmp_path / "frozen"
    folder.mkdir()
    path = export.rename(folder / "small.xml")
    folder.chmod(mode)
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


def test_two_processes_at_once_build_one_index(tmp_path: Path) -> None:
    path = shared("data/dumps/aawiki-20260101-pages-meta-history.xml.7z")
    children = [subprocess.Popen(build_command(path, tmp_path / "shared")) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    source = IndexedSource(tmp_path / "shared")
    assert source.count() == 1307
    source.close()


def test_an_index_that_cannot_be_written_is_refused_with_advice(export: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match=r"cannot be written.*ASSAY_CACHE_DIR"):
        ensure_index(export, tmp_path / "file" / "x.sqlite")
