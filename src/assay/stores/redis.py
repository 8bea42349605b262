"""The store that all processes share: Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis


class RedisStore:
    """A `KeyValueStore`. How much is kept is the server's to say (``maxmemory`` with
    ``volatile-lru``, which never evicts queues).

    Raises redis-py's errors; `assay.stores.guarded` makes misses of them.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get_many(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """One MGET."""
        if not keys:
            return {}
        values: list[Any] = await self._redis.mget(keys)
        return {key: value for key, value in zip(keys, values, strict=True) if value is not None}

    async def set_many(self, values: Mapping[str, bytes], ttl_s: float) -> None:
        """One pipeline."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, value in values.items():
                pipeline.set(key, value, px=max(1, round(ttl_s * 1000)))
            await pipeline.execute()

    async def answers(self) -> bool:
        """By getting, as that is what is promised."""
        await self._redis.mget(["assay:answers"])
        return True

    async def aclose(self) -> None:
        await self._redis.aclose()
