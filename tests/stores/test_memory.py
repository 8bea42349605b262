"""The memory store's bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.clock import FakeClock
from assay.stores.memory import ENTRY_OVERHEAD_BYTES, MemoryStore
from assay.stores.options import MemoryStoreOptions


async def test_the_least_recently_used_entry_goes_first() -> None:
    store = MemoryStore(MemoryStoreOptions(max_entries=2), FakeClock())
    await store.set_many({"a": b"1", "b": b"2"}, ttl_s=60)
    await store.get_many(["a"])
    await store.set_many({"c": b"3"}, ttl_s=60)
    assert await store.get_many(["a", "b", "c"]) == {"a": b"1", "c": b"3"}


async def test_bytes_are_bounded_too() -> None:
    store = MemoryStore(MemoryStoreOptions(max_bytes=2 * (ENTRY_OVERHEAD_BYTES + 101)), FakeClock())
    await store.set_many(dict.fromkeys("abc", b"x" * 100), ttl_s=60)
    assert set(await store.get_many(["a", "b", "c"])) == {"b", "c"}


async def test_a_value_larger_than_the_store_is_not_kept_and_drives_nothing_out() -> None:
    store = MemoryStore(MemoryStoreOptions(max_bytes=1000), FakeClock())
    await store.set_many({"small": b"1"}, ttl_s=60)
    await store.set_many({"huge": b"x" * 2000}, ttl_s=60)
    assert await store.get_many(["small", "huge"]) == {"small": b"1"}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.binary(max_size=300), st.integers(1, 50))))
async def test_counted_bytes_are_the_entries_bytes(writes: list[tuple[str, bytes, int]]) -> None:
    clock = FakeClock()
    store = MemoryStore(MemoryStoreOptions(max_entries=4, max_bytes=2000), clock)
    for key, value, ttl_s in writes:
        await store.set_many({key: value}, ttl_s)
        clock.advance(7)
    kept = await store.get_many(list("abcdef"))
    assert store.size_bytes == sum(1 + len(value) + ENTRY_OVERHEAD_BYTES for value in kept.values())
    assert len(store) == len(kept) <= 4
    assert store.size_bytes <= 2000
