"""What every place is that scores are told to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson

Event = Mapping[str, Any]


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
