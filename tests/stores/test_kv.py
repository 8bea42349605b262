"""What every key-value store promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from assay.clock import FakeClock
from assay.stores.guarded import GuardedStore
from assay.stores.kv import KeyValueStore
from assay.stores.memory import MemoryStore
from assay.stores.options import GuardOptions, MemoryStoreOptions
from assay.stores.redis import RedisStore
from assay.stores.redis_options import RedisOptions, connect
from assay.telemetry import Metrics
from servers.redis import RedisServer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "redis", "guarded redis"])
async def store(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[KeyValueStore]:
    store: KeyValueStore = MemoryStore(MemoryStoreOptions(), clock)
    if request.param != "memory":
        server = request.getfixturevalue("shared_redis")
        with server.client() as client:
            client.flushall()
        store = RedisStore(connect(RedisOptions(server.url)))
    if request.param == "guarded redis":
        store = GuardedStore("scores", store, GuardOptions(answer_timeout_s=5), Metrics(), clock)
    yield store
    await store.aclose()


@pytest.fixture
def wait(request: pytest.FixtureRequest, clock: FakeClock, store: KeyValueStore) -> Callable[[float], None]:
    """Lets time pass for the store."""

    def wait(seconds: float) -> None:
        clock.advance(seconds)
        if not isinstance(store, MemoryStore):
            _age(request.getfixturevalue("shared_redis"), seconds)

    return wait


def _age(server: RedisServer, seconds: float) -> None:
    with server.client() as client:
        keys: Any = client.keys("*")
        for key in keys:
            left_ms: Any = client.pttl(key)
            client.pexpire(key, max(0, left_ms - round(seconds * 1000)))


async def test_what_was_set_is_got_and_the_rest_is_left_out(store: KeyValueStore) -> None:
    await store.set_many({"a": b"1", "b": b""}, ttl_s=60)
    assert await store.get_many(["a", "b", "c"]) == {"a": b"1", "b": b""}


async def test_a_later_value_replaces_an_earlier_one(store: KeyValueStore) -> None:
    await store.set_many({"a": b"1"}, ttl_s=60)
    await store.set_many({"a": b"2"}, ttl_s=60)
    assert await store.get_many(["a"]) == {"a": b"2"}


async def test_values_expire(store: KeyValueStore, wait: Callable[[float], None]) -> None:
    await store.set_many({"short": b"1"}, ttl_s=10)
    await store.set_many({"long": b"2"}, ttl_s=100)
    wait(50)
    assert await store.get_many(["short", "long"]) == {"long": b"2"}


async def test_a_store_that_is_there_answers(store: KeyValueStore) -> None:
    assert await store.answers()


async def test_nothing_is_asked_and_nothing_is_told(store: KeyValueStore) -> None:
    await store.set_many({}, ttl_s=1)
    assert await store.get_many([]) == {}
