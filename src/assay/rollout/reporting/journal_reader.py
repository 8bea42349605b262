"""The journal as a reader follows it: without its lock, only what is new, not too much at once.

A journal grows for years. So each line is read once and told to the `Story` of its rollout; of older entries
only their places in the file are kept, and a page of them is read when someone asks for it. A line that does
not follow the one before, or cannot stand there, ends the reading: what was told until then stays, and the
problem with it.
"""

from __future__ import annotations

import hashlib
import os
import threading
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final

from assay.errors import JournalError
from assay.rollout.journal import (
    FILE_NAME,
    FIRST_DIGEST,
    MAX_LINE_BYTES,
    Entry,
    parse_entries,
    parse_entry,
)
from assay.rollout.reporting.story import Story
from assay.rollout.state import Rollout, after

READ_AT_ONCE: Final = 16 * 1024 * 1024
"""Bytes that one refresh reads at most, which takes about a second; the next one goes on."""
MAX_STORIES: Final = 30
"""Rollouts that are told in full, the newest; `assay rollout report` tells older ones."""
PAGE_ENTRIES: Final = 100
PAGE_BYTES: Final = 2 * MAX_LINE_BYTES


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the journal was read. `entries`: whole ones. `digest`: of the last line. `problem`: why nothing
    after it is believed; None while all is well. `is_behind`: there is more, which was not read yet. `path`:
    of the file."""

    entries: int
    digest: str
    problem: str | None
    is_behind: bool
    exists: bool
    path: str


class JournalReader:
    """Reads on whenever it is asked. Safe to use from several threads."""

    def __init__(self, folder: Path, read_at_once: int = READ_AT_ONCE) -> None:
        self._path, self._read_at_once = folder / FILE_NAME, read_at_once
        self._guard = threading.RLock()
        self._begin()

    @contextmanager
    def refreshed(self) -> Iterator[tuple[Reading, Sequence[Story]]]:
        """Read what is new. The stories are of the newest rollouts, oldest first; they stand still, and
        `page` fits them, within the context only."""
        with self._guard:
            self._read()
            yield self._reading(), self._stories

    def page(self, before: int | None = None) -> Sequence[Entry]:
        """Up to `PAGE_ENTRIES` entries before entry number `before` (None: the newest), newest first. Raises
        `JournalError` when they are no longer what they were."""
        with self._guard:
            last = len(self._ends) if before is None else min(before - 1, len(self._ends))
            if last < 1:
                return ()
            first = max(1, last - PAGE_ENTRIES + 1)
            while first < last and self._end(last) - self._end(first - 1) > PAGE_BYTES:
                first += 1
            return tuple(reversed(self._entries(first, last)))

    def _begin(self) -> None:
        self._ends = array("Q")
        """Where each whole line ends in the file, after its newline."""
        self._digest, self._identity = FIRST_DIGEST, (0, 0)
        self._state: Rollout | None = None
        self._stories: list[Story] = []
        self._problem: str | None = None
        self._is_behind = self._exists = False
        self._seen = (0, 0)

    def _reading(self) -> Reading:
        return Reading(
            len(self._ends), self._digest, self._problem, self._is_behind, self._exists, str(self._path)
        )

    @property
    def _read_to(self) -> int:
        return self._end(len(self._ends))

    def _end(self, number: int) -> int:
        return int(self._ends[number - 1]) if number else 0

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                told = os.fstat(file.fileno())
                seen = (told.st_size, told.st_mtime_ns)
                if self._problem is not None and seen == self._seen:
                    return
                is_another = (told.st_dev, told.st_ino) != self._identity
                if is_another or self._problem is not None or told.st_size < self._read_to:
                    self._begin()
                self._identity, self._seen, self._exists = (told.st_dev, told.st_ino), seen, True
                self._read_on(file, told.st_size)
        except FileNotFoundError:
            self._begin()
        except OSError as error:
            self._begin()
            self._problem = f"{self._path} cannot be read: {error.strerror}"

    def _read_on(self, file: BinaryIO, size: int) -> None:
        start = self._read_to
        self._read_lines(file, size)
        if self._problem is not None and start:
            # Perhaps another journal took the place of the one that was begun: that one may be sound.
            identity, seen = self._identity, self._seen
            self._begin()
            self._identity, self._seen, self._exists = identity, seen, True
            self._read_lines(file, size)

    def _read_lines(self, file: BinaryIO, size: int) -> None:
        start = self._read_to
        file.seek(start)
        while self._problem is None and self._read_to - start < self._read_at_once:
            line = file.readline(MAX_LINE_BYTES + 1)
            if not line.endswith(b"\n"):
                if len(line) > MAX_LINE_BYTES:
                    self._problem = f"line {len(self._ends) + 1} of {self._path} is longer than any entry"
                self._is_behind = False
                return
            self._take(line)
        self._is_behind = self._problem is None and self._read_to < size

    def _take(self, line: bytes) -> None:
        """One more entry, or the problem with it."""
        number = len(self._ends) + 1
        try:
            entry = parse_entry(line[:-1], number, self._digest, self._path)
            state = after(self._state, entry)
        except JournalError as error:
            self._problem = str(error)
            return
        self._tell(state, entry)
        self._state, self._digest = state, entry.digest
        self._ends.append(self._read_to + len(line))

    def _tell(self, state: Rollout | None, entry: Entry) -> None:
        if state is None:
            return
        if entry.kind == "started":
            self._stories = [*self._stories[1 - MAX_STORIES :], Story.of(state, entry)]
        else:
            self._stories[-1].add(state, entry)

    def _entries(self, first: int, last: int) -> list[Entry]:
        """From the file, proved against the line before them and against each other."""
        before = max(1, first - 1)
        try:
            with self._path.open("rb") as file:
                file.seek(self._end(before - 1))
                content = file.read(self._end(last) - self._end(before - 1))
        except OSError as error:
            raise JournalError(f"{self._path} cannot be read: {error.strerror}") from None
        base = self._end(before - 1)
        bounds = [base, *(self._end(number) for number in range(before, last + 1))]
        lines = [content[start - base : end - base - 1] for start, end in pairwise(bounds)]
        digest = FIRST_DIGEST if first == 1 else hashlib.sha256(lines.pop(0)).hexdigest()
        return list(parse_entries(lines, self._path, first, digest))
