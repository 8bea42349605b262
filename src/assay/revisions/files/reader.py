"""Which reader a file needs, by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from assay.errors import SourceError
from assay.revisions.files.compressed import PACKINGS, Stream
from assay.revisions.files.export import read_export
from assay.revisions.files.history import read_history
from assay.revisions.record import MAX_TEXT_BYTES, Record


class RecordReader(Protocol):
    """Every revision of an unpacked file, in the file's order. `path`: for messages. Raises `SourceError` at
    the first damaged place; records before it have been given."""

    def __call__(
        self, stream: Stream, path: Path, *, max_text_bytes: int = MAX_TEXT_BYTES
    ) -> Iterator[Record]: ...


def record_reader(path: Path) -> RecordReader:
    """The reader for a file's name. Raises `SourceError` for one that is neither export nor history."""
    name = path.name
    for packing in PACKINGS:
        name = name.removesuffix(packing)
    if re.search(r"\.xml(-p\d+p\d+)?$", name):
        return read_export
    if name.endswith(".jsonl"):
        return read_history
    raise SourceError(
        f"{path} is neither a MediaWiki export (.xml) nor a history (.jsonl), plain or packed as "
        f"{', '.join(PACKINGS)}: rename it, or export the wiki again."
    )
