"""Files of scores: JSON lines, each written whole, that a killed process can go on with; and lists of ids.

A torn last line is cut off when the file is opened again, so the file itself is the record of progress.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, Self

import orjson

from assay.durable import open_kept
from assay.errors import BadParameter, ConfigurationError
from assay.revisions.record import MAX_ID

_MAX_ID_DIGITS: Final = len(str(MAX_ID))
_LINE_HEAD: Final = b'{"wiki":"'
"""How every line of ours begins; a torn one has at least a piece of it."""


class Lines(Protocol):
    """Where documents go. `count`: how many it holds; `last`: the last of them, None when empty."""

    count: int
    last: dict[str, Any] | None

    def append(self, documents: Iterable[Mapping[str, Any]]) -> None: ...


class LinesStream:
    """Lines that nobody can take back: a pipe or a terminal."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0
        self.last: dict[str, Any] | None = None

    def append(self, documents: Iterable[Mapping[str, Any]]) -> None:
        lines = _encoded(documents)
        self._stream.write(b"".join(lines))
        self._stream.flush()
        self.count += len(lines)


class LinesFile:
    """An append-only file of JSON lines that belongs to one process at a time.

    Opening cuts off a torn last line. `count`: whole lines; `last`: the last of them, None in an empty file.
    Raises `ConfigurationError` when another process writes it, it holds something else, or it is no file that
    can be read again; and when it takes no more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = self._locked(path)
        self.count, self.last = self._recover()

    def append(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Write whole lines at once and hand them to the operating system: a killed process loses none."""
        lines = _encoded(documents)
        try:
            self._stream.write(b"".join(lines))
            self._stream.flush()
        except OSError as error:
            raise ConfigurationError(
                f"{self.path} cannot be written: {error.strerror}. What is scored is in it: "
                "mend that, then run the same command again to go on"
            ) from error
        self.count += len(lines)

    def fileno(self) -> int:
        return self._stream.fileno()

    def close(self) -> None:
        """What a full disk did not take is not tried again."""
        with suppress(OSError):
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _locked(path: Path) -> BinaryIO:
        if path.exists() and not path.is_dir() and not stat.S_ISREG(path.stat().st_mode):
            raise ConfigurationError(
                f"{path} is no plain file, so what was written could not be gone on with: name a file, or "
                "leave --output out and send standard output there"
            )
        try:
            stream = os.fdopen(open_kept(path), "r+b")
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            stream.close()
            raise ConfigurationError(f"another process is writing {path}: wait for it or end it") from None
        return stream

    def _recover(self) -> tuple[int, dict[str, Any] | None]:
        """Nothing is cut off before the file has proved to be ours."""
        whole, count, last, torn = 0, 0, b"", b""
        for line in self._stream:
            if not line.endswith(b"\n"):
                torn = line
                break
            whole, count, last = whole + len(line), count + 1, line
        document = self._parse(last) if count else None
        if torn[: len(_LINE_HEAD)] != _LINE_HEAD[: len(torn)]:
            raise self._foreign()
        self._stream.seek(whole)
        self._stream.truncate()
        return count, document

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("scores"), dict):
            raise self._foreign()
        return document

    def _foreign(self) -> ConfigurationError:
        self.close()
        return ConfigurationError(f"{self.path} holds something other than scores: give another file")


def read_ids(lines: Iterable[str], name: str) -> Iterator[int]:
    """Revision ids, one a line; blank lines, ``#`` comments and a byte order mark are passed over.

    Raises `BadParameter` naming the line that is no id.
    """
    for number, line in enumerate(lines, 1):
        text = line.removeprefix("\ufeff").split("#", 1)[0].strip()
        if not text:
            continue
        yield parse_id(text, f"{name}, line {number}: ")


def parse_id(text: str, place: str = "") -> int:
    """A revision id. Raises `BadParameter` that begins with `place`."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_ID_DIGITS else 0
    if not 0 < number <= MAX_ID:
        raise BadParameter(
            f"{place}{text[:40]!r} is not a revision id: give a whole number from 1 to {MAX_ID}"
        )
    return number


def _encoded(documents: Iterable[Mapping[str, Any]]) -> list[bytes]:
    return [orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE) for document in documents]
