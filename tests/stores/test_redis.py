"""How often Redis is asked."""

from __future__ import annotations

from typing import Any

from assay.stores.redis import RedisStore
from assay.stores.redis_options import RedisOptions, connect
from servers.redis import RedisServer, running


def calls(server: RedisServer) -> dict[str, int]:
    with server.client() as client:
        stats: Any = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items()}


async def test_one_command_looks_up_and_one_journey_stores() -> None:
    with running() as server:
        store = RedisStore(connect(RedisOptions(server.url)))
        keys = [str(number) for number in range(200)]
        await store.get_many(keys)
        before = calls(server)
        with server.client() as client:
            stats: Any = client.info("stats")
            events = stats["total_reads_processed"]
            await store.set_many(dict.fromkeys(keys, b"x"), 60)
            after_set: Any = client.info("stats")
        assert await store.get_many(keys) == dict.fromkeys(keys, b"x")
        after = calls(server)
        assert after["mget"] - before["mget"] == 1
        assert after["set"] - before.get("set", 0) == 200
        assert after_set["total_reads_processed"] - events <= 3  # the pipeline, and our own questions
        await store.aclose()


async def test_values_are_not_kept_for_ever() -> None:
    with running() as server:
        store = RedisStore(connect(RedisOptions(server.url)))
        await store.set_many({"a": b"1"}, 0.0001)
        await store.set_many({"b": b"1"}, 100)
        with server.client() as client:
            left_ms: Any = client.pttl("b")
            assert 90_000 < left_ms <= 100_000
            short_ms: Any = client.pttl("a")
            assert short_ms < 10
        await store.aclose()
