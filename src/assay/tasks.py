"""Background tasks: begun once for all who ask, and ended for sure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def end(tasks: Iterable[asyncio.Task[Any]], patience_s: float = 1.0) -> None:
    """Cancel until all have ended: a cancellation that coincides with a time limit may be taken for it, and a
    task that goes on after time limits would never end. `patience_s`: until they are cancelled anew."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=patience_s)


def once(work: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """The same work for all who ask, begun by the first; one who gives up takes nothing from the others."""
    begun: list[asyncio.Future[T]] = []

    async def ask() -> T:
        if not begun:
            begun.append(asyncio.ensure_future(work()))
        return await asyncio.shield(begun[0])

    return ask
