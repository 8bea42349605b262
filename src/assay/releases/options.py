"""Where releases lie on this machine, and where they come from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from assay.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ReleaseOptions:
    """Releases on this machine, and the store that they come from."""

    root: str | None = None
    """Folder of this machine's releases, environments and slots. None: ``/var/lib/assay`` for root, else
    ``assay`` in the user's data folder (``XDG_DATA_HOME``)."""
    store: str | None = None
    """Where releases are published: a folder, ``https://…`` (read only) or ``s3://bucket/prefix``."""
    s3_endpoint_url: str | None = None
    """Address of an S3-compatible server. None: what boto3 finds (Amazon's, or ``AWS_ENDPOINT_URL``)."""
    stall_limit_s: float = 10.0
    """A store that gives less than 64 KiB in this time is given up: a slow mirror must be a loud error while
    an operator waits for a hot fix."""


def root_folder(options: ReleaseOptions) -> Path:
    """The release root in force, absolute."""
    if options.root is not None:
        return Path(options.root).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/assay")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share").absolute() / "assay"


def store_address(options: ReleaseOptions, given: str | None) -> str:
    """`given`, else the setting. Raises `ConfigurationError` when there is neither."""
    address = given or options.store
    if not address:  # empty, as a variable without a value leaves it, would be the folder one stands in
        raise ConfigurationError(
            "no release store is named: give --store, or set releases.store "
            "(a folder, https://…, or s3://bucket/prefix)"
        )
    return address
