"""How full a lane is, and whether it takes one more job: by its length, by how long its oldest waits, and by
whether anybody works on it at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from redis.asyncio import Redis

from assay.errors import NoWorker, Overloaded
from assay.scoring.queue.envelope import LANES, Lane, queue_name
from assay.scoring.queue.message import sent_s
from assay.scoring.queue.options import CeleryOptions
from assay.tasks import end
from assay.telemetry import QUEUE_JOBS, Metrics

FRESH_S: Final = 0.1
"""Seconds that a look at the lanes is used again: at most ten looks a second, however many requests."""


@dataclass(frozen=True, slots=True)
class LaneState:
    """`jobs`: waiting. `oldest_sent_s`: when the one that waits longest was sent, seconds since 1970; None
    when nothing waits. `unattended_since_s`: when this process first saw that no worker for the lane lives,
    seconds since 1970; None while one does."""

    jobs: int = 0
    oldest_sent_s: float | None = None
    unattended_since_s: float | None = None

    def age_s(self, now_s: float) -> float:
        """Seconds that the oldest has waited, by two machines' clocks; never negative."""
        return 0.0 if self.oldest_sent_s is None else max(0.0, now_s - self.oldest_sent_s)


def check(lane: Lane, state: LaneState, options: CeleryOptions, now_s: float) -> None:
    """Raises `Overloaded` when one more job would have to wait too long, `NoWorker` when it would wait for
    workers that are gone (`is_forsaken`)."""
    if is_forsaken(state, options, now_s):
        raise no_worker()
    limit_s = options.interactive_wait_s if lane == "interactive" else options.bulk_wait_s
    age_s = state.age_s(now_s)
    if state.jobs >= options.queue_jobs or age_s > limit_s:
        raise Overloaded(
            f"{state.jobs} revisions wait to be scored already, the oldest for {age_s:.0f} s; try again.",
            delay_s=min(30.0, max(1.0, age_s)),
        )


def is_forsaken(state: LaneState, options: CeleryOptions, now_s: float) -> bool:
    """Whether nobody has worked on a lane for longer than anybody should wait for that, nor shown a sign of
    life for as long as one counts: a Redis that came back empty has forgotten who lives."""
    since_s = state.unattended_since_s
    return since_s is not None and now_s - since_s > max(options.away_grace_s, options.lost_after_s)


def no_worker() -> NoWorker:
    return NoWorker("No worker of this release lives; try again shortly.", delay_s=2.0)


class Lanes:
    """The lanes of one release, looked at when a job is to be sent. What was let in since the last look
    counts as waiting, lest a burst overrun the limit before anybody looks again."""

    def __init__(
        self, redis: Redis, release: str, metrics: Metrics, now_s: Callable[[], float] = time.time
    ) -> None:
        self._redis = redis
        self._queues = {lane: queue_name(release, lane) for lane in LANES}
        self._metrics = metrics
        self._now_s = now_s
        self._states = dict.fromkeys(LANES, LaneState())
        self._let_in = dict.fromkeys(LANES, 0)
        self._looked_s = float("-inf")
        self._looking: asyncio.Task[None] | None = None

    async def admit(self, lane: Lane, options: CeleryOptions) -> None:
        """Let one more job in. Raises as `check` does, and redis-py's errors."""
        check(lane, await self.state(lane), options, self._now_s())
        self._let_in[lane] += 1

    async def state(self, lane: Lane) -> LaneState:
        """At most `FRESH_S` old. Raises redis-py's errors."""
        if self._now_s() - self._looked_s > FRESH_S:
            # one looks for all who ask meanwhile, and fails for all: before a silent server they would else
            # wait for one time limit after the other
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            await asyncio.shield(self._looking)
        seen = self._states[lane]
        return replace(seen, jobs=seen.jobs + self._let_in[lane])

    async def aclose(self) -> None:
        """End a look that is under way; nobody may ask any more. The client stays the caller's to close."""
        if self._looking is not None:
            await end([self._looking])

    async def _look(self) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for queue in self._queues.values():
                pipeline.llen(queue)
                pipeline.lindex(queue, -1)
                pipeline.exists(attended_key(queue))
            answers: list[Any] = await pipeline.execute()
        now_s = self._now_s()
        for lane in LANES:
            jobs, oldest, is_attended = answers[:3]
            del answers[:3]
            since_s = None if is_attended else self._states[lane].unattended_since_s or now_s
            self._states[lane] = LaneState(jobs, sent_s(oldest), since_s)
            self._let_in[lane] = 0
            self._metrics.set(QUEUE_JOBS, jobs, lane)
        self._looked_s = now_s


def attended_key(queue: str) -> str:
    """Exists while a worker lives that takes from the queue of that name."""
    return f"assay:attended:{queue}"
