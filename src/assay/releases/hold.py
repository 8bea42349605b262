"""A release is held by every process that runs from it, for as long as the process lives, so that it is never
taken from under one: a slot's pointer only says what its processes will start with next.

The hold is a shared lock on the release's folder, which the system gives back however a process ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from assay.durable import is_at
from assay.errors import ReleaseError

_LOCKS: Final = Path("/proc/locks")


def hold_own() -> None:
    """Hold the release that this process's code belongs to until the process ends; nothing happens when it
    belongs to none. Raises `ReleaseError` when that is being removed, or was."""
    if folder := own_folder(Path(__file__), os.environ.get("ASSAY_RELEASE")):
        hold(folder)


def own_folder(module: Path, release: str | None) -> Path | None:
    """The release that this module lies in, as ``<release>/code/assay/releases/<module>``, if it is the one
    that the launcher named."""
    folder = module.parents[3]
    return folder if module.parents[2].name == "code" and folder.name == release else None


def hold(folder: Path) -> None:
    """Hold the release in `folder`. Raises `ReleaseError` when it is being removed, or was."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # never closed: the lock lives as long as it
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        is_here = is_at(folder, handle)
    except (BlockingIOError, FileNotFoundError):
        is_here = False
    except OSError:  # no locks here: nothing to keep a release from running, and nobody can remove it
        return
    if not is_here:
        raise ReleaseError(f"the release {folder.name} was just removed: start what its slot points to now")


@contextmanager
def unheld(folder: Path) -> Iterator[None]:
    """While the block runs no process takes hold of the release. Raises `ReleaseError` naming those that
    hold it, also where nobody could know them."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ReleaseError(
                f"processes still run from {folder.name}{_named(_holders(handle))}: restart what they belong "
                "to with another release, or end them, and then remove it"
            ) from None
        except OSError as error:
            raise ReleaseError(
                f"whether processes run from {folder.name} cannot be known, for its file system has no locks "
                f"({error.strerror}): see that none does, and remove {folder} by hand"
            ) from error
        yield
    finally:
        os.close(handle)


def _named(pids: list[int]) -> str:
    return f" ({', '.join(map(str, pids))})" if pids else ""


def _holders(handle: int) -> list[int]:
    """Process ids, sorted, as far as the system tells."""
    place = os.fstat(handle)
    wanted = f"{os.major(place.st_dev):02x}:{os.minor(place.st_dev):02x}:{place.st_ino}"
    try:
        lines = [line.split() for line in _LOCKS.read_text().splitlines()]
    except OSError:
        return []
    return sorted({int(words[4]) for words in lines if words[5] == wanted})
