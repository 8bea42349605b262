"""Whatever happens to a shared store, who asks gets right values or none, and soon."""

from __future__ import annotations

import asyncio

from assay.clock import FakeClock
from assay.stores.guarded import GuardedStore
from assay.stores.options import GuardOptions
from assay.stores.redis import RedisStore
from assay.stores.redis_options import RedisOptions, connect
from assay.telemetry import STORE_FAILURES, STORE_UP, Metrics
from servers.redis import RedisServer, running

OPTIONS = GuardOptions(answer_timeout_s=0.3, failures=2, rest_s=10.0)


class Guarded:
    """A store over a server, with its clock and counters."""

    def __init__(self, options: RedisOptions) -> None:
        self.clock, self.metrics = FakeClock(), Metrics()
        store = RedisStore(connect(options, answer_timeout_s=0.3))
        self.store = GuardedStore("scores", store, OPTIONS, self.metrics, self.clock)

    def failures(self) -> float:
        return self.metrics.value(STORE_FAILURES, "scores", "get")


async def test_a_server_that_is_gone_is_left_alone_and_found_again(redis: RedisServer) -> None:
    guarded = Guarded(RedisOptions(redis.url))
    await guarded.store.set_many({"a": b"1"}, 60)
    assert await guarded.store.get_many(["a"]) == {"a": b"1"}
    redis.kill()
    for _ in range(5):
        assert await guarded.store.get_many(["a"]) == {}
    assert guarded.failures() == 2  # then nobody asked any more
    assert guarded.store.rests
    assert not await guarded.store.answers()
    assert guarded.metrics.value(STORE_UP, "scores") == 0
    redis.start()
    guarded.clock.advance(11)
    await guarded.store.set_many({"a": b"2"}, 60)
    assert await guarded.store.answers()
    assert await guarded.store.get_many(["a"]) == {"a": b"2"}
    assert guarded.metrics.value(STORE_UP, "scores") == 1
    await guarded.store.aclose()


async def test_while_one_tries_the_others_stay_away(redis: RedisServer) -> None:
    guarded = Guarded(RedisOptions(redis.url))
    redis.kill()
    for _ in range(2):
        await guarded.store.get_many(["a"])
    guarded.clock.advance(11)
    await guarded.store.get_many(["a"])
    assert guarded.failures() == 3
    await guarded.store.get_many(["a"])
    assert guarded.failures() == 3
    await guarded.store.aclose()


async def test_while_one_waits_for_a_frozen_server_the_others_do_not(redis: RedisServer) -> None:
    guarded = Guarded(RedisOptions(redis.url))
    redis.freeze()
    await asyncio.gather(*(guarded.store.get_many(["a"]) for _ in range(2)))
    assert guarded.failures() == 2
    guarded.clock.advance(11)
    await asyncio.gather(*(guarded.store.get_many(["a"]) for _ in range(5)))
    assert guarded.failures() == 3
    redis.thaw()
    await guarded.store.aclose()


async def test_a_frozen_server_costs_no_more_than_the_time_limit(redis: RedisServer) -> None:
    guarded = Guarded(RedisOptions(redis.url))
    await guarded.store.get_many(["a"])
    redis.freeze()
    assert await guarded.store.get_many(["a"]) == {}
    assert guarded.failures() == 1
    redis.thaw()
    assert await guarded.store.get_many(["a"]) == {}
    assert guarded.failures() == 1
    await guarded.store.aclose()


async def test_a_full_server_still_gives_what_it_has(redis: RedisServer) -> None:
    guarded = Guarded(RedisOptions(redis.url))
    await guarded.store.set_many({"old": b"1"}, 60)
    with redis.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", 1)
    await guarded.store.set_many({"new": b"2"}, 60)
    assert await guarded.store.get_many(["old", "new"]) == {"old": b"1"}
    assert guarded.metrics.value(STORE_FAILURES, "scores", "set") == 1
    await guarded.store.aclose()


async def test_a_wrong_password_is_a_miss_and_is_counted() -> None:
    with running(password="right") as server:
        guarded = Guarded(RedisOptions(server.url, password="wrong"))
        assert await guarded.store.get_many(["a"]) == {}
        assert guarded.failures() == 1
        await guarded.store.aclose()


async def test_cut_connections_are_made_anew(redis: RedisServer) -> None:
    guarded = Guarded(RedisOptions(redis.url))
    await guarded.store.set_many({"a": b"1"}, 60)
    with redis.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    found = [await guarded.store.get_many(["a"]) for _ in range(2)]
    assert found[-1] == {"a": b"1"}
    await guarded.store.aclose()
