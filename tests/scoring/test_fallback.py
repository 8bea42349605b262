"""While the queue is away, this machine computes; afterwards it has nothing left of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from assay.clock import Deadline, SystemClock
from assay.errors import EngineUnavailable, Overloaded
from assay.scoring.fallback import FallbackEngine
from assay.scoring.inline import InlineEngine
from assay.scoring.request import Cell, Job, Scored
from assay.scoring.synthetic import synthetic_revision
from assay.tasks import end
from assay.telemetry import FALLBACKS, Metrics
from small_models import small_models
from waiting import until_async

JOB = Job("testwiki", ("revid",), synthetic_revision(31))


class Switched(InlineEngine):
    """An engine that can be away; notes its life."""

    def __init__(self) -> None:
        super().__init__(small_models(), Metrics())
        self.fault: Exception | None = None
        self.start_fault: Exception | None = None
        self.life: list[str] = []
        self.may_start, self.may_close, self.closed = (asyncio.Event() for _ in range(3))
        self.may_start.set()
        self.may_close.set()

    async def start(self) -> None:
        self.life.append("starting")
        await self.may_start.wait()
        if self.start_fault is not None:
            raise self.start_fault
        self.life.append("started")

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        if self.fault is not None:
            raise self.fault
        self.life.append("scored")
        return await super().score(job, deadline)

    async def aclose(self) -> None:
        self.life.append("closing")
        await self.may_close.wait()
        self.life.append("closed")
        self.closed.set()


class Parts:
    """A fallback engine with both of its engines."""

    def __init__(self, idle_s: float = 60.0) -> None:
        self.primary = Switched()
        self.locals: list[Switched] = []
        self.next_local: Switched | None = None
        self.metrics = Metrics()
        self.engine = FallbackEngine(self.primary, self._make, self.metrics, SystemClock(), idle_s)

    def _make(self) -> Switched:
        made, self.next_local = self.next_local or Switched(), None
        self.locals.append(made)
        return made

    async def score(self) -> Cell:
        return (await self.engine.score(JOB, Deadline.after(10, SystemClock())))["revid"]


async def test_in_good_times_there_is_no_local_engine() -> None:
    parts = Parts()
    await parts.engine.start()
    assert isinstance(await parts.score(), Scored)
    await parts.engine.aclose()
    assert parts.locals == []
    assert parts.primary.life == ["starting", "started", "scored", "closing", "closed"]


async def test_many_at_once_start_one_local_engine_and_get_the_same_scores() -> None:
    parts = Parts()
    await parts.engine.start()
    right = await parts.score()
    parts.primary.fault = EngineUnavailable("away")
    assert await asyncio.gather(*(parts.score() for _ in range(10))) == [right] * 10
    assert len(parts.locals) == 1
    assert parts.metrics.value(FALLBACKS) == 10
    await parts.engine.aclose()
    assert parts.locals[0].life[-1] == "closed"


async def test_the_local_engine_ends_when_it_is_idle_and_comes_again() -> None:
    parts = Parts(idle_s=0.05)
    await parts.engine.start()
    parts.primary.fault = EngineUnavailable("away")
    await parts.score()
    async with asyncio.timeout(10):
        await parts.locals[0].closed.wait()
    assert isinstance(await parts.score(), Scored)
    assert len(parts.locals) == 2
    await parts.engine.aclose()


async def test_a_full_queue_is_no_reason_to_compute_here() -> None:
    parts = Parts()
    await parts.engine.start()
    parts.primary.fault = Overloaded("full")
    with pytest.raises(Overloaded):
        await parts.score()
    assert parts.locals == []
    await parts.engine.aclose()


async def away(local: Switched | None = None, idle_s: float = 60.0) -> Parts:
    """The queue is away; `local`: the first engine that is started instead."""
    parts = Parts(idle_s)
    parts.next_local = local
    await parts.engine.start()
    parts.primary.fault = EngineUnavailable("away")
    return parts


async def test_who_gives_up_while_the_local_engine_starts_takes_it_from_nobody() -> None:
    slow = Switched()
    slow.may_start.clear()
    parts = await away(slow)
    first, second = asyncio.create_task(parts.score()), asyncio.create_task(parts.score())
    await until_async(lambda: slow.life)
    await end([first])
    slow.may_start.set()
    assert isinstance(await second, Scored)
    assert parts.locals == [slow]
    assert slow.life == ["starting", "started", "scored"]
    await parts.engine.aclose()


async def test_a_local_engine_that_does_not_start_is_closed_and_the_next_one_tried() -> None:
    broken = Switched()
    broken.start_fault = EngineUnavailable("no memory")
    parts = await away(broken)
    with pytest.raises(EngineUnavailable, match="no memory"):
        await parts.score()
    assert broken.life == ["starting", "closing", "closed"]
    assert isinstance(await parts.score(), Scored)
    await parts.engine.aclose()


async def test_the_end_waits_for_a_local_engine_that_is_ending() -> None:
    slow = Switched()
    slow.may_close.clear()
    parts = await away(slow, idle_s=0.05)
    await parts.score()
    await until_async(lambda: slow.life[-1] == "closing")
    ending = asyncio.create_task(parts.engine.aclose())
    await until_async(lambda: parts.primary.life[-1] == "closed")
    slow.may_close.set()
    await ending
    assert slow.life[-1] == "closed"


async def test_the_end_gives_up_a_local_engine_that_is_starting() -> None:
    slow = Switched()
    slow.may_start.clear()
    parts = await away(slow)
    asking = asyncio.create_task(parts.score())
    await until_async(lambda: slow.life)
    await parts.engine.aclose()
    assert slow.life == ["starting", "closing", "closed"]
    await end([asking])


async def test_the_end_leaves_no_task_when_the_local_engine_is_ready_meanwhile() -> None:
    slow = Switched()
    slow.may_start.clear()
    parts = await away(slow)
    parts.primary.may_close.clear()
    before = asyncio.all_tasks()
    asking = asyncio.create_task(parts.score())
    await until_async(lambda: slow.life)
    ending = asyncio.create_task(parts.engine.aclose())
    await until_async(lambda: parts.primary.life[-1] == "closing")
    slow.may_start.set()
    await until_async(lambda: slow.life[-1] != "starting")
    parts.primary.may_close.set()
    await ending
    await end([asking])
    assert slow.life[-1] == "closed"
    assert asyncio.all_tasks() == before


async def test_an_engine_that_ends_starts_no_other() -> None:
    parts = await away()
    await parts.engine.aclose()
    with pytest.raises(EngineUnavailable):
        await parts.score()
    assert parts.locals == []


async def test_a_local_engine_that_cannot_be_made_is_tried_again() -> None:
    parts = Parts()
    makers = iter([_nobody, Switched])
    engine = FallbackEngine(parts.primary, lambda: next(makers)(), parts.metrics, SystemClock())
    await engine.start()
    parts.primary.fault = EngineUnavailable("away")
    with pytest.raises(OSError, match="no file"):
        await engine.score(JOB, Deadline.after(10, SystemClock()))
    assert isinstance((await engine.score(JOB, Deadline.after(10, SystemClock())))["revid"], Scored)
    await engine.aclose()


def _nobody() -> Switched:
    raise OSError("no file")
