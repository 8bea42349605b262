"""How a connection ends whose client may still be sending: in two steps (RFC 9112, 9.6).

A connection that is closed with bytes unread is reset, and a reset takes with it the answer that its client
has not read yet. So our half is closed first, and what still comes is dropped until the client closes its
own.

Nor does closing it end a connection whose client takes nothing of his answer: that would be kept in memory,
and its place with it, for as long as he likes.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any, Final

_PAUSE_S: Final = 1.0
"""How long a client may send nothing before it is taken to have gone, or to wait for us."""
_UNTAKEN_S: Final = 60.0
"""How long a client may take nothing of what is still to be sent when the connection is closed. The system
tells what was taken in steps of up to a megabyte, so that less would cut off a slow line."""


class Parting(asyncio.Transport):
    """A connection's transport. Once `parts` is set, `close` parts from the client, in `limit_s` at most."""

    parts = False

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, limit_s: float) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._limit_s = limit_s
        self._limit: asyncio.TimerHandle | None = None
        self._pause: asyncio.TimerHandle | None = None

    @property
    def has_parted(self) -> bool:
        return self._pause is not None

    def close(self) -> None:
        if self.is_closing():
            return
        if self.parts:
            self._transport.resume_reading()
            self._transport.write_eof()
            self._limit = self._loop.call_later(self._limit_s, self._transport.abort)
            self._await_more()
        else:
            self._transport.close()
            self._await_taken()

    def dropped(self) -> None:
        """The client sent something, which nobody reads."""
        if self._pause is not None:
            self._pause.cancel()
        self._await_more()

    def lost(self) -> None:
        """The connection is closed."""
        for timer in (self._limit, self._pause):
            if timer is not None:
                timer.cancel()

    def _await_more(self) -> None:
        self._pause = self._loop.call_later(_PAUSE_S, self._transport.close)

    def _await_taken(self, before_bytes: float = math.inf) -> None:
        """Cut the connection off unless less is left to be sent than `before_bytes`; look again later."""
        left_bytes = self._transport.get_write_buffer_size()
        if left_bytes < before_bytes:
            self._limit = self._loop.call_later(_UNTAKEN_S, self._await_taken, left_bytes)
        else:
            self._transport.abort()

    def is_closing(self) -> bool:
        return self.has_parted or self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._transport.write(data)

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)
