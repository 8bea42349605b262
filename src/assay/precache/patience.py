"""Waiting before another attempt, for as long as it takes, or until the end is asked for."""

from __future__ import annotations

import asyncio
import random
from typing import Final

FIRST_S: Final = 0.25
MOST_S: Final = 30.0


class Stopping(Exception):
    """The process is to end; what was being tried is left for the next one."""


def backoff_s(attempt: int, *, first_s: float = FIRST_S, most_s: float = MOST_S) -> float:
    """After the `attempt`-th failure, from 1 on: doubled each time, and between half and all of it by chance,
    so that many followers do not come back in one moment."""
    return float(min(most_s, first_s * 2 ** min(attempt - 1, 20)) * random.uniform(0.5, 1.0))


async def within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it is set by then."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


class Patience:
    """Waits that end when `stop` is called."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def stopping(self) -> None:
        await self._stopping.wait()

    async def wait(self, seconds: float) -> None:
        """Raises `Stopping`."""
        if await within(self._stopping, seconds):
            raise Stopping

    async def after(self, attempt: int, least_s: float | None = None) -> float:
        """Wait after the `attempt`-th failure, `least_s` when the other side asked for it. Returns how long.
        Raises `Stopping`."""
        seconds = max(backoff_s(attempt), least_s or 0.0)
        await self.wait(seconds)
        return seconds
