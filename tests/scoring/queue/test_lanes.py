"""When a lane takes one more job, and what is seen of the lanes in a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from redis.exceptions import RedisError

from assay.errors import NoWorker, Overloaded
from assay.scoring.queue.envelope import queue_name
from assay.scoring.queue.lanes import FRESH_S, Lanes, LaneState, attended_key, check
from assay.scoring.queue.message import Message, encode_message, sent_s
from assay.scoring.queue.options import CeleryOptions
from assay.stores.redis_options import RedisOptions, connect
from assay.telemetry import QUEUE_JOBS, Metrics
from servers.redis import RedisServer, running

OPTIONS = CeleryOptions(queue_jobs=10, interactive_wait_s=5, bulk_wait_s=60)


def test_a_lane_takes_jobs_until_it_is_full() -> None:
    check("interactive", LaneState(9, 99.0), OPTIONS, 100.0)
    with pytest.raises(Overloaded):
        check("interactive", LaneState(10, 99.0), OPTIONS, 100.0)


def test_a_short_lane_that_does_not_move_is_full_too() -> None:
    check("bulk", LaneState(1, 50.0), OPTIONS, 100.0)
    with pytest.raises(Overloaded) as refused:
        check("interactive", LaneState(1, 50.0), OPTIONS, 100.0)
    assert refused.value.delay_s == 30.0


def test_a_lane_that_nobody_works_on_takes_jobs_for_a_moment_only() -> None:
    grace_s = max(OPTIONS.away_grace_s, OPTIONS.lost_after_s)
    check("interactive", LaneState(unattended_since_s=100.0), OPTIONS, 100.0 + grace_s)
    with pytest.raises(NoWorker) as refused:
        check("interactive", LaneState(unattended_since_s=100.0), OPTIONS, 100.1 + grace_s)
    assert refused.value.delay_s == 2.0


@given(st.integers(0, 100), st.none() | st.floats(0, 1e9), st.floats(0, 1e9))
def test_clients_are_told_to_wait_a_sensible_time(jobs: int, oldest_s: float | None, now_s: float) -> None:
    state = LaneState(jobs, oldest_s)
    if jobs < OPTIONS.queue_jobs and state.age_s(now_s) <= OPTIONS.interactive_wait_s:
        check("interactive", state, OPTIONS, now_s)
        return
    with pytest.raises(Overloaded) as refused:
        check("interactive", state, OPTIONS, now_s)
    assert 1.0 <= refused.value.delay_s <= 30.0


@pytest.mark.parametrize(
    "message", [None, b"", b"rubbish", b"{}", b'{"headers": {}}', b'{"headers": {"assay_sent_s": "x"}}']
)
def test_a_strangers_message_has_no_age(message: bytes | None) -> None:
    assert sent_s(message) is None


class Time:
    """Passes when it is told to. Seconds since 1970."""

    now_s = 1000.0

    def passes(self, seconds: float) -> None:
        self.now_s += seconds


@asynccontextmanager
async def looking(
    server: RedisServer, answer_timeout_s: float = 20.0
) -> AsyncIterator[tuple[Lanes, Time, Metrics]]:
    redis = connect(RedisOptions(server.url, answer_timeout_s=answer_timeout_s))
    time, metrics = Time(), Metrics()
    lanes = Lanes(redis, "r", metrics, lambda: time.now_s)
    try:
        yield lanes, time, metrics
    finally:
        await lanes.aclose()
        await redis.aclose()


def put(client: Redis, at_s: float) -> None:
    queue = queue_name("r", "interactive")
    client.lpush(queue, encode_message(Message(queue, "id", "tag", at_s, b"envelope")))


async def test_a_look_sees_how_many_wait_how_long_and_whether_anybody_works(
    shared_redis: RedisServer, client: Redis
) -> None:
    async with looking(shared_redis) as (lanes, time, metrics):
        for at_s in (990.0, 995.0):
            put(client, at_s)
        client.set(attended_key(queue_name("r", "bulk")), 1)
        assert await lanes.state("interactive") == LaneState(2, 990.0, unattended_since_s=1000.0)
        assert await lanes.state("bulk") == LaneState(0, None, None)
        assert (metrics.value(QUEUE_JOBS, "interactive"), metrics.value(QUEUE_JOBS, "bulk")) == (2, 0)
        client.set(attended_key(queue_name("r", "interactive")), 1)
        client.delete(attended_key(queue_name("r", "bulk")))
        time.passes(5)
        assert await lanes.state("interactive") == LaneState(2, 990.0, None)
        assert await lanes.state("bulk") == LaneState(0, None, unattended_since_s=1005.0)
        time.passes(5)
        assert await lanes.state("bulk") == LaneState(0, None, unattended_since_s=1005.0)


async def test_a_look_is_used_again_for_a_moment_and_what_was_let_in_counts(
    shared_redis: RedisServer, client: Redis
) -> None:
    async with looking(shared_redis) as (lanes, time, _):
        await lanes.admit("interactive", OPTIONS)
        put(client, 999.0)
        put(client, 999.0)
        for _ in range(2):
            await lanes.admit("interactive", OPTIONS)
        time.passes(FRESH_S / 2)
        assert (await lanes.state("interactive")).jobs == 3
        assert (await lanes.state("bulk")).jobs == 0
        time.passes(FRESH_S)
        assert (await lanes.state("interactive")).jobs == 2


async def test_who_is_refused_counts_as_nobody_that_waits(shared_redis: RedisServer, client: Redis) -> None:
    async with looking(shared_redis) as (lanes, _, _):
        for _ in range(OPTIONS.queue_jobs):
            await lanes.admit("interactive", OPTIONS)
        for _ in range(2):
            with pytest.raises(Overloaded, match="10 revisions wait"):
                await lanes.admit("interactive", OPTIONS)


def connections(client: Redis) -> int:
    """Made by anybody so far: a look that fails costs one."""
    told: Any = client.info("stats")
    return int(told["total_connections_received"])


async def test_one_looks_for_all_who_ask_meanwhile_and_fails_for_all() -> None:
    """Or each would wait for a silent server's time limit after the other, up to the request's deadline."""
    with running() as server:
        async with looking(server, answer_timeout_s=0.2) as (lanes, time, _):
            await asyncio.gather(*(lanes.state("bulk") for _ in range(20)))
            with server.client() as client:
                before = connections(client)
            server.freeze()
            time.passes(1)
            asked = (lanes.admit("interactive", OPTIONS) for _ in range(20))
            told = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(one, RedisError) for one in told)
            server.thaw()
            with server.client() as client:
                assert connections(client) < before + 5
            await lanes.admit("interactive", OPTIONS)


async def test_who_gives_up_takes_the_look_from_nobody(shared_redis: RedisServer) -> None:
    async with looking(shared_redis) as (lanes, _, _):
        impatient = asyncio.create_task(lanes.state("bulk"))
        patient = asyncio.create_task(lanes.state("bulk"))
        await asyncio.sleep(0)  # both are begun
        impatient.cancel()
        assert (await patient).jobs == 0


async def test_an_end_ends_a_look_that_is_under_way() -> None:
    with running() as server:
        before = asyncio.all_tasks()
        async with looking(server) as (lanes, _, _):
            server.freeze()
            asked = asyncio.create_task(lanes.state("bulk"))
            await asyncio.sleep(0)
            asked.cancel()
            await asyncio.wait([asked])
        assert asyncio.all_tasks() == before
        server.thaw()
