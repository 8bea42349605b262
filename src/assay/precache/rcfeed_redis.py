"""MediaWiki's RCFeed by Redis: ``$wgRCFeeds`` with a ``redis://`` address publishes to a channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Final

from redis.exceptions import RedisError

from assay.precache.patience import backoff_s
from assay.precache.stream import Told, read_json
from assay.stores.redis_options import RedisOptions, connect
from assay.telemetry import logger

SILENCE_LIMIT_S: Final = 10.0
"""Without a message, Redis is asked whether it is there; without an answer for as long, it is not."""


class RedisFeed:
    """`silence_limit_s`: see `SILENCE_LIMIT_S`."""

    def __init__(
        self, options: RedisOptions, channel: str, *, silence_limit_s: float = SILENCE_LIMIT_S
    ) -> None:
        self._client = connect(options)
        self._channel = channel
        self._silence_limit_s = silence_limit_s
        self._log = logger(__name__)

    async def listen(self, connected: Callable[[], None]) -> AsyncGenerator[Told]:
        failures = 0
        while True:
            try:
                async with aclosing(self._subscription()) as messages:
                    async for message in messages:
                        failures = 0
                        if message["type"] == "subscribe":
                            self._log.info("feed begun", channel=self._channel)
                            connected()
                        elif message["type"] == "message":
                            yield read_json(message["data"])
            except (RedisError, OSError) as error:
                failures += 1
                self._log.warning("feed ended", channel=self._channel, reason=str(error)[:200])
                await asyncio.sleep(backoff_s(failures))

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _subscription(self) -> AsyncGenerator[dict[str, Any]]:
        """Messages of one connection. Raises `RedisError` or OSError at its end."""
        is_asked = False
        async with self._client.pubsub() as subscription:
            await subscription.subscribe(self._channel)
            while True:
                message = await subscription.get_message(timeout=self._silence_limit_s)
                if message is not None:
                    is_asked = False
                    yield message
                elif is_asked:
                    raise TimeoutError(f"Redis was silent for {2 * self._silence_limit_s:g} s")
                else:
                    is_asked = True
                    await subscription.ping()
