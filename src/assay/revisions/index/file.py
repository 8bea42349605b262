"""One SQLite file beside a dump or history, built on first use, from which any revision is found by id.

It belongs to one exact file (size, time of change, digest of head and tail) and is built anew when that
changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from assay.durable import is_for_all
from assay.errors import SourceError
from assay.revisions.files.reader import record_reader
from assay.revisions.index.builder import FORMAT, IndexBuilder
from assay.revisions.index.progress import ReportProgress
from assay.revisions.record import MAX_TEXT_BYTES

ENDS_BYTES: Final = 2**16


def index_path(path: Path, cache_dir: Path) -> Path:
    """Beside the file; in `cache_dir` when its folder is read-only (also for root, who could write), or like
    /tmp, where a stranger may have put an index of his own, or a link in the place of the lock."""
    folder = path.parent.stat()
    if folder.st_mode & 0o222 and os.access(path.parent, os.W_OK) and not is_for_all(folder):
        return path.with_name(f"{path.name}.index.sqlite")
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    return cache_dir / f"{path.name}.{digest}.index.sqlite"


def ensure_index(
    path: Path,
    index: Path,
    *,
    max_text_bytes: int = MAX_TEXT_BYTES,
    progress: ReportProgress | None = None,
) -> None:
    """Build, resume or rebuild the index of `path` at `index`, or find it complete and return at once.

    Raises `SourceError` when the file is damaged. Several processes may call this at once: one builds, the
    others wait.
    """
    record_reader(path)
    fingerprint = _fingerprint(path, max_text_bytes)
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        with _locked(index):
            meta = _read_meta(index)
            if meta.get("source") != fingerprint:
                _remove(index)
                meta = {}
            if "damage" in meta:
                raise SourceError(meta["damage"])
            if meta.get("state") != "complete":
                IndexBuilder(path, index, fingerprint, max_text_bytes, progress).run()
    except (OSError, sqlite3.Error) as error:
        raise SourceError(
            f"The index {index} cannot be written ({error}): make room, or name a folder in ASSAY_CACHE_DIR."
        ) from None


def _fingerprint(path: Path, max_text_bytes: int) -> str:
    """What an index must have been built from to be used, as canonical JSON."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            ends = hashlib.sha256(file.read(ENDS_BYTES))
            file.seek(max(0, status.st_size - ENDS_BYTES))
            ends.update(file.read(ENDS_BYTES))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}): check path and permissions.") from None
    return json.dumps(
        [FORMAT, max_text_bytes, status.st_size, status.st_mtime_ns, ends.hexdigest()], separators=(",", ":")
    )


@contextmanager
def _locked(index: Path) -> Iterator[None]:
    with Path(f"{index}-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read_meta(index: Path) -> dict[str, str]:
    """Empty when there is no index, or none that SQLite can read."""
    if not index.exists():
        return {}
    connection = sqlite3.connect(index)
    try:
        return dict(connection.execute("SELECT key, value FROM meta"))
    except sqlite3.DatabaseError:
        return {}
    finally:
        connection.close()


def _remove(index: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            Path(f"{index}{suffix}").unlink()
