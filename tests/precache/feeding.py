"""RCFeed as MediaWiki sent it, published to a real Redis."""

from __future__ import annotations

import asyncio
from typing import Final

import orjson

from assay.precache.rcfeed_redis import RedisFeed
from assay.stores.redis_options import RedisOptions
from events.recorded import fed
from servers.redis import RedisServer
from waiting import until

CHANNEL: Final = "rc"
EDITS: Final = [event for event in fed("redis") if event["type"] != "log"]
FAR_S: Final = 3600.0
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
