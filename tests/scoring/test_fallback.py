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
from assay.telemetry import FALLBACKS, Metrics
from small_models import small_models

JOB = Job("testwiki", ("revid",), synthetic_revision(31))


class Switched(InlineEngine):
    """An engine that can be away; notes its life."""

    def __init__(self) -> None:
        super().__init__(small_models(), Metrics())
        self.fault: Exception | None = None
        self.life: list[str] = []
        self.closed = asyncio.Event()

    async def start(self) -> None:
        self.life.append("started")

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        if self.fault is not None:
            raise self.fault
        self.life.append("scored")
        return await super().score(job, deadline)

    async def aclose(self) -> None:
        self.life.append("closed")
        self.closed.set()


class Parts:
    """A fallback engine with both of its engines."""

    def __init__(self, idle_s: float = 60.0) -> None:
        self.primary = Switched()
        self.locals: list[Switched] = []
        self.metrics = Metrics()
        self.engine = FallbackEngine(self.primary, self._make, self.metrics, SystemClock(), idle_s)

    def _make(self) -> Switched:
        self.locals.append(Switched())
        return self.locals[-1]

    async def score(self) -> Cell:
        return (await self.engine.score(JOB, Deadline.after(10, SystemClock())))["revid"]


async def test_in_good_times_there_is_no_local_engine() -> None:
    parts = Parts()
    await parts.engine.start()
    assert isinstance(await parts.score(), Scored)
    await parts.engine.aclose()
    assert parts.locals == []
    assert parts.primary.life == ["started", "scored", "closed"]


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
