"""Several streamed answers as one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Final

from assay.client.errors import Refused

Line = Mapping[str, Any]
Answer = Callable[[list[int]], AsyncGenerator[Line]]
"""From revisions to a line of each."""

HELD_LINES: Final = 100
"""Read and not yet taken; beyond, nothing is read on, and the server waits."""
NO_PLACE: Final = 429


async def merged(answer: Answer, parts: Iterator[list[int]], at_once: int) -> AsyncGenerator[Line]:
    """Lines of all `parts` as they come, `at_once` of them under way; closing it ends the work.

    Raises what the first part raises that fails, after all lines that came before. A part that the server has
    no place for (429, once patience is at its end) is left to the others that are under way.
    """
    reading = _Reading(answer, parts)
    readers = [asyncio.create_task(reading.run()) for _ in range(at_once)]
    try:
        for _ in readers:
            while (told := await reading.told.get()) is not None:
                if isinstance(told, Exception):
                    raise told
                yield told
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


class _Reading:
    """What the readers share. `told`: lines in the order in which they came; None, or its error, for each
    reader that has ended."""

    def __init__(self, answer: Answer, parts: Iterator[list[int]]) -> None:
        self._answer = answer
        self._parts = parts
        self._put_back: deque[list[int]] = deque()
        self._under_way = 0
        self.told: asyncio.Queue[Line | Exception | None] = asyncio.Queue(HELD_LINES)

    async def run(self) -> None:
        """Part after part, until none is left or the server has no place for this reader."""
        try:
            while (part := self._next_part()) and await self._is_read(part):
                pass
        except Exception as error:  # whatever it is, who takes the lines is told
            await self.told.put(error)
        else:
            await self.told.put(None)

    async def _is_read(self, part: list[int]) -> bool:
        left = dict.fromkeys(part)
        self._under_way += 1
        try:
            async with aclosing(self._answer(part)) as lines:
                async for line in lines:
                    await self.told.put(line)
                    left.pop(line["revision"], None)
        except Refused as refused:
            if refused.status != NO_PLACE or self._under_way == 1:
                raise
            self._put_back.append(list(left))
            return False
        finally:
            self._under_way -= 1
        return True

    def _next_part(self) -> list[int]:
        return self._put_back.popleft() if self._put_back else next(self._parts, [])
