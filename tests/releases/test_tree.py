"""Folders of plain files: what does not belong there is told, and what is written stays."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from assay.errors import ReleaseError
from assay.releases.manifest import FileEntry
from assay.releases.tree import (
    CHUNK_BYTES,
    discard,
    entry_of,
    entry_of_bytes,
    faults,
    make_read_only,
    plain_files,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files, one of which lies deeper."""
    place = tmp_path / "release"
    (place / "deep" / "code").mkdir(parents=True)
    for name in ("a", "code", "deep/code/b"):
        path = place / name
        path.write_text(f"content of {name}")
    return place


def test_names_are_left_out_at_the_top_only(folder: Path) -> None:
    assert sorted(plain_files(folder)) == ["a", "code", "deep/code/b"]
    assert sorted(plain_files(folder, {"code"})) == ["a", "deep/code/b"]
    assert sorted(plain_files(folder, {"deep", "b"})) == ["a", "code"]


@pytest.mark.parametrize("place", ["odd", "deep/odd"])
@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "pipe"])
def test_links_and_devices_are_refused(folder: Path, place: str, kind: str) -> None:
    path = folder / place
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(folder / "a" if kind == "link to a file" else folder)
    with pytest.raises(ReleaseError, match=f"{place} is a link or a device"):
        list(plain_files(folder))
    assert sorted(plain_files(folder, {"odd", "deep"})) == ["a", "code"], "what is left out is not looked at"


def test_every_fault_is_a_sentence_in_the_order_of_paths(folder: Path) -> None:
    expected = {path: entry_of(folder / path) for path in plain_files(folder)}
    assert list(faults(folder, expected)) == []
    (folder / "a").write_text("content of A")
    (folder / "code").write_text("content of")
    (folder / "deep" / "code" / "b").rename(folder / "deep" / "new")
    assert list(faults(folder, expected)) == [
        "a was altered (its digest does not fit)",
        "code has 10 bytes, not 15 (cut short, or altered)",
        "deep/code/b is missing",
        "deep/new is foreign: nothing says that it should be there",
    ]
    (folder / "link").symlink_to("a")
    (fault,) = faults(folder, expected)
    assert "is a link" in fault


def test_what_a_failing_disk_does_not_give_is_a_fault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> FileEntry:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    expected = {path: entry_of(folder / path) for path in plain_files(folder)}
    monkeypatch.setattr("assay.releases.tree.entry_of", fail)
    assert next(faults(folder, expected)) == "a cannot be read (Input/output error)"


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_an_entry_is_of_the_whole_content(tmp_path: Path, size: int) -> None:
    content = b"x" * size
    (tmp_path / "file").write_bytes(content)
    assert entry_of(tmp_path / "file") == entry_of_bytes(content)
    assert entry_of_bytes(content).size_bytes == size


def test_of_a_link_to_a_folder_the_link_is_taken_away(folder: Path, tmp_path: Path) -> None:
    make_read_only(folder)
    (tmp_path / "link").symlink_to(folder)
    discard(tmp_path / "link")
    assert not (tmp_path / "link").is_symlink()
    assert sorted(plain_files(folder)) == ["a", "code", "deep/code/b"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o555
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    discard(tmp_path / "broken")
    assert not (tmp_path / "broken").is_symlink()


def test_what_is_read_only_can_still_be_taken_away(folder: Path) -> None:
    make_read_only(folder)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert all(mode == (0o555 if path.is_dir() else 0o444) for path, mode in modes.items())
    discard(folder)
    assert not folder.exists()
    discard(folder)
