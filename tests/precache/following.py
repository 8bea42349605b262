"""Streams read by a test, up to a condition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

from assay.events import Change
from assay.precache.ledger import Identity, Ledger, Mark
from assay.precache.stream import Followed, Malformed, Stream
from assay.tasks import end

LIMIT_S = 30.0


@dataclass
class Heard:
    """What a stream gave so far. `edits`: each once, as the ledger lets them through."""

    ledger: Ledger = field(default_factory=lambda: Ledger(Mark(), 10_000))
    all: list[Followed] = field(default_factory=list)
    edits: list[int] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def repeated(self) -> int:
        return sum(isinstance(item.told, Change) for item in self.all) - len(self.edits)

    @property
    def malformed(self) -> list[str]:
        return [item.told.reason for item in self.all if isinstance(item.told, Malformed)]

    def identities(self) -> set[Identity]:
        return set(self.ledger.mark().done)

    async def until(self, is_so: Callable[[Heard], bool]) -> None:
        async with asyncio.timeout(LIMIT_S), self.changed:
            await self.changed.wait_for(lambda: is_so(self))

    async def take(self, item: Followed) -> None:
        async with self.changed:
            self.all.append(item)
            if isinstance(item.told, Change) and not self.ledger.knows(item.told.identity):
                self.edits.append(item.told.rev_id)
                self.ledger.close(self.ledger.enter(item.told.identity, item.position))
            else:
                self.ledger.pass_by(item.position)
            self.changed.notify_all()


@asynccontextmanager
async def following(stream: Stream, mark: Mark | None = None) -> AsyncIterator[Heard]:
    """Reads on in the background while the block runs. `mark`: from an earlier reading."""
    heard = Heard(Ledger(mark or Mark(), 10_000))

    async def read() -> None:
        async with aclosing(stream.follow((mark or Mark()).position)) as items:
            async for item in items:
                await heard.take(item)

    task = asyncio.create_task(read())
    try:
        yield heard
    finally:
        await end([task])
        await stream.aclose()
        if not task.cancelled():
            task.result()
