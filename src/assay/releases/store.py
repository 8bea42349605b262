"""A release store: where releases are published, and fetched from by id alone.

Two kinds of keys: ``releases/<id>.json`` is a manifest, ``objects/<sha256>`` any file of any release. A key's
content can never change, so nothing is ever out of date: it is there, or it is not, and whoever reads it
proves it. A mirror that lags behind has no older copy to give.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final, Protocol

from assay.releases.manifest import FileEntry

CHUNK_BYTES: Final = 64 * 1024
"""Must come within the stall limit, or less at a file's end."""


class ReleaseStore(Protocol):
    """Every implementation passes the one suite in ``tests/releases/test_store.py``."""

    @property
    def address(self) -> str:
        """As an operator names it, without secrets."""
        ...

    def read(self, key: str) -> Generator[bytes, None, None]:
        """The content in pieces; close the iterator to stop early. The caller proves what comes.

        Raises `ReleaseNotFound`, `StoreUnavailable` (away, failing, slow, broken off), or
        `ConfigurationError` (no rights, led elsewhere).
        """
        ...

    def put(self, key: str, file: Path, entry: FileEntry) -> None:
        """Make `key` hold the content of `file`, in one step; again: no harm. Raises as `read`."""
        ...

    def holds(self, key: str, entry: FileEntry) -> bool:
        """Whether `key` is there, and is `entry` as far as the store can tell by itself. Raises as `read`."""
        ...

    def ids(self) -> tuple[str, ...]:
        """Of all releases, sorted. Raises as `read`."""
        ...


def manifest_key(release_id: str) -> str:
    return f"releases/{release_id}.json"


def object_key(entry: FileEntry) -> str:
    return f"objects/{entry.sha256}"
