"""Scores as lines of a file."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Final

from assay.durable import cut_torn_line, is_at, open_kept
from assay.precache.sink import Event, Refused, Unwritten, lines
from assay.threads import in_thread

LOCK_LIMIT_S: Final = 5.0
"""Other followers keep the lock for a batch. Whoever keeps it for longer might do so for ever."""
_LOOK_AGAIN_S: Final = 0.005


class FileSink:
    """Opened anew for each batch, so that it can be moved away at any time. What a crash left of a line is
    cut off: its edit is told again. One batch at a time, whoever writes to the file: the file is locked."""

    def __init__(self, path: Path, *, fsync: bool = True, lock_limit_s: float = LOCK_LIMIT_S) -> None:
        self._path = path
        self._fsync = fsync
        self._lock_limit_s = lock_limit_s
        self._one_at_a_time = asyncio.Lock()

    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        text = lines(events)
        try:
            async with self._one_at_a_time:
                await in_thread(lambda: self._append(text))
        except OSError as error:
            raise Unwritten(f"{self._path}: {error.strerror or error}") from None
        return ()

    async def aclose(self) -> None:
        pass

    def _append(self, text: bytes) -> None:
        with self._locked() as file:
            end = cut_torn_line(file)
            written = 0
            try:
                while written < len(text):
                    written += file.write(text[written:])
            except OSError:
                if written:  # half a batch would be told twice, for nothing
                    file.truncate(end)
                raise
            if self._fsync:
                os.fsync(file.fileno())

    @contextmanager
    def _locked(self) -> Iterator[FileIO]:
        """Else what another has just written is cut off as a crash's. What was moved away before it was our
        turn may be packed and removed by now: it is let go. Raises `TimeoutError`."""
        until_s = time.monotonic() + self._lock_limit_s
        while True:
            with os.fdopen(open_kept(self._path), "ab+", buffering=0) as file:
                _lock(file, until_s)
                if is_at(self._path, file.fileno()):
                    yield file
                    return


def _lock(file: FileIO, until_s: float) -> None:
    """Never waits within the system, where nothing could end it. `until_s`: monotonic."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                raise TimeoutError("another program keeps the file locked") from None
            time.sleep(_LOOK_AGAIN_S)
        else:
            return
