"""A real Redis for each module, emptied for each test that looks into it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from servers.redis import RedisServer


@pytest.fixture
def client(shared_redis: RedisServer) -> Iterator[Redis]:
    with shared_redis.client() as client:
        client.flushall()
        yield client
