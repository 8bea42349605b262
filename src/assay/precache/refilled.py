"""A feed that forgets, with its wiki's recent changes behind it.

Redis's pub/sub and UDP tell an edit at once to whoever listens, and never again. So recent changes are looked
at, too: slowly, and at once after each reconnection. The position is theirs alone; what both tell, the ledger
knows as a repetition.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, Protocol

from assay.precache.patience import within
from assay.precache.recentchanges import RecentChanges
from assay.precache.stream import Followed, Told
from assay.tasks import end

_HELD: Final = 100
"""Events of both, read and not yet taken; beyond, neither is read on."""


class Feed(Protocol):
    """What forgets."""

    def listen(self, connected: Callable[[], None]) -> AsyncGenerator[Told]:
        """Without end. `connected`: is called whenever it has begun to hear, also after an interruption."""
        ...

    async def aclose(self) -> None: ...


class Wake:
    """The pause between two looks, which ends early when there is a reason."""

    def __init__(self, refill_s: float) -> None:
        self._refill_s = refill_s
        self._event = asyncio.Event()

    def now(self) -> None:
        self._event.set()

    async def pause(self) -> None:
        await within(self._event, self._refill_s)
        self._event.clear()


class Refilled:
    """`changes`: None when no wiki is known that could be asked; then what nobody heard is lost. Its pause is
    `wake`."""

    def __init__(self, feed: Feed, changes: RecentChanges | None, wake: Wake) -> None:
        self._feed = feed
        self._changes = changes
        self._wake = wake

    async def follow(self, position: str | None) -> AsyncGenerator[Followed]:
        told: asyncio.Queue[Followed] = asyncio.Queue(_HELD)
        tasks = [asyncio.create_task(self._hear(told))]
        if self._changes is not None:
            tasks.append(asyncio.create_task(self._look(self._changes, position, told)))
        getting = asyncio.create_task(told.get())
        try:
            while True:
                done, _ = await asyncio.wait([getting, *tasks], return_when=asyncio.FIRST_COMPLETED)
                if getting not in done:
                    for task in done:
                        task.result()
                    return
                yield getting.result()
                getting = asyncio.create_task(told.get())
        finally:
            await end([getting, *tasks])

    async def aclose(self) -> None:
        await self._feed.aclose()
        if self._changes is not None:
            await self._changes.aclose()

    async def _hear(self, told: asyncio.Queue[Followed]) -> None:
        async with aclosing(self._feed.listen(self._wake.now)) as heard:
            async for item in heard:
                await told.put(Followed(item))

    async def _look(
        self, changes: RecentChanges, position: str | None, told: asyncio.Queue[Followed]
    ) -> None:
        async with aclosing(changes.follow(position)) as seen:
            async for item in seen:
                await told.put(item)
