"""When the queue is away: compute on this machine instead.

The local engine is started when it is first needed and ended when the queue has been back for a while, so
that web processes hold no trees in good times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from assay.clock import Clock, Deadline
from assay.errors import EngineUnavailable
from assay.scoring.engine import Engine
from assay.scoring.request import Cell, Job
from assay.tasks import end
from assay.telemetry import FALLBACKS, Metrics, logger


class FallbackEngine:
    """An `Engine` that asks `primary` first. `make_local`: a new local engine, not yet started. `idle_s`:
    seconds without use after which the local engine is ended."""

    def __init__(
        self,
        primary: Engine,
        make_local: Callable[[], Engine],
        metrics: Metrics,
        clock: Clock,
        idle_s: float = 60.0,
    ) -> None:
        self._primary = primary
        self._make_local = make_local
        self._metrics = metrics
        self._clock = clock
        self._idle_s = idle_s
        self._local: Engine | None = None
        self._lock = asyncio.Lock()
        self._in_use = 0
        self._used_s = 0.0
        self._ending: asyncio.Task[None] | None = None
        self._log = logger(__name__)

    async def start(self) -> None:
        await self._primary.start()

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        """Raises what the local engine raises when both cannot."""
        try:
            return await self._primary.score(job, deadline)
        except EngineUnavailable:
            self._metrics.count(FALLBACKS)
        self._in_use += 1
        try:
            local = await self._started()
            return await local.score(job, deadline)
        finally:
            self._in_use -= 1
            self._used_s = self._clock.monotonic_s()

    async def aclose(self) -> None:
        if self._ending is not None:
            await end([self._ending])
        await self._primary.aclose()
        if self._local is not None:
            await self._local.aclose()

    async def _started(self) -> Engine:
        async with self._lock:
            if self._local is None:
                self._log.warning("the queue is away: scoring on this machine")
                local = self._make_local()
                await local.start()
                self._local = local
                self._ending = asyncio.create_task(self._end_when_idle())
            return self._local

    async def _end_when_idle(self) -> None:
        while True:
            await asyncio.sleep(self._idle_s / 4)
            if not self._in_use and self._clock.monotonic_s() - self._used_s >= self._idle_s:
                break
        async with self._lock:
            local, self._local = self._local, None
        if local is not None:
            self._log.warning("the queue is back: local scoring ends")
            await local.aclose()
