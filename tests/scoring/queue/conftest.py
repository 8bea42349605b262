"""A real Redis for each module, emptied for each test that looks into it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from servers.redis import RedisServer, running


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with running() as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[Redis]:
    with server.client() as client:
        client.flushall()
        yield client
