"""Scores as entries of a Redis stream."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from redis.exceptions import RedisError

from assay.precache.sink import Event, Refused, Unwritten
from assay.stores.redis_options import RedisOptions, connect


class RedisSink:
    """`stream`: its key. `max_entries`: about how many it keeps, the newest."""

    def __init__(self, options: RedisOptions, stream: str, max_entries: int) -> None:
        self._client = connect(options)
        self._stream = stream
        self._max_entries = max_entries

    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        try:
            async with self._client.pipeline(transaction=True) as pipeline:
                for event in events:
                    pipeline.xadd(
                        self._stream,
                        {"event": orjson.dumps(event)},
                        maxlen=self._max_entries,
                        approximate=True,
                    )
                await pipeline.execute()
        except (RedisError, OSError) as error:
            raise Unwritten(f"Redis: {str(error)[:200]}") from None
        return ()

    async def aclose(self) -> None:
        await self._client.aclose()
