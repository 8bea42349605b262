"""Scores as entries of a real Redis's stream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assay.precache.sink import Unwritten
from assay.precache.sink_redis import RedisSink
from assay.stores.redis_options import RedisOptions
from precache.edits import scored
from servers.redis import running


async def test_a_redis_stream_keeps_the_newest() -> None:
    with running() as redis:
        sink = RedisSink(RedisOptions(redis.url), "scores", 100)
        for begin in range(0, 1000, 50):
            await sink.write([scored(number) for number in range(begin, begin + 50)])
        with redis.client() as client:
            entries: Any = client.xrange("scores")
        redis.kill()
        with pytest.raises(Unwritten):
            await sink.write([scored(1000)])
        redis.start()
        await sink.write([scored(1001)])
        with redis.client() as client:
            assert client.xlen("scores") == 1
        await sink.aclose()
    revs = [json.loads(fields[b"event"])["rev_id"] for _, fields in entries]
    assert revs == list(range(1000 - len(revs), 1000))
    assert 100 <= len(revs) < 300


async def test_an_entry_is_one_event_and_a_redis_that_refuses_is_to_be_tried_again() -> None:
    with running() as redis:
        sink = RedisSink(RedisOptions(redis.url), "scores", 100)
        await sink.write([scored(1), scored(2)])
        with redis.client() as client:
            entries: Any = client.xrange("scores")
            assert [json.loads(fields[b"event"]) for _, fields in entries] == [scored(1), scored(2)]
            client.delete("scores")
            client.set("scores", "no stream")
        with pytest.raises(Unwritten, match=r"Redis: .*WRONGTYPE"):
            await sink.write([scored(3)])
        await sink.aclose()
        await sink.aclose()
