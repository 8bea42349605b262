"""What every key-value store promises."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from assay.clock import FakeClock
from assay.stores.kv import KeyValueStore
from assay.stores.memory import MemoryStore, MemoryStoreOptions


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory"])
async def store(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[KeyValueStore]:
    store = {"memory": MemoryStore}[request.param](MemoryStoreOptions(), clock)
    yield store
    await store.aclose()


async def test_what_was_set_is_got_and_the_rest_is_left_out(store: KeyValueStore) -> None:
    await store.set_many({"a": b"1", "b": b""}, ttl_s=60)
    assert await store.get_many(["a", "b", "c"]) == {"a": b"1", "b": b""}


async def test_a_later_value_replaces_an_earlier_one(store: KeyValueStore) -> None:
    await store.set_many({"a": b"1"}, ttl_s=60)
    await store.set_many({"a": b"2"}, ttl_s=60)
    assert await store.get_many(["a"]) == {"a": b"2"}


async def test_values_expire(store: KeyValueStore, clock: FakeClock) -> None:
    await store.set_many({"short": b"1"}, ttl_s=10)
    await store.set_many({"long": b"2"}, ttl_s=100)
    clock.advance(50)
    assert await store.get_many(["short", "long"]) == {"long": b"2"}


async def test_nothing_is_asked_and_nothing_is_told(store: KeyValueStore) -> None:
    await store.set_many({}, ttl_s=1)
    assert await store.get_many([]) == {}
