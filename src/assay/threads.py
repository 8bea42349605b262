"""Blocking work beside the event loop, in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """What `work` returns or raises.

    Neither who gives up nor the end of the process waits for the thread, as they would for one of
    `asyncio.to_thread`: a check in a hanging system call, or a write to a pipe that nobody reads, may never
    return."""
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
        except BaseException as error:  # also what would end a process: it is the caller's
            fault = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            loop.call_soon_threadsafe(settle, result, fault)

    threading.Thread(target=body, daemon=True).start()
    return await future
