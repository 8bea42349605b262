"""The code beneath a score, as a digest: two releases whose code differs there share no cached score.

Features and datasources have versions that whoever changes them must raise. Whoever forgets it, or breaks a
feature without knowing, would otherwise write wrong scores where the release that serves users looks its own
up. So the sources themselves are part of a score's identity. That costs a cold cache after each
release that touches them, and buys that no candidate can poison the scores of the stable release.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import assay

PACKAGES: Final = ("features", "models", "revisions", "scoring", "stores")
"""All floors from a revision to a stored score. What stands above shows scores and cannot change them."""

LIBRARIES: Final = (
    "google-re2",
    "lightgbm",
    "mwparserfromhell",
    "numpy",
    "orjson",
    "PyStemmer",
    "rapidfuzz",
    "regex",
    "scipy",
)
"""Those that compute or write values."""


@cache
def own_code_digest() -> str:
    """Of the running code: read once, a few milliseconds."""
    versions = {name: _version(name) for name in LIBRARIES}
    python = ".".join(map(str, sys.version_info[:2]))  # with its tables of Unicode
    return code_digest(Path(assay.__file__).parent, {**versions, "python": python})


def code_digest(package: Path, libraries: dict[str, str]) -> str:
    """SHA-256, in hexadecimal, of the sources of `PACKAGES` under `package` by their path, and of the
    libraries' versions."""
    digest = hashlib.sha256()
    for path in sorted(path for name in PACKAGES for path in (package / name).rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(package).as_posix()}\n{len(content)}\n".encode())
        digest.update(content)
    for name, installed in sorted(libraries.items()):
        digest.update(f"{name}=={installed}\n".encode())
    return digest.hexdigest()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # nothing is computed with what is not there
        return ""
