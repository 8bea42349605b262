"""When the queue is away: compute on this machine instead.

The local engine is started when it is first needed and ended when the queue has been back for a while, so
that web processes hold no trees in good times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import Context

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
        self._local: asyncio.Task[Engine] | None = None
        self._in_use = 0
        self._used_s = 0.0
        self._is_ending = False
        self._watching: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._log = logger(__name__)

    async def start(self) -> None:
        await self._primary.start()

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        """Raises what the local engine raises when both cannot."""
        try:
            return await self._primary.score(job, deadline)
        except EngineUnavailable:
            if self._is_ending:  # nobody would end what is started now
                raise
            self._metrics.count(FALLBACKS)
        self._in_use += 1
        try:
            local = await self._started()
            return await local.score(job, deadline)
        finally:
            self._in_use -= 1
            self._used_s = self._clock.monotonic_s()

    async def aclose(self) -> None:
        self._is_ending = True
        if self._local is not None:
            await end([self._local])  # one that is not ready yet ends itself; one that is has begun a watch
        if self._watching is not None:
            await end([self._watching])
        await self._primary.aclose()
        if self._local is not None:
            await self._local.result().aclose()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _started(self) -> Engine:
        """Started for all who ask meanwhile: one who gives up takes it from nobody."""
        if self._local is None:
            self._local = asyncio.create_task(self._start_local(), context=Context())
            self._local.add_done_callback(self._note)
        return await asyncio.shield(self._local)

    def _note(self, start: asyncio.Task[Engine]) -> None:
        """Whoever waited for one that failed knows already; the next one tries again."""
        if start.cancelled() or start.exception() is not None:
            self._local = None

    async def _start_local(self) -> Engine:
        self._log.warning("the queue is away: scoring on this machine")
        local = self._make_local()
        try:
            await local.start()
        except BaseException:
            await local.aclose()
            raise
        self._watching = asyncio.create_task(self._end_when_idle(local))
        return local

    async def _end_when_idle(self, local: Engine) -> None:
        while True:
            await asyncio.sleep(self._idle_s / 4)
            if not self._in_use and self._clock.monotonic_s() - self._used_s >= self._idle_s:
                break
        self._local = None
        self._log.warning("the queue is back: local scoring ends")
        closing = asyncio.create_task(local.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
