"""What became of jobs whose replies do not come."""

from __future__ import annotations

import pytest
from redis import Redis

from assay.scoring.queue.envelope import taken_key
from assay.scoring.queue.lanes import Lanes, LaneState
from assay.scoring.queue.overdue import Fate, Sent, fate, heartbeat_key, look
from assay.stores.redis_options import RedisOptions, connect
from assay.telemetry import Metrics
from servers.redis import RedisServer

SENT = Sent("job", 1, 100.0, "interactive")


@pytest.mark.parametrize(
    ("worker", "lives", "lane", "expected"),
    [
        ("w", True, LaneState(), "worked_on"),
        ("w", False, LaneState(), "worker_lost"),
        ("w", True, LaneState(3, 103.0), "worked_on"),
        (None, False, LaneState(3, 90.0), "waiting"),
        (None, False, LaneState(3, 102.0), "waiting"),  # clocks differ a little
        (None, False, LaneState(3, 102.1), "vanished"),
        (None, False, LaneState(0, None), "vanished"),
        (None, False, LaneState(3, None), "waiting"),
    ],
)
def test_fates(worker: str | None, lives: bool, lane: LaneState, expected: Fate) -> None:
    assert fate(SENT, worker, lives, lane) == expected


async def test_a_look_tells_the_fate_of_each_attempt_in_order(
    shared_redis: RedisServer, client: Redis
) -> None:
    client.set(heartbeat_key("alive"), 1)
    for job_id, attempt, worker in (("a", 1, "alive"), ("b", 1, "dead"), ("c", 1, "alive"), ("d", 2, "dead")):
        client.set(taken_key(job_id, attempt), worker)
    sent = [
        Sent(job_id, attempt, 100.0, "bulk") for job_id, attempt in zip("abcd", (1, 1, 2, 2), strict=True)
    ]
    redis = connect(RedisOptions(shared_redis.url))
    try:
        lanes = Lanes(redis, "r", Metrics())
        assert await look(redis, lanes, sent) == ["worked_on", "worker_lost", "vanished", "worker_lost"]
        assert await look(redis, lanes, sent[2:3]) == ["vanished"]
    finally:
        await redis.aclose()
