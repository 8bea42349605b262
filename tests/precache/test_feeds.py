"""RCFeed as MediaWiki sends it, by a real Redis and real datagrams, with recent changes behind it."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import orjson
import pytest

from assay.clock import SystemClock
from assay.errors import ConfigurationError
from assay.precache.rcfeed_redis import RedisFeed
from assay.precache.rcfeed_udp import UdpFeed
from assay.precache.recentchanges import RecentChanges
from assay.precache.refilled import Refilled, Wake
from assay.revisions.action_api import ActionApi
from assay.revisions.options import ApiOptions
from assay.stores.redis_options import RedisOptions
from events.recorded import fed, rows
from precache.following import Heard, following
from servers.mediawiki import Recording, StandInMediaWiki
from servers.redis import RedisServer
from waiting import until

CHANNEL = "rc"
EDITS = [event for event in fed("redis") if event["type"] != "log"]
FAR_S = 3600.0
"""No look at recent changes but those that a reconnection makes."""


def publish(redis: RedisServer, events: list[dict[str, object]]) -> None:
    with redis.client() as client:
        for event in events:
            client.publish(CHANNEL, orjson.dumps(event))


async def subscribed(redis: RedisServer) -> None:
    def count() -> int:
        with redis.client() as client:
            return int(client.pubsub_numsub(CHANNEL)[0][1])

    await asyncio.to_thread(until, lambda: count() > 0, 30.0)


def feed(redis: RedisServer, silence_limit_s: float = 10.0) -> RedisFeed:
    return RedisFeed(RedisOptions(redis.url), CHANNEL, silence_limit_s=silence_limit_s)


def rev_ids(events: list[dict[str, object]]) -> list[int]:
    return [event["revision"]["new"] for event in events]  # type: ignore[index]


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


def changes(wiki: StandInMediaWiki, wake: Wake) -> RecentChanges:
    api = ActionApi(wiki.url, ApiOptions(backoff_s=0.0))
    return RecentChanges(api, wiki.url, "enwiki", SystemClock(), overlap_s=FAR_S, pause=wake.pause)


async def test_what_redis_forgot_is_asked_of_the_wiki(redis: RedisServer) -> None:
    recorded = [row for row in rows() if row["type"] != "log"]
    told = {event["revision"]["new"]: event for event in EDITS}
    both = [row for row in recorded if row["revid"] in told]
    before, missed, after = both[:20], both[20:60], both[60:80]
    recording, wake = Recording(changes=list(before[:1])), Wake(FAR_S)
    async with StandInMediaWiki(recording).serving() as wiki:

        def happen(some: list[dict[str, Any]]) -> None:
            recording.changes.extend(some)
            publish(redis, [told[row["revid"]] for row in some])

        async with following(Refilled(feed(redis), changes(wiki, wake), wake)) as heard:
            await subscribed(redis)
            await heard.until(lambda h: h.ledger.mark().position is not None)
            await asyncio.to_thread(happen, before)
            await heard.until(lambda h: len(h.edits) == 20)
            redis.kill()
            recording.changes.extend(missed)  # nobody could hear of these
            redis.start()
            await heard.until(lambda h: len(h.edits) == 60)
            await subscribed(redis)
            await asyncio.to_thread(happen, after)
            await heard.until(lambda h: len(h.edits) == 80)
        assert set(heard.edits) == {row["revid"] for row in (*before, *missed, *after)}
        recording.changes.extend(both[80:100])  # while no follower ran
        later_wake = Wake(FAR_S)
        later = Refilled(feed(redis), changes(wiki, later_wake), later_wake)
        async with following(later, heard.ledger.mark()) as again:
            await again.until(lambda h: len(h.edits) == 20)
        assert set(again.edits) == {row["revid"] for row in both[80:100]}


async def test_all_that_was_recorded_comes_by_udp() -> None:
    udp = UdpFeed("127.0.0.1:0")
    async with following(Refilled(udp, None, Wake(FAR_S))) as heard:
        await _send(udp.port, fed("udp"), heard)
        await heard.until(lambda h: len(h.edits) == len(EDITS))
    assert heard.edits == rev_ids(EDITS)


async def test_datagrams_that_are_rubbish_spoil_no_others() -> None:
    udp = UdpFeed("127.0.0.1:0")
    async with following(Refilled(udp, None, Wake(FAR_S))) as heard:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for text in (b"", b"\xff\xfe", b"{", b'{"type": "edit"}', orjson.dumps(EDITS[0])):
                sender.sendto(text, ("127.0.0.1", udp.port))
        await heard.until(lambda h: bool(h.edits))
    assert len(heard.malformed) == 4


async def _send(port: int, events: list[dict[str, object]], heard: Heard) -> None:
    """In pieces that the system's buffer holds for certain."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for begin in range(0, len(events), 50):
            for event in events[begin : begin + 50]:
                sender.sendto(orjson.dumps(event), ("127.0.0.1", port))
            await heard.until(lambda h, to=begin + 50: len(h.all) >= min(to, len(events)))  # type: ignore[misc]


def test_an_address_that_is_taken_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConfigurationError, match="cannot receive datagrams at"):
            UdpFeed(f"127.0.0.1:{taken.getsockname()[1]}")
