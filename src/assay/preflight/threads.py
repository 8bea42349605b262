"""Blocking work beside the event loop, in a thread that nobody has to wait for.

`asyncio.to_thread` would be joined at the end, so that one check that hangs in a system call would keep the
report from being told.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` returns or raises."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def body() -> None:
        result, fault = None, None
        try:
            result = work()
        except Exception as error:
            fault = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            loop.call_soon_threadsafe(settle, result, fault)

    threading.Thread(target=body, daemon=True, name="assay-preflight").start()
    return await future


def once(work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """The same work for all who ask, begun by the first; one who gives up takes nothing from the others."""
    begun: list[asyncio.Future[T]] = []

    async def ask() -> T:
        if not begun:
            begun.append(asyncio.ensure_future(work()))
        return await asyncio.shield(begun[0])

    return ask
