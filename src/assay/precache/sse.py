"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), without a socket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_ID_BYTES: Final = 8000
"""Of an event's id. It goes back to the server as a header, whose line most servers hold to 8 KiB, and is
stored with each position. Those of Wikimedia's have 100 bytes for each topic."""
MAX_EVENT_BYTES: Final = 4 * 2**20
"""Of one event's lines. The longest of Wikimedia's are well under 1 MiB."""

_KEPT: Final = 16
"""Bytes of the begin of a line that is too long: enough to know its field."""
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_BOM: Final = b"\xef\xbb\xbf"
_DIGITS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """`id`: where to go on after it, empty when the server named none so far. `data`: None when it was longer
    than the limit."""

    type: str
    data: str | None
    id: str


class SseParser:
    """Bytes in, whole events out. A new one for each connection; `last_id` and `retry_ms` go on.

    `retry_ms`: what the server asked to wait before a reconnection; None: nothing so far. `long_ids`: how
    many were passed over because they were too long; the one before them goes on.
    """

    def __init__(self, last_id: str = "", max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self.last_id = last_id
        self.retry_ms: int | None = None
        self.long_ids = 0
        self._limit = max_event_bytes
        self._next_id = last_id
        self._parts: list[bytes] = []
        self._length = 0
        self._is_cut = False
        self._at_start = True
        self._after_cr = False
        self._begin()

    def feed(self, chunk: bytes) -> Iterator[ServerEvent]:
        """Events that are whole with this chunk. What the connection's end cuts off counts for nothing."""
        for line in self._lines(chunk):
            if line:
                self._field(line)
            else:
                yield from self._dispatch()

    def _begin(self) -> None:
        self._type = ""
        self._data: list[str] = []
        self._size = 0

    def _lines(self, chunk: bytes) -> Iterator[bytes]:
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if self._at_start:
            chunk = self._taken() + chunk
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._keep(chunk)
                return
            self._at_start = False
            chunk = chunk.removeprefix(_BOM)
        begin = 0
        for end in _LINE_END.finditer(chunk):
            self._keep(chunk[begin : end.start()])
            yield self._taken()
            self._is_cut = False
            begin = end.end()
            self._after_cr = begin == len(chunk) and end[0] == b"\r"
        self._keep(chunk[begin:])

    def _keep(self, part: bytes) -> None:
        """A part of a line. Parts are joined at its end, so that a long one is not copied with each chunk."""
        self._parts.append(part)
        self._length += len(part)
        if self._length > self._limit:
            self._size = self._limit + 1
            self._is_cut = True
            self._parts = [self._taken()[:_KEPT]]
            self._length = _KEPT

    def _taken(self) -> bytes:
        line = b"".join(self._parts)
        self._parts.clear()
        self._length = 0
        return line

    def _field(self, line: bytes) -> None:
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._size += len(line)
            if self._size <= self._limit:
                self._data.append(value)
            else:
                self._data = [""]
        elif name == "event":
            self._type = value
        elif name == "id" and (self._is_cut or len(line) > MAX_ID_BYTES):
            self.long_ids += 1
        elif name == "id" and "\0" not in value:
            self._next_id = value
        elif name == "retry" and _DIGITS.fullmatch(value):
            self.retry_ms = int(value)

    def _dispatch(self) -> Iterator[ServerEvent]:
        self.last_id = self._next_id
        if self._data:
            data = "\n".join(self._data) if self._size <= self._limit else None
            yield ServerEvent(self._type or "message", data, self.last_id)
        self._begin()
