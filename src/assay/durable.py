"""Files that a kill or a power cut leaves whole: as they were, or as they were to become; and nobody else's.

In a folder like /tmp, a stranger may have put a file or a link where one of ours is to lie. Linux can be set
to guard against it (proc(5), protected_symlinks and protected_regular), but is not everywhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

_PIECE_BYTES: Final = 2**16
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The system names no file with these."""


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` in one step when the block ends; not when it raises. Of a
    symbolic link, the file that it leads to is replaced.

    Until then it lies beside it as ``.<name>.part``, made anew in the place of what a killed writer left. On
    a disk that takes no more, it is taken away, and the system's error names `path`. Raises PermissionError
    for a stranger's file or link of that name which this user may not take away.
    """
    path = behind_link(path)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with on_a_full_disk(path, lambda: part.unlink(missing_ok=True)), part.open("xb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    sync_folder(path.parent)


@contextmanager
def on_a_full_disk(path: Path, clear: Callable[[], object]) -> Iterator[None]:
    """The system's error names `path`, and `clear` takes away what was begun."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            error.filename = error.filename or str(path)
            clear()
        raise


def behind_link(path: Path) -> Path:
    """The file that `replacing` puts in place: where a symbolic link leads, else `path` itself.

    Raises PermissionError for a stranger's link in a folder like /tmp, OSError for one that leads to itself.
    """
    if not path.is_symlink():
        return path
    _refuse_strangers("link", path, path.lstat())
    try:
        return path.resolve()
    except RuntimeError:  # as Python 3.11 says it
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None


def open_kept(path: Path) -> int:
    """The descriptor of a file that is read, and written further at its end; made when it is not there.

    Raises PermissionError for one that a stranger made in a folder like /tmp, or that his link leads to.
    """
    place = behind_link(path)
    handle = os.open(place, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        _refuse_strangers("file", place, os.fstat(handle))
    except BaseException:
        os.close(handle)
        raise
    return handle


def is_for_all(folder: os.stat_result) -> bool:
    """Whether everybody may make files in it, and take away their own only."""
    return bool(folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH)


def _refuse_strangers(kind: str, path: Path, status: os.stat_result) -> None:
    if _is_strangers(status, path.parent.stat(), os.geteuid()):
        raise PermissionError(errno.EACCES, f"a {kind} of another user in a folder for all", str(path))


def _is_strangers(file: os.stat_result, folder: os.stat_result, user: int) -> bool:
    """Whether somebody else may have put a file here for this user to write to, or a link."""
    return is_for_all(folder) and file.st_uid not in (user, folder.st_uid)


def write_durably(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put a file in place in one step; its folder is made when it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as stream:
        stream.write(content)
        os.fchmod(stream.fileno(), mode)


def sync_folder(folder: Path) -> None:
    """Have the system keep names that were just made or renamed in `folder`."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_at(path: Path, handle: int) -> bool:
    """Whether the open file or folder still lies there: not, when it was moved away or removed."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def cut_torn_line(file: BinaryIO) -> int:
    """Cut off what a killed writer left of a last line; the file's size then, in bytes. A file of whole lines
    is not touched. `file`: open for reading and writing, and locked by whoever may write to it."""
    size = file.seek(0, os.SEEK_END)
    whole = _whole_lines(file, size)
    if whole < size:
        file.truncate(whole)
    return whole


def _whole_lines(file: BinaryIO, size: int) -> int:
    """Bytes up to the last line's end, looked for from the file's end."""
    end = size
    while end:
        start = max(0, end - _PIECE_BYTES)
        file.seek(start)
        if found := file.read(end - start).rfind(b"\n") + 1:
            return start + found
        end = start
    return 0
