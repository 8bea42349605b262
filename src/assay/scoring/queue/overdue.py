"""What became of a job whose reply does not come: does it wait, is it worked on, or is it lost?

Looked into only for jobs that are overdue, so it costs nothing while all is well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from redis.asyncio import Redis

from assay.scoring.queue.envelope import Lane, taken_key
from assay.scoring.queue.lanes import Lanes, LaneState

PATIENCE_S: Final = 1.5
"""Seconds without a reply after which a job is looked after; nearly all are answered in 0.2."""
_CLOCKS_S: Final = 2.0
"""Seconds by which two machines' clocks may differ."""

Fate = Literal["waiting", "worked_on", "worker_lost", "vanished"]


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt that has no reply. `sent_s`: seconds since 1970."""

    id: str
    attempt: int
    sent_s: float
    lane: Lane


def fate(sent: Sent, worker: str | None, worker_lives: bool, lane: LaneState) -> Fate:
    """`worker`: who took it, None when nobody has. A lane is first in, first out: when the oldest job there
    was sent well after this one, this one is not there."""
    if worker is not None:
        return "worked_on" if worker_lives else "worker_lost"
    if lane.oldest_sent_s is None:
        return "vanished" if lane.jobs == 0 else "waiting"
    return "vanished" if lane.oldest_sent_s > sent.sent_s + _CLOCKS_S else "waiting"


async def look(redis: Redis, lanes: Lanes, sent: Sequence[Sent]) -> list[Fate]:
    """The fate of each, in order. Raises redis-py's errors."""
    takers: list[Any] = await redis.mget([taken_key(item.id, item.attempt) for item in sent])
    workers = [None if taker is None else bytes(taker).decode() for taker in takers]
    names = sorted({worker for worker in workers if worker is not None})
    beats: list[Any] = await redis.mget([heartbeat_key(name) for name in names]) if names else []
    living = {name for name, beat in zip(names, beats, strict=True) if beat is not None}
    return [
        fate(item, worker, worker in living, await lanes.state(item.lane))
        for item, worker in zip(sent, workers, strict=True)
    ]


def heartbeat_key(worker: str) -> str:
    """Exists while the worker of that name lives."""
    return f"assay:worker:{worker}"
