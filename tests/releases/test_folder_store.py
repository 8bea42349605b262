"""What only a folder can do wrong as a release store; what every store promises: `test_store`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from assay.errors import StoreUnavailable
from assay.releases.folder_store import FolderStore
from assay.releases.manifest import FileEntry
from assay.releases.tree import entry_of, plain_files

KEY = "objects/a"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "content"
    path.write_bytes(b"content")
    return path


def test_others_may_read_what_is_put_whatever_the_publishers_umask(store: FolderStore, file: Path) -> None:
    """A file server over the folder is of another user, and the publisher's own file may be private."""
    file.chmod(0o600)
    before = os.umask(0o077)
    try:
        store.put(KEY, file, entry_of(file))
    finally:
        os.umask(before)
    assert stat.S_IMODE((store.folder / KEY).stat().st_mode) == 0o644


def test_what_breaks_off_leaves_all_as_it_was(store: FolderStore, file: Path) -> None:
    store.put(KEY, file, entry_of(file))
    with pytest.raises(IsADirectoryError):
        store.put(KEY, file.parent, FileEntry(sha256="0" * 64, size_bytes=7))
    assert b"".join(store.read(KEY)) == b"content"
    assert list(plain_files(store.folder)) == [KEY]


def test_strangers_files_are_no_releases(store: FolderStore, file: Path) -> None:
    for name in ("stable-0123456789ab", "no id at all"):
        store.put(f"releases/{name}.json", file, entry_of(file))
    (store.folder / "releases" / ".part-x.json").touch()
    (store.folder / "releases" / "README").touch()
    assert store.ids() == ("stable-0123456789ab",)


def test_what_is_there_and_cannot_be_read_is_no_missing_release(store: FolderStore) -> None:
    (store.folder / KEY).mkdir(parents=True)
    with pytest.raises(StoreUnavailable, match=r"broke off while it gave objects/a \(Is a directory\)"):
        next(store.read(KEY))
    with pytest.raises(StoreUnavailable, match="broke off"):
        store.holds(KEY, FileEntry(sha256="0" * 64, size_bytes=7))


def test_what_is_there_is_not_written_again(store: FolderStore, file: Path) -> None:
    store.put(KEY, file, entry_of(file))
    before = (store.folder / KEY).stat()
    store.put(KEY, file, entry_of(file))
    assert (store.folder / KEY).stat() == before


def test_it_is_on_disk_before_it_has_its_key_and_the_key_then(
    store: FolderStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut an object would be there by name, and empty."""
    sync, seen = os.fsync, list[tuple[bool, bool]]()

    def noted_sync(handle: int) -> None:
        seen.append((stat.S_ISDIR(os.fstat(handle).st_mode), (store.folder / KEY).exists()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted_sync)
    store.put(KEY, file, entry_of(file))
    assert seen == [(False, False), (True, True)]
