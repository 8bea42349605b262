"""Waiting in tests: for a condition, never for a time. The limits are for tests that would not end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from assay.clock import Deadline, SystemClock

LIMIT_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.01


def until(
    is_so: Callable[[], object], limit_s: float = LIMIT_S, told: Callable[[], str] = lambda: ""
) -> float:
    """The seconds that it took. Raises `TimeoutError` with what `told` says."""
    begun_s = time.monotonic()
    while not is_so():
        if time.monotonic() > begun_s + limit_s:
            raise TimeoutError(f"not within {limit_s:g} s\n{told()}")
        time.sleep(_LOOK_AGAIN_S)
    return time.monotonic() - begun_s


async def until_async(is_so: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """For conditions that set no event, as they lie in other processes and threads, while this process's own
    tasks go on. Raises `TimeoutError`."""
    async with asyncio.timeout(limit_s):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_AGAIN_S)


def soon(seconds: float = 60) -> Deadline:
    """From now on, by the machine's clock."""
    return Deadline.after(seconds, SystemClock())
