"""Everything that a rollout did, saw and decided, in a file that only grows.

One JSON object a line: ``number``, ``at`` (UTC), ``kind``, ``data``, and ``previous``, the SHA-256 of the
line before (of 64 zeros for the first). So a line cannot be changed, dropped or put in between without all
later ones betraying it; whoever wants to be sure of the last one too keeps its digest elsewhere. Each line is
on the disk (fsync) before `append` returns, and only then is acted upon.

A process killed while it wrote leaves a last line without its end. Nothing was done on its strength, so the
next writer cuts it off, keeps it beside the journal, and says so in the log and in the journal. Anything else
that is wrong is not repaired but refused.

Readers need no lock: they see whole lines only.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson
import structlog

from assay.clock import Clock, SystemClock
from assay.durable import sync_folder
from assay.errors import JournalError, JournalHeld, reason_of

FILE_NAME: Final = "journal.jsonl"
LOCK_NAME: Final = "journal.lock"
MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""An entry holds figures, not samples."""
FIRST_DIGEST: Final = "0" * 64
"""What the first line names as the one before."""
_KEYS: Final = {"number", "at", "kind", "data", "previous"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `number`: from 1. `at`: aware, UTC. `digest`: SHA-256 of the line, without its end."""

    number: int
    at: datetime
    kind: str
    data: Mapping[str, Any]
    previous: str
    digest: str

    @property
    def at_s(self) -> float:
        """Seconds since 1970."""
        return self.at.timestamp()


def read_journal(folder: Path) -> tuple[Entry, ...]:
    """All whole entries; none when there is no journal. A line that is being written, or is torn, is left
    out.

    Raises `JournalError` when the chain is broken: the message names the line.
    """
    *lines, _torn = _content(folder / FILE_NAME).split(b"\n")
    return tuple(parse_entries(lines, folder / FILE_NAME))


class Journal:
    """The one writer. As a context manager it holds the lock from beginning to end.

    `tell`: called with each entry instead of keeping it, those of the file first, so that a writer can run
    for weeks; `entries` is then empty. It may raise `JournalError` for what cannot stand there.

    Raises `JournalHeld` when another process writes, `JournalError` when the file is not sound or cannot be
    written.
    """

    def __init__(
        self, folder: Path, clock: Clock | None = None, tell: Callable[[Entry], None] | None = None
    ) -> None:
        self._folder, self._clock = folder, clock or SystemClock()
        self._path = folder / FILE_NAME
        self._lock: int | None = None
        self._file = -1
        self._entries: list[Entry] = []
        self._tell = tell or self._entries.append
        self._count, self._digest = 0, FIRST_DIGEST

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All, as they are on the disk."""
        return tuple(self._entries)

    def since(self, number: int) -> Sequence[Entry]:
        """Those after entry `number`; earlier ones are not looked at. None when they are told elsewhere."""
        return self._entries[number:]

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self._folder / LOCK_NAME, self._clock)
            self._open()
        except OSError as error:
            self._close()
            raise JournalError(f"{self._path} cannot be written: {reason_of(error)}") from None
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._close()

    def append(self, kind: str, data: Mapping[str, Any]) -> Entry:
        """Write an entry and wait until the disk has it. `data`: JSON values, numbers finite.

        Raises `JournalError` when it cannot be written; then it must not be acted upon.
        """
        if self._lock is None:
            raise JournalError("the journal is not open: enter it first")
        number, previous = self._count + 1, self._digest
        line = _line(number, self._clock.now(), kind, data, previous)
        entry = parse_entry(line, number, previous, self._path)
        start = os.lseek(self._file, 0, os.SEEK_END)
        try:
            _write(self._file, line + b"\n")
            os.fsync(self._file)
        except OSError as error:
            self._undo(start)
            raise JournalError(
                f"entry {number} ({kind}) cannot be written to {self._path}: {reason_of(error)}"
            ) from None
        self._take(entry)
        return entry

    def _open(self) -> None:
        is_new = not self._path.exists()
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        if is_new:
            sync_folder(self._folder)
        if torn := self._read():
            self._repair(torn)

    def _read(self) -> bytes:
        """All whole lines, one at a time; what stands after the last end."""
        with self._path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return line
                self._take(parse_entry(line[:-1], self._count + 1, self._digest, self._path))
        return b""

    def _take(self, entry: Entry) -> None:
        self._tell(entry)
        self._count, self._digest = entry.number, entry.digest

    def _repair(self, torn: bytes) -> None:
        """Cut a torn line off, keep it, and tell."""
        aside = self._folder / f"torn-after-{self._count}.bin"
        aside.write_bytes(torn)
        os.ftruncate(self._file, os.fstat(self._file).st_size - len(torn))
        os.fsync(self._file)
        text = f"the last line was torn ({len(torn)} bytes): a controller was killed while it wrote"
        log.warning("journal repaired", text=text, kept_in=str(aside), journal=str(self._path))
        self.append("repaired", {"text": text, "kept_in": aside.name})

    def _undo(self, size: int) -> None:
        """After a failed write: what is half there must not become the beginning of the next line."""
        try:
            os.ftruncate(self._file, size)
        except OSError:
            log.error("journal cannot be cut back", journal=str(self._path), size=size)
            self._close()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _locked(path: Path, clock: Clock) -> int:
    """The lock's descriptor; the kernel lets go of it when this process ends, however it ends."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = (
            os.read(lock, 1000).decode(errors="replace").strip() or "a process that did not say who it is"
        )
        os.close(lock)
        raise JournalHeld(
            f"another controller holds {path}: {holder}. Wait for it, or end it; it can be killed at any time"
        ) from None
    os.ftruncate(lock, 0)
    held = (
        f"process {os.getpid()} on {socket.gethostname()} since {clock.now().isoformat(timespec='seconds')}"
    )
    os.write(lock, held.encode())
    return lock


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {reason_of(error)}") from None


def _line(number: int, at: datetime, kind: str, data: Mapping[str, Any], previous: str) -> bytes:
    document = {
        "number": number,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": kind,
        "data": dict(data),
        "previous": previous,
    }
    try:
        line = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as error:
        raise JournalError(f"entry {number} ({kind}) is not JSON: {error}") from None
    if len(line) > MAX_LINE_BYTES:
        raise JournalError(f"entry {number} ({kind}) has {len(line)} bytes; the limit is {MAX_LINE_BYTES}")
    return line


def parse_entries(
    lines: Iterable[bytes], path: Path, first: int = 1, previous: str = FIRST_DIGEST
) -> Iterator[Entry]:
    """Entries of lines that follow each other, from entry number `first` on; otherwise as `parse_entry`."""
    for number, line in enumerate(lines, first):
        entry = parse_entry(line, number, previous, path)
        previous = entry.digest
        yield entry


def parse_entry(line: bytes, number: int, previous: str, path: Path) -> Entry:
    """An entry from its line, without the line's end. `number`, `previous`: what it must follow. `path`: for
    the message. Raises `JournalError`."""
    where = f"line {number} of {path}"
    try:
        document = orjson.loads(line)
        at = datetime.fromisoformat(document["at"])
        sound = document.keys() == _KEYS and isinstance(document["data"], dict) and at.tzinfo is not None
    except (orjson.JSONDecodeError, TypeError, KeyError, ValueError, AttributeError):
        sound = False
    if not sound:
        raise JournalError(f"{where} is not an entry; restore the journal, or begin a new one elsewhere")
    if document["number"] != number or document["previous"] != previous:
        raise JournalError(f"{where} does not follow the line before: the journal was altered there or above")
    digest = hashlib.sha256(line).hexdigest()
    return Entry(number, at, str(document["kind"]), document["data"], previous, digest)


def _write(file: int, content: bytes) -> None:
    """All of it: the kernel may take less at once."""
    while content:
        content = content[os.write(file, content) :]
