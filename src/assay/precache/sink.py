"""Where scores are told: to standard output, or as lines of a file."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from assay.durable import cut_torn_line

Event = Mapping[str, Any]
_ON_STDOUT: Final = threading.Lock()
"""Held by whoever writes there."""


class Unwritten(Exception):
    """Not told, or not known to be; to be tried again. `delay_s`: what the other side asked to wait."""

    def __init__(self, reason: str, delay_s: float | None = None) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


class Refused(Exception):
    """The other side will never take this one event; the message says why."""


class Sink(Protocol):
    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        """All told when this returns, but those that it returns. After `Unwritten`, some may have been told,
        and telling all again does no harm: events have ids."""
        ...

    async def aclose(self) -> None: ...


def lines(events: Sequence[Event]) -> bytes:
    return b"".join(orjson.dumps(event) + b"\n" for event in events)


class StdoutSink:
    """One batch at a time, each whole. Raises OSError (a broken pipe) when nobody reads any more, which ends
    the process."""

    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        await asyncio.to_thread(_to_stdout, lines(events))
        return ()

    async def aclose(self) -> None:
        pass


class FileSink:
    """Opened anew for each batch, so that it can be moved away at any time. What a crash left of a line is
    cut off: its edit is told again. One batch at a time, whoever writes to the file: the file is locked."""

    def __init__(self, path: Path, *, fsync: bool = True) -> None:
        self._path = path
        self._fsync = fsync

    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        try:
            await asyncio.to_thread(self._append, lines(events))
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
        turn may be packed and removed by now: it is let go."""
        while True:
            with self._path.open("ab+", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is_at(self._path, file):
                    yield file
                    return


def _is_at(path: Path, file: FileIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _to_stdout(text: bytes) -> None:
    """Python's own stream has neither a lock nor a buffer where PYTHONUNBUFFERED is set, as in containers."""
    with _ON_STDOUT, os.fdopen(sys.stdout.fileno(), "wb", closefd=False) as stream:
        stream.write(text)
