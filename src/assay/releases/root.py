"""Where releases lie on a machine.

::

    releases/<id>/         a whole release; `code/`, `bin/assay` and `installed.json` once it is installed
    environments/<digest>/ pinned packages, shared by the releases that pin the same
    slots/<slot>           symbolic link to ../releases/<id>: which release the slot's processes start with
    locks/                 one file for each thing that two processes might do at once

What begins with a dot is being made, or was left by a process that was killed; its successor clears it away.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assay.errors import ReleaseError, ReleaseNotFound
from assay.releases.manifest import MANIFEST, MAX_MANIFEST_BYTES, ReleaseManifest, is_id, parse_manifest

LOCK_LIMIT_S: Final = 120.0
_LOOK_AGAIN_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Root:
    """A release root. `path`: absolute; it need not exist yet."""

    path: Path

    @property
    def releases(self) -> Path:
        return self.path / "releases"

    @property
    def environments(self) -> Path:
        return self.path / "environments"

    @property
    def slots(self) -> Path:
        return self.path / "slots"

    def release(self, release_id: str) -> Path:
        """Where that release lies, or would."""
        return self.releases / release_id

    def has(self, release_id: str) -> bool:
        return (self.release(release_id) / MANIFEST).is_file()

    def ids(self) -> tuple[str, ...]:
        """Of all whole releases, sorted."""
        if not self.releases.is_dir():
            return ()
        return tuple(sorted(p.name for p in self.releases.iterdir() if is_id(p.name) and self.has(p.name)))

    def manifest(self, release_id: str) -> ReleaseManifest:
        """Raises `ReleaseNotFound`, or `ReleaseError` when it is not what its id says."""
        if not self.has(release_id):
            there = ", ".join(self.ids()) or "none"
            raise ReleaseNotFound(f"there is no release {release_id} in {self.releases}; there are: {there}")
        return read_manifest(self.release(release_id), release_id)

    @contextmanager
    def lock(self, name: str, limit_s: float = LOCK_LIMIT_S) -> Iterator[None]:
        """Held by one process at a time; the system gives it back when the process dies.

        Raises `ReleaseError` when another process keeps it for longer than `limit_s`.
        """
        folder = self.path / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("ab") as stream:
            _take(stream.fileno(), name, time.monotonic() + limit_s)
            yield


def let_others_read() -> int:
    """Whatever umask the operator has: what is put there as root is run by services of other users, and holds
    no secrets. For the whole process from now on; its umask before."""
    before = os.umask(0o022)
    os.umask(before & 0o022)
    return before


def read_manifest(folder: Path, expected_id: str | None = None) -> ReleaseManifest:
    """The manifest of the release in `folder`; `expected_id` as in `parse_manifest`. Raises
    `ReleaseError`."""
    path = folder / MANIFEST
    try:
        if path.is_symlink():
            raise ReleaseError(f"{path} is a link: a release holds plain files only")
        with path.open("rb") as stream:
            return parse_manifest(stream.read(MAX_MANIFEST_BYTES + 1), expected_id)
    except OSError as error:
        raise ReleaseNotFound(f"there is no release in {folder} ({error.strerror}: {MANIFEST})") from error


def _take(handle: int, name: str, limit_s: float) -> None:
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit_s:
                raise ReleaseError(
                    f"another process has been at work on {name} for long: see what it does, and try again"
                ) from None
            time.sleep(_LOOK_AGAIN_S)
