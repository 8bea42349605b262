"""How full a lane is, and whether it takes one more job: by its length and by how long its oldest waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from redis.asyncio import Redis

from assay.errors import Overloaded
from assay.scoring.queue.app import SENT_HEADER
from assay.scoring.queue.envelope import LANES, Lane, queue_name
from assay.scoring.queue.options import CeleryOptions
from assay.telemetry import QUEUE_JOBS, Metrics

FRESH_S: Final = 0.1
"""Seconds that a look at the lanes is used again: at most ten looks a second, however many requests."""


@dataclass(frozen=True, slots=True)
class LaneState:
    """`jobs`: waiting. `oldest_sent_s`: when the one that waits longest was sent, seconds since 1970; None
    when nothing waits."""

    jobs: int = 0
    oldest_sent_s: float | None = None

    def age_s(self, now_s: float) -> float:
        """Seconds that the oldest has waited, by two machines' clocks; never negative."""
        return 0.0 if self.oldest_sent_s is None else max(0.0, now_s - self.oldest_sent_s)


def check(lane: Lane, state: LaneState, options: CeleryOptions, now_s: float) -> None:
    """Raises `Overloaded` when one more job would have to wait too long."""
    limit_s = options.interactive_wait_s if lane == "interactive" else options.bulk_wait_s
    age_s = state.age_s(now_s)
    if state.jobs >= options.queue_jobs or age_s > limit_s:
        raise Overloaded(
            f"{state.jobs} revisions wait to be scored already, the oldest for {age_s:.0f} s; try again.",
            delay_s=min(30.0, max(1.0, age_s)),
        )


class Lanes:
    """The lanes of one release, looked at when a job is to be sent."""

    def __init__(
        self, redis: Redis, release: str, metrics: Metrics, now_s: Callable[[], float] = time.time
    ) -> None:
        self._redis = redis
        self._queues = {lane: queue_name(release, lane) for lane in LANES}
        self._metrics = metrics
        self._now_s = now_s
        self._states: dict[Lane, LaneState] = {}
        self._looked_s = float("-inf")

    async def state(self, lane: Lane) -> LaneState:
        """At most `FRESH_S` old. Raises redis-py's errors."""
        if self._now_s() - self._looked_s > FRESH_S:
            await self._look()
        return self._states[lane]

    async def _look(self) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for queue in self._queues.values():
                pipeline.llen(queue)
                pipeline.lindex(queue, -1)
            answers: list[Any] = await pipeline.execute()
        for index, lane in enumerate(LANES):
            state = LaneState(answers[2 * index], _sent_s(answers[2 * index + 1]))
            self._states[lane] = state
            self._metrics.set(QUEUE_JOBS, state.jobs, lane)
        self._looked_s = self._now_s()


def _sent_s(message: bytes | None) -> float | None:
    """From the headers of a message as kombu writes it. A stranger's message has no age."""
    if message is None:
        return None
    try:
        return float(orjson.loads(message)["headers"][SENT_HEADER])
    except (ValueError, KeyError, TypeError):
        return None
