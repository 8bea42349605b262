"""A bundle's files as bytes, from a directory or a zip, and back: bounded, and nothing but plain files.

Refused before anything is read in full: links, names that leave the folder, files that the manifest does not
name, files that are too large, zips that unpack to too much.
"""

from __future__ import annotations

import io
import lzma
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from assay.durable import on_a_full_disk, replacing
from assay.errors import BundleError, reason_of

MAX_FILES: Final = 64
MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_DAMAGE: Final = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    KeyError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    lzma.LZMAError,
    zlib.error,
)


class BundleFiles(Protocol):
    """Names and contents of one bundle."""

    def names(self) -> set[str]:
        """Every file, with ``/`` between folders. Raises `BundleError` on links and odd entries."""
        ...

    def read(self, name: str, limit_bytes: int) -> bytes:
        """One file. Raises `BundleError` when it is absent, damaged or longer than `limit_bytes`."""
        ...


def open_files(path: Path) -> BundleFiles:
    """The files at `path`: a directory, or a zip. Raises `BundleError` when it is neither."""
    if path.is_dir():
        return _Directory(path)
    if path.is_file():
        return _Zip(path)
    raise BundleError(f"there is no bundle at {path}: give a bundle's directory or .zip")


class _Directory:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> set[str]:
        found: set[str] = set()
        folders = [self._path]
        while folders:
            for path in list(folders.pop().iterdir()):
                name = path.relative_to(self._path).as_posix()
                if path.is_symlink() or not (path.is_dir() or path.is_file()):
                    raise BundleError(f"{name} is a link or a device: a bundle holds plain files only")
                if path.is_dir():
                    folders.append(path)
                else:
                    found.add(name)
                if len(found) + len(folders) > MAX_FILES:
                    raise _too_many()
        return found

    def read(self, name: str, limit_bytes: int) -> bytes:
        path = self._path / name
        try:
            if path.is_symlink() or path.parent.is_symlink():
                raise BundleError(f"{name} is a link: a bundle holds plain files only")
            with path.open("rb") as stream:
                return _bounded(name, stream.read(limit_bytes + 1), limit_bytes)
        except (OSError, ValueError) as error:
            raise _unreadable(name, error) from error


class _Zip:
    def __init__(self, path: Path) -> None:
        try:
            if path.stat().st_size > MAX_FILES * MAX_FILE_BYTES:
                raise BundleError(f"{path.name} is too large for a bundle")
            self._zip = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
        except _DAMAGE as error:
            raise BundleError(f"{path.name} is no zip, or damaged ({error}): get the bundle again") from error

    def names(self) -> set[str]:
        entries = self._zip.infolist()
        if len(entries) > MAX_FILES:
            raise _too_many()
        for entry in entries:
            mode = entry.external_attr >> 16
            if entry.is_dir() or (stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
                raise BundleError(f"{entry.filename!r} is no plain file: a bundle holds plain files only")
            parts = entry.filename.split("/")
            if ".." in parts or "" in parts or "\\" in entry.filename or ":" in entry.filename:
                raise BundleError(f"{entry.filename!r} leaves the bundle's folder: do not use this file")
        names = {entry.filename for entry in entries}
        if len(names) != len(entries):
            raise BundleError("two files in the zip have the same name: do not use this file")
        return names

    def read(self, name: str, limit_bytes: int) -> bytes:
        try:
            with self._zip.open(name) as stream:
                return _bounded(name, stream.read(limit_bytes + 1), limit_bytes)
        except _DAMAGE as error:
            raise _unreadable(name, error) from error


def write_directory(path: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` beside `path`, then put them in its place.

    A reader never sees a half-written bundle. Replacing an existing one takes two renames; a reader in
    between finds none, and must ask again. On a disk that takes no more, what was there stays. Raises OSError
    where a former writer's leftovers cannot be taken away.
    """
    part = path.with_name(f".{path.name}.part")
    old = path.with_name(f".{path.name}.old")
    for leftover in (part, old):
        _take_away(leftover)
    part.mkdir()  # anew: in a folder like /tmp, what lies here may be a stranger's, or his link
    with on_a_full_disk(path, lambda: shutil.rmtree(part, ignore_errors=True)):
        for name, content in files.items():
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
    if path.exists():
        path.rename(old)
    part.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def _take_away(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` as a zip that depends on their contents only, and put it in place atomically."""
    with (
        replacing(path) as stream,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed,
    ):
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            packed.writestr(entry, files[name])


def _bounded(name: str, content: bytes, limit_bytes: int) -> bytes:
    if len(content) > limit_bytes:
        raise BundleError(f"{name} has more than {limit_bytes} bytes: get the bundle again")
    return content


def _too_many() -> BundleError:
    return BundleError(f"more than {MAX_FILES} files: this is no bundle of Assay")


def _unreadable(name: str, error: Exception) -> BundleError:
    return BundleError(f"{name} is missing or cannot be read ({reason_of(error)}): get the bundle again")
