"""What a bundle says of itself, read without its trees, and without what they are computed by."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import orjson

from assay.errors import BundleError
from assay.models.files import BundleFiles, open_files
from assay.models.manifest import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    STATISTICS,
    FileEntry,
    Manifest,
    parse_manifest,
)

MAX_STATISTICS_BYTES: Final = 8 * 1024 * 1024


def read_manifest(path: Path) -> Manifest:
    """What the bundle at `path` is, without reading its trees (about 1 ms). Raises `BundleError`."""
    return parse_manifest(open_files(path).read(MANIFEST, MAX_MANIFEST_BYTES))


def read_statistics(path: Path) -> dict[str, Any]:
    """The measured statistics, in ORES's shape, of the bundle at `path`. Raises `BundleError`."""
    files = open_files(path)
    manifest = parse_manifest(files.read(MANIFEST, MAX_MANIFEST_BYTES))
    content = proved(files, STATISTICS, manifest.files[STATISTICS], MAX_STATISTICS_BYTES)
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise BundleError("statistics.json is no JSON object: train the bundle again")
    return document


def proved(files: BundleFiles, name: str, entry: FileEntry, limit_bytes: int) -> bytes:
    """A file's bytes, once they are what the manifest says. Raises `BundleError`."""
    if entry.size_bytes > limit_bytes:
        raise BundleError(f"{name} is said to have {entry.size_bytes} bytes; the limit is {limit_bytes}")
    content = files.read(name, limit_bytes)
    if len(content) != entry.size_bytes:
        raise BundleError(
            f"{name} has {len(content)} bytes, not {entry.size_bytes} (cut short?): get the bundle again"
        )
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise BundleError(f"{name} was altered (its digest does not fit): get the bundle again")
    return content
