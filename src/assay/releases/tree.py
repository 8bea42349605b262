"""Folders of plain files on disk: proved against a manifest, made read-only, taken away again."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Final

from assay.errors import ReleaseError
from assay.releases.manifest import FileEntry

CHUNK_BYTES: Final = 256 * 1024


def plain_files(folder: Path, besides: Container[str] = ()) -> Iterator[str]:
    """Path of every file below `folder`, with ``/``, in no order. `besides`: names at the top to leave out.

    Raises `ReleaseError` on links and devices.
    """
    for place, folders, names in os.walk(folder):
        if Path(place) == folder:
            folders[:] = [name for name in folders if name not in besides]
            names[:] = [name for name in names if name not in besides]
        for name in (*folders, *names):
            path = Path(place, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                raise ReleaseError(f"{path} is a link or a device: a release holds plain files only")
        for name in names:
            yield Path(place, name).relative_to(folder).as_posix()


def entry_of(path: Path) -> FileEntry:
    """What a manifest says of the file at `path`. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return FileEntry(sha256=digest.hexdigest(), size_bytes=size)


def entry_of_bytes(content: bytes) -> FileEntry:
    """The same for contents in memory."""
    return FileEntry(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def faults(folder: Path, expected: Mapping[str, FileEntry], besides: Container[str] = ()) -> Iterator[str]:
    """A sentence for each file that is missing, foreign or not what `expected` says, by path."""
    try:
        found = set(plain_files(folder, besides))
    except ReleaseError as error:
        yield str(error)
        return
    for path in sorted(expected.keys() | found):
        if path not in found:
            yield f"{path} is missing"
        elif path not in expected:
            yield f"{path} is foreign: nothing says that it should be there"
        elif fault := _fault(folder / path, expected[path]):
            yield f"{path} {fault}"


def make_read_only(folder: Path) -> None:
    """No file or folder below can be changed by mistake, and nothing is written beside them."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            Path(place, name).chmod(0o444)
        Path(place).chmod(0o555)


def discard(folder: Path) -> None:
    """Remove a folder, read-only or not; nothing happens when there is none. Of a link, the link. Raises
    OSError."""
    if folder.is_symlink():
        folder.unlink()
    for place, _, _ in os.walk(folder):
        Path(place).chmod(0o755)
    if folder.exists():
        shutil.rmtree(folder)


def _fault(path: Path, expected: FileEntry) -> str:
    try:
        size = path.stat().st_size
        if size != expected.size_bytes:
            return f"has {size} bytes, not {expected.size_bytes} (cut short, or altered)"
        if entry_of(path) != expected:
            return "was altered (its digest does not fit)"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return ""
