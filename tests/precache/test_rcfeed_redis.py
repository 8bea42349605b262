"""RCFeed by a real Redis, which is silent, is killed, or lets a connection go."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from assay.precache.refilled import Refilled, Wake
from events.recorded import fed
from precache.feeding import CHANNEL, EDITS, FAR_S, feed, publish, rev_ids, subscribed
from precache.following import following
from servers.redis import RedisServer


async def test_all_that_was_recorded_comes_through_redis(redis: RedisServer) -> None:
    async with following(Refilled(feed(redis), None, Wake(FAR_S))) as heard:
        await subscribed(redis)
        await asyncio.to_thread(publish, redis, fed("redis"))
        await heard.until(lambda h: len(h.edits) == len(EDITS))
    assert heard.edits == rev_ids(EDITS)
    assert heard.ledger.mark().position is None


async def test_a_silent_redis_is_asked_whether_it_is_there(redis: RedisServer) -> None:
    """Frozen, it keeps its connections open; nothing but silence tells."""
    async with following(Refilled(feed(redis, 0.2), None, Wake(FAR_S))) as heard:
        await subscribed(redis)
        redis.freeze()
        await asyncio.sleep(0.6)
        redis.thaw()
        await subscribed(redis)

        async def until_heard(event: dict[str, object]) -> None:
            while not heard.edits:  # the new subscription may not stand yet
                await asyncio.to_thread(publish, redis, [event])
                await asyncio.sleep(0.02)

        async with asyncio.timeout(30):
            await until_heard(EDITS[0])
    assert heard.edits == rev_ids(EDITS[:1])


async def test_it_says_each_time_that_it_hears_again(redis: RedisServer) -> None:
    """Also after a connection that Redis cut: what was said meanwhile nobody heard."""
    heard, again = 0, asyncio.Event()

    def connected() -> None:
        nonlocal heard
        heard += 1
        again.set()

    stream = feed(redis)
    with capture_logs() as logs:
        listening = asyncio.create_task(anext(stream.listen(connected)))
        async with asyncio.timeout(30):
            await again.wait()
            again.clear()
            with redis.client() as client:
                client.client_kill_filter(_type="pubsub")
            await again.wait()
            await subscribed(redis)
            await asyncio.to_thread(publish, redis, EDITS[:1])
            await listening
    assert heard == 2
    events = [line["event"] for line in logs]
    assert events == ["feed begun", "feed ended", "feed begun"]
    assert logs[1]["reason"]
    assert {line["channel"] for line in logs} == {CHANNEL}
    await stream.aclose()
    await stream.aclose()


async def test_what_is_no_json_spoils_no_others(redis: RedisServer) -> None:
    async with following(Refilled(feed(redis), None, Wake(FAR_S))) as heard:
        await subscribed(redis)
        with redis.client() as client:
            for text in (b"", b"\xff\xfe", b"{" * 100_000, b"[]"):
                client.publish(CHANNEL, text)
        await asyncio.to_thread(publish, redis, EDITS[:1])
        await heard.until(lambda h: bool(h.edits))
    assert len(heard.malformed) == 4


async def test_nobody_there_is_tried_again_with_longer_pauses(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[int] = []
    enough = asyncio.Event()

    def noted(attempt: int) -> float:
        failures.append(attempt)
        if len(failures) == 3:
            enough.set()
        return 0.0

    monkeypatch.setattr("assay.precache.rcfeed_redis.backoff_s", noted)
    redis.kill()
    async with following(Refilled(feed(redis), None, Wake(FAR_S))), asyncio.timeout(30):
        await enough.wait()
    redis.start()
    assert failures[:3] == [1, 2, 3]
