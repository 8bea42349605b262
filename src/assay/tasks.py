"""How background tasks are ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


async def end(tasks: Iterable[asyncio.Task[Any]], patience_s: float = 1.0) -> None:
    """Cancel until all have ended: a cancellation that coincides with a time limit may be taken for it, and a
    task that goes on after time limits would never end. `patience_s`: until they are cancelled anew."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=patience_s)
