"""A release store: where releases are published, and fetched from by id alone.

Two kinds of keys: ``releases/<id>.json`` is a manifest, ``objects/<sha256>`` any file of any release. A key's
content can never change, so nothing is ever out of date: it is there, or it is not, and whoever reads it
proves it. A mirror that lags behind has no older copy to give.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final, Protocol

from assay.errors import ConfigurationError, StoreUnavailable
from assay.releases.manifest import FileEntry

CHUNK_BYTES: Final = 64 * 1024
"""Must come within the stall limit, or less at a file's end."""


class ReleaseStore(Protocol):
    """Every implementation passes the one suite in ``tests/releases/test_stores.py``."""

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


def open_store(address: str, stall_limit_s: float, s3_endpoint_url: str | None = None) -> ReleaseStore:
    """The store at `address`: ``s3://bucket/prefix``, ``http(s)://…``, or a folder; nothing is asked yet.

    Raises `ConfigurationError` for what is none of these.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        from assay.releases.folder_store import FolderStore

        return FolderStore(Path(address).absolute())
    if scheme in ("http", "https") and rest:
        from assay.releases.http_store import HttpStore

        return HttpStore(address, stall_limit_s)
    if scheme == "s3" and rest:
        from assay.releases.s3_store import S3Store

        bucket, _, prefix = rest.partition("/")
        return S3Store(bucket, prefix, stall_limit_s, s3_endpoint_url)
    raise ConfigurationError(
        f"{address!r:.120} is no release store: name a folder, https://…, or s3://bucket/prefix"
    )


def too_slow(address: str, key: str, limit_s: float) -> StoreUnavailable:
    return StoreUnavailable(
        f"the release store {address} is too slow: less than {CHUNK_BYTES // 1024} KiB of {key} came in "
        f"{limit_s:g} s; try again, or use another store"
    )


def broken_off(address: str, key: str, reason: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the release store {address} broke off while it gave {key} ({reason}); try again, or use another "
        "store"
    )


def away(address: str, reason: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the release store {address} does not answer ({reason}): check the address and the network"
    )


def failing(address: str, key: str, reason: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the release store {address} fails ({reason}) when asked for {key}; try again, or use another store"
    )


def no_rights(address: str, key: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"the release store {address} does not let us at {key} ({reason}): check credentials and rights"
    )
