"""Files that are indexed, here or in processes of their own, and what their indexes then hold."""

from __future__ import annotations

import sys
from pathlib import Path

from assay.revisions.index.source import IndexedSource
from assay.revisions.open import open_indexed
from assay.revisions.types import Revision
from revisions import small_wiki
from revisions.small_wiki import Edit, WikiPage

_BUILD = """
import os, signal, sys
from pathlib import Path
from assay.revisions.index import file as index
from assay.revisions.index import builder as index_builder
index_builder.BATCH_RECORDS = 100
kill_at, path, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
def progress(state):
    if f"{state.phase} {state.revisions}" == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
index.ensure_index(path, target, progress=progress)
"""


def build_command(path: Path, index: Path, *, kill_at: str = "never") -> list[str]:
    """A process that indexes `path` in batches of 100 and kills itself with SIGKILL at this moment."""
    return [sys.executable, "-c", _BUILD, kill_at, str(path), str(index)]


def contents(source: IndexedSource) -> list[Revision]:
    return list(source.revisions())


def opened(path: Path, **options: bool) -> list[Revision]:
    source = open_indexed(path, **options)  # type: ignore[arg-type]
    try:
        return contents(source)
    finally:
        source.close()


def many_revisions(count: int, words: int = 200) -> bytes:
    edits = tuple(
        Edit(i, i - 1, 0, f"U{i % 7}", i % 7 + 1, " ".join(str(n * n + i) for n in range(words)))
        for i in range(1, count + 1)
    )
    return small_wiki.export("0.10", (WikiPage(1, 0, "Long", edits),))


def open_files(path: Path) -> int:
    """Handles that this process has on it."""
    return sum(handle.exists() and handle.samefile(path) for handle in Path("/proc/self/fd").iterdir())
