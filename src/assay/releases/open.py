"""A release store from what an operator writes: ``s3://bucket/prefix``, ``https://…``, or a folder."""

from __future__ import annotations

from pathlib import Path

from assay.errors import ConfigurationError
from assay.releases.options import ReleaseOptions, store_address
from assay.releases.store import ReleaseStore


def store_of(options: ReleaseOptions, given: str | None = None) -> ReleaseStore:
    """The store at the address that was `given`, else that of the settings. Raises `ConfigurationError`."""
    return open_store(store_address(options, given), options.stall_limit_s, options.s3_endpoint_url)


def open_store(address: str, stall_limit_s: float, s3_endpoint_url: str | None = None) -> ReleaseStore:
    """The store at `address`; nothing is asked yet. Raises `ConfigurationError` for what is no store."""
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
    shown = f"{scheme}://…" if "@" in rest else address  # before it a password may stand
    raise ConfigurationError(
        f"{shown!r:.120} is no release store: name a folder, https://…, or s3://bucket/prefix"
    )
