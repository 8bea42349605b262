"""A follower of a stream and a sink that are the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from assay.clock import Clock, FakeClock, SystemClock
from assay.events import Rules, read_event
from assay.precache.asking import Assay
from assay.precache.cursor import Cursor
from assay.precache.options import PrecacheOptions
from assay.precache.patience import Patience
from assay.precache.service import Follower
from assay.precache.sink import Event, Refused, Unwritten
from assay.precache.stream import Followed
from assay.precache.telling import Telling
from assay.telemetry import Metrics
from precache.edits import created

LIMIT_S = 30.0
RULES = Rules({"smallwiki": {"damaging": ("edit",), "goodfaith": ("nonbot_edit",)}})


class Given:
    """A stream of what the test gives; positions are numbers."""

    def __init__(self, *edits: int) -> None:
        self.items: list[Followed] = []
        self.read = 0
        self.asked: list[str | None] = []
        self._more = asyncio.Condition()
        for number in edits:
            self.add(number)

    def add(self, rev_id: int, **changed: Any) -> None:
        told = read_event(created(rev_id, "smallwiki", **changed))
        self.items.append(Followed(told, str(len(self.items) + 1)))

    async def follow(self, position: str | None) -> AsyncGenerator[Followed]:
        self.asked.append(position)
        self.read = int(position or "0")
        while True:
            if self.read < len(self.items):
                self.read += 1
                yield self.items[self.read - 1]
            else:
                await asyncio.sleep(0.005)

    async def aclose(self) -> None:
        pass


class Kept:
    """A sink that keeps what it is told, and takes nothing while it is `shut`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_shut = False

    @property
    def rev_ids(self) -> list[int]:
        return [event["rev_id"] for event in self.events]

    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        if self.is_shut:
            raise Unwritten("shut")
        self.events += events
        return ()

    async def aclose(self) -> None:
        pass


class Quick(Patience):
    """Waits for nothing: its clock goes on instead. `waits`: all that was asked for."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.waits: list[float] = []

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._clock.advance(seconds)
        await super().wait(0)


class Running:
    """A follower with its parts."""

    def __init__(self, stream: Given, sink: Kept, metrics: Metrics, patience: Patience) -> None:
        self.stream, self.sink, self.metrics, self.patience = stream, sink, metrics, patience
        self.task: asyncio.Task[None] | None = None

    async def until(self, is_so: Callable[[], bool]) -> None:
        assert self.task is not None
        async with asyncio.timeout(LIMIT_S):
            while not is_so():
                if self.task.done():
                    self.task.result()
                    raise AssertionError("the follower ended")
                await asyncio.sleep(0.005)


@asynccontextmanager
async def following(
    url: str,
    folder: Path,
    stream: Given,
    rules: Rules = RULES,
    sink: Kept | None = None,
    *,
    also: Given | None = None,
    patience: Patience | None = None,
    clock: Clock | None = None,
    **given: Any,
) -> AsyncIterator[Running]:
    """Ended in an orderly way, so that what it has done is stored. `also`: a second stream."""
    running = Running(stream, sink or Kept(), Metrics(), patience or Patience())
    options = PrecacheOptions(assay=url, **given)
    follower = Follower(
        options,
        rules,
        {
            name: (given_, Cursor(folder / f"{name}.json", name))
            for name, given_ in (("given", stream), ("also", also))
            if given_ is not None
        },
        Assay(url, options.request_timeout_s),
        Telling({"kept": running.sink}, running.patience, running.metrics),
        running.patience,
        running.metrics,
        clock or SystemClock(),
    )
    running.task = asyncio.create_task(follower.run())
    try:
        yield running
    finally:
        running.patience.stop()
        async with asyncio.timeout(LIMIT_S):
            await asyncio.wait([running.task])
    running.task.result()
