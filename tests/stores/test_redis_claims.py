"""Claims themselves, over a real Redis; whole services that share work: `tests/scoring/test_claims.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import redis.exceptions
from redis import Redis
from redis.asyncio.client import PubSub

from assay.clock import Clock, FakeClock, SystemClock
from assay.stores.options import ClaimOptions
from assay.stores.redis_claims import RedisClaims
from assay.stores.redis_options import RedisOptions, connect
from assay.telemetry import CLAIMS, Metrics
from servers.redis import RedisServer
from waiting import until_async

LONG: Final = ClaimOptions(ttl_s=60.0, answer_timeout_s=5.0)
"""Nothing of a test is decided by time."""
SHORT: Final = ClaimOptions(ttl_s=1.0, answer_timeout_s=5.0)
IMPATIENT: Final = ClaimOptions(ttl_s=60.0, answer_timeout_s=1.0, rest_s=10.0)


@pytest.fixture
def client(shared_redis: RedisServer) -> Redis:
    client = shared_redis.client()
    client.flushall()
    client.config_resetstat()
    return client


@asynccontextmanager
async def process(
    server: RedisServer, options: ClaimOptions = LONG, clock: Clock | None = None
) -> AsyncIterator[tuple[RedisClaims, Metrics]]:
    """The claims of one web process."""
    metrics = Metrics()
    claims = RedisClaims(connect(RedisOptions(server.url)), "dev", options, metrics, clock or SystemClock())
    try:
        yield claims, metrics
    finally:
        await claims.aclose()


def key(claim: str) -> str:
    return f"assay:claim:dev:{claim}"


def listeners(client: Redis, claim: str) -> int:
    found: Any = client.pubsub_numsub(key(claim))
    return int(found[0][1])


def calls(client: Redis, command: str) -> int:
    stats: Any = client.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])


async def test_a_claim_is_won_once(shared_redis: RedisServer, client: Redis) -> None:
    async with process(shared_redis) as (one, told_one), process(shared_redis) as (two, told_two):
        assert await one.take(["a", "b"]) == {"a", "b"}
        assert await two.take(["b", "c", "d", "e"]) == {"c", "d", "e"}
        assert await two.take(["a"]) == set()
        lives_ms: Any = client.pttl(key("a"))  # should its owner die
        assert 0 < lives_ms <= LONG.ttl_s * 1000
        assert (told_one.value(CLAIMS, "won"), told_two.value(CLAIMS, "won")) == (2, 3)


async def test_what_is_held_is_renewed_and_what_was_given_back_is_not(
    shared_redis: RedisServer, client: Redis
) -> None:
    async with process(shared_redis, SHORT) as (one, _):
        assert await one.take(["kept", "given back"]) == {"kept", "given back"}
        await one.settle({"given back": None})
        client.set(key("given back"), "another's", px=100)
        await until_async(lambda: not client.exists(key("given back")))
        await until_async(lambda: calls(client, "pexpire") >= 4)  # more than a lifetime
        assert client.exists(key("kept"))


async def test_a_claim_that_has_become_anothers_is_left_to_it(
    shared_redis: RedisServer, client: Redis
) -> None:
    async with process(shared_redis) as (one, _):
        await one.take(["slow"])
        client.set(key("slow"), "another's", px=60_000)
        await one.settle({"slow": b"late"}, is_lasting=True)
        await one.settle({"slow": b"again", "never ours": None}, is_lasting=True)
        assert client.get(key("slow")) == b"another's"


async def test_the_first_who_wait_wait_over_one_connection(shared_redis: RedisServer, client: Redis) -> None:
    async with process(shared_redis) as (one, _), process(shared_redis) as (two, told):
        names = [f"claim {number}" for number in range(5)]
        await one.take(names)
        waiting = [asyncio.create_task(two.wait(name, 60)) for name in names]
        await until_async(lambda: [listeners(client, name) for name in names] == [1] * 5)
        assert len(client.client_list(_type="pubsub")) == 1
        await until_async(lambda: calls(client, "get") >= 5)
        await one.settle(dict.fromkeys(names, b"score"))
        assert await asyncio.gather(*waiting) == [b"score"] * 5
        assert told.value(CLAIMS, "failed") == 0


async def test_all_who_wait_for_the_same_are_told_its_end_and_nothing_before(
    shared_redis: RedisServer, client: Redis
) -> None:
    async with process(shared_redis) as (one, _), process(shared_redis) as (two, told):
        await one.take(["a", "other"])
        waiting = [asyncio.create_task(two.wait("a", 60))]
        await until_async(lambda: calls(client, "get") == 1)
        waiting += [asyncio.create_task(two.wait("a", 60)) for _ in range(2)]
        other = asyncio.create_task(two.wait("other", 60))
        await until_async(lambda: calls(client, "get") >= 4)
        assert not any(task.done() for task in waiting)
        await one.settle({"a": b"score"})
        assert await asyncio.gather(*waiting) == [b"score"] * 3
        assert told.value(CLAIMS, "shared") == 3
        await until_async(lambda: listeners(client, "a") == 0)
        assert listeners(client, "other") == 1
        assert not other.done()
        await one.settle({"other": None})
        assert await other is None
        assert told.value(CLAIMS, "lost") == 1
        assert client.keys("assay:claim:*") == []


async def test_many_who_begin_to_wait_subscribe_together(shared_redis: RedisServer, client: Redis) -> None:
    async with process(shared_redis) as (one, _), process(shared_redis) as (two, _told):
        names = [f"claim {number}" for number in range(200)]
        await one.take(names)
        waiting = [asyncio.create_task(two.wait(name, 60)) for name in names]
        await until_async(lambda: calls(client, "get") == 200)
        assert calls(client, "subscribe") <= 2  # the first alone, and all who came meanwhile
        await one.settle(dict.fromkeys(names, b"score"))
        assert await asyncio.gather(*waiting) == [b"score"] * 200
        assert client.pubsub_channels("assay:claim:*") == []


@pytest.mark.parametrize("failure", [redis.exceptions.ConnectionError, None])
async def test_a_channel_that_could_not_be_left_is_left_by_the_next(
    shared_redis: RedisServer, client: Redis, monkeypatch: pytest.MonkeyPatch, failure: type[Exception] | None
) -> None:
    async with process(shared_redis) as (one, _), process(shared_redis) as (two, _told):
        await one.take(["a", "b"])

        async def fail(*_: str) -> None:
            if failure is not None:
                raise failure("lost")
            client.client_kill_filter(_type="pubsub")  # whereupon redis-py subscribes to all anew

        waiting = asyncio.create_task(two.wait("a", 60))
        await until_async(lambda: calls(client, "get") == 1)
        with monkeypatch.context() as patch:
            patch.setattr(two._pubsub, "unsubscribe", fail)
            await one.settle({"a": b"score"})
            assert await waiting == b"score"
        if failure is None:
            await until_async(lambda: calls(client, "subscribe") == 2)
        assert listeners(client, "a") == 1
        waiting = asyncio.create_task(two.wait("b", 60))
        await until_async(lambda: listeners(client, "b") == 1)
        await one.settle({"b": b"score"})
        await waiting
        await until_async(lambda: listeners(client, "a") == 0)


async def test_who_waits_until_the_end_of_its_time_leaves_nothing(
    shared_redis: RedisServer, client: Redis
) -> None:
    async with process(shared_redis) as (one, _), process(shared_redis) as (two, told):
        await one.take(["a"])
        assert await two.wait("a", 0.05) is None
        assert listeners(client, "a") == 0
        assert told.value(CLAIMS, "lost") == told.value(CLAIMS, "shared") == 0
        assert await two.wait("free", 60) is None


async def test_whoever_waits_no_longer_takes_nothing_from_the_others(
    shared_redis: RedisServer, client: Redis
) -> None:
    async with process(shared_redis) as (one, _), process(shared_redis) as (two, _told):
        await one.take(["a"])
        waiting = asyncio.create_task(two.wait("a", 60))
        await until_async(lambda: calls(client, "get") == 1)
        assert await two.wait("a", 0.05) is None
        assert listeners(client, "a") == 1
        await one.settle({"a": b"score"})
        assert await waiting == b"score"


async def test_an_answer_that_does_not_last_frees_its_claim(shared_redis: RedisServer, client: Redis) -> None:
    async with process(shared_redis) as (one, _), process(shared_redis) as (two, told):
        await one.take(["lasting", "passing", "nothing"])
        await one.settle({"lasting": b"score", "nothing": None}, is_lasting=True)
        await one.settle({"passing": b"problem"})
        assert await two.take(["lasting", "passing", "nothing"]) == {"passing", "nothing"}
        assert await two.wait("lasting", 60) == b"score"
        assert told.value(CLAIMS, "shared") == 1
        assert 0 < client.pttl(key("lasting")) <= LONG.ttl_s * 1000


async def test_a_full_server_keeps_no_answer_and_no_claim(shared_redis: RedisServer, client: Redis) -> None:
    async with process(shared_redis) as (one, _), process(shared_redis) as (two, _told):
        await one.take(["a"])
        waiting = asyncio.create_task(two.wait("a", 60))
        await until_async(lambda: listeners(client, "a") == 1)
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
        try:
            await one.settle({"a": b"score"}, is_lasting=True)
            assert await waiting == b"score"
            assert not client.exists(key("a"))
        finally:
            client.config_set("maxmemory", 0)


async def test_a_process_that_ends_gives_back_what_it_holds(shared_redis: RedisServer, client: Redis) -> None:
    async with process(shared_redis) as (two, _):
        async with process(shared_redis) as (one, _told):
            await one.take(["a"])
            waiting = asyncio.create_task(two.wait("a", 60))
            await until_async(lambda: listeners(client, "a") == 1)
        assert await waiting is None
        assert await two.take(["a"]) == {"a"}


async def test_a_claim_that_was_made_after_its_time_limit_is_given_back(redis: RedisServer) -> None:
    clock = FakeClock()
    async with process(redis, IMPATIENT, clock) as (one, told):
        assert await one.take(["before"]) == {"before"}  # so that it is connected
        redis.freeze()
        try:
            assert await one.take(["a"]) == {"a"}
        finally:
            redis.thaw()
        assert told.value(CLAIMS, "failed") == 1
        with redis.client() as client:
            await until_async(lambda: client.exists(key("a")))  # Redis did what it was asked, too late
            clock.advance(11)
            await one.settle({"a": b"score"})
            assert not client.exists(key("a"))


async def test_a_server_that_is_gone_is_left_alone_for_a_while(redis: RedisServer) -> None:
    clock = FakeClock()
    async with process(redis, IMPATIENT, clock) as (one, told):
        redis.kill()
        assert await one.take(["a"]) == {"a"}
        assert await one.take(["b"]) == {"b"}
        assert await one.wait("c", 60) is None
        await one.settle({"a": b"score", "b": None})
        assert told.value(CLAIMS, "failed") == 1
        clock.advance(9)
        await one.take(["d"])
        assert told.value(CLAIMS, "failed") == 1
        clock.advance(1)
        await one.take(["d"])
        assert told.value(CLAIMS, "failed") == 2
        redis.start()
        clock.advance(10)
        assert await one.take(["e"]) == {"e"}
        assert told.value(CLAIMS, "won") == 1


async def test_who_waits_when_the_server_goes_is_free_to_compute(redis: RedisServer) -> None:
    async with process(redis, SHORT) as (one, _), process(redis, SHORT) as (two, _told):
        await one.take(["a"])
        waiting = asyncio.create_task(two.wait("a", 60))
        with redis.client() as client:
            await until_async(lambda: listeners(client, "a") == 1)
        redis.kill()
        assert await waiting is None


async def test_after_a_lost_connection_everybody_looks_and_is_told_again(redis: RedisServer) -> None:
    async with process(redis) as (one, _), process(redis) as (two, told):
        await one.take(["a"])
        with redis.client() as client:
            waiting = asyncio.create_task(two.wait("a", 60))
            await until_async(lambda: calls(client, "get") == 1)
            client.client_kill_filter(_type="pubsub")
            assert await waiting is None  # something may have been told meanwhile
            assert await two.take(["a"]) == set()
            again = asyncio.create_task(told_in_the_end(two, "a"))
            await until_async(lambda: calls(client, "get") == 3)
        await one.settle({"a": b"score"})
        assert await again == b"score"
        assert told.value(CLAIMS, "failed") == 0


async def test_a_reader_that_fell_over_is_begun_again(
    shared_redis: RedisServer, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a defect, such as of the client library's when a connection breaks at an odd moment."""
    get_message = PubSub.get_message
    faults = [AttributeError("no reader")]

    async def falls_over_once(self: PubSub, *arguments: Any, **options: Any) -> Any:
        if faults:
            raise faults.pop()
        return await get_message(self, *arguments, **options)

    monkeypatch.setattr(PubSub, "get_message", falls_over_once)
    clock = FakeClock()
    async with process(shared_redis) as (one, _), process(shared_redis, IMPATIENT, clock) as (two, told):
        await one.take(["a"])
        assert await two.wait("a", 60) is None
        assert told.value(CLAIMS, "failed") == 1
        clock.advance(11)
        waiting = asyncio.create_task(told_in_the_end(two, "a"))
        await until_async(lambda: calls(client, "get") >= 1)
        await one.settle({"a": b"score"}, is_lasting=True)
        assert await waiting == b"score"
        assert told.value(CLAIMS, "failed") == 1


async def told_in_the_end(claims: RedisClaims, claim: str) -> bytes:
    """As those do who wait for a claim that stands."""
    async with asyncio.timeout(20):
        while True:
            if (answer := await claims.wait(claim, 60)) is not None:
                return answer
            await asyncio.sleep(0)  # a wait while Redis is left alone yields to nobody
