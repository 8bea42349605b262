"""A connection that was closed a moment ago is told as such, in both loops; and one is made once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import redis.exceptions
import uvloop

from assay.stores.redis_options import RedisOptions, connect
from servers.redis import RedisServer, running


async def _ping(connection: Any) -> None:
    """One write, one read: a plain loop lets the write pass and fails at the read."""
    await connection.send_command("PING")
    await connection.read_response()


async def _write_to_closed(server: RedisServer) -> None:
    client = connect(RedisOptions(server.url))
    pool: Any = client.connection_pool
    connection = await pool.get_connection()
    connection._writer.transport.abort()
    await asyncio.sleep(0)
    try:
        with pytest.raises(redis.exceptions.ConnectionError):
            await _ping(connection)
    finally:
        await pool.release(connection)
    assert await client.ping()  # the pool has another one
    await client.aclose()


@pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_a_write_to_a_connection_just_closed(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with running() as server, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_write_to_closed(server))


async def test_a_connection_is_made_once_however_many_find_it_lost() -> None:
    with running() as server:
        client = connect(RedisOptions(server.url))
        pool: Any = client.connection_pool
        connection = await pool.get_connection()
        await connection.disconnect()
        await asyncio.gather(*(connection.connect() for _ in range(10)))
        with server.client() as looking:
            assert len(looking.client_list()) == 2  # this one, and who looks
        await _ping(connection)
        await pool.release(connection)
        await client.aclose()
