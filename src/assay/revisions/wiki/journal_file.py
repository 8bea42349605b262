"""A file of JSON lines that only grows, of one process at a time, sound after any kill.

A line counts when it is whole. What a killed process left of a last line is cut off at the next opening.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from assay.durable import cut_torn_line, open_kept
from assay.errors import ConfigurationError


class JournalFile:
    """Opened for reading and appending; made when it is not there."""

    def __init__(self, path: Path) -> None:
        """Raises `ConfigurationError` when another process has it open, OSError as `open_kept` does."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(open_kept(path), "a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise ConfigurationError(
                f"{path} is being written by another process: wait for it, or give another folder"
            ) from None
        cut_torn_line(self._file)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every line, in the order of writing. Raises `ConfigurationError` naming one that is damaged."""
        with self.path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    value = orjson.loads(line)
                except orjson.JSONDecodeError:
                    value = None
                if not isinstance(value, dict):
                    raise ConfigurationError(f"{self.path}, line {number} is damaged: remove the file")
                yield value

    def append(self, line: Mapping[str, Any]) -> None:
        """On disk when this returns."""
        self._file.write(orjson.dumps(line) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
