"""How a connection ends whose client may still be sending: in two steps (RFC 9112, 9.6).

A connection that is closed with bytes unread is reset, and a reset takes with it the answer that its client
has not read yet. So our half is closed first, and what still comes is dropped until the client closes its
own.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

_PAUSE_S: Final = 1.0
"""How long a client may send nothing before it is taken to have gone, or to wait for us."""


class Parting(asyncio.Transport):
    """A connection's transport. Once `parts` is set, `close` parts from the client, in `limit_s` at most."""

    parts = False

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, limit_s: float) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._limit_s = limit_s
        self._timers: list[asyncio.TimerHandle] = []

    @property
    def has_parted(self) -> bool:
        return bool(self._timers)

    def close(self) -> None:
        if not self.parts:
            self._transport.close()
        elif not self.is_closing():
            self._transport.resume_reading()
            self._transport.write_eof()
            limit = self._loop.call_later(self._limit_s, self._transport.abort)
            self._timers = [self._loop.call_later(_PAUSE_S, self._transport.close), limit]

    def dropped(self) -> None:
        """The client sent something, which nobody reads."""
        pause, limit = self._timers
        pause.cancel()
        self._timers = [self._loop.call_later(_PAUSE_S, self._transport.close), limit]

    def lost(self) -> None:
        """The connection is closed."""
        for timer in self._timers:
            timer.cancel()

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
