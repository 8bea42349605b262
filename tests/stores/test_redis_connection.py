"""A connection that was closed a moment ago is told as such, in both loops; and one is made once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis.exceptions
import uvloop

from assay.stores.redis_options import RedisOptions, connect
from assay.tasks import end
from servers.redis import RedisServer, running, sentinel
from waiting import until_async


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


@asynccontextmanager
async def _lost(options: RedisOptions) -> AsyncIterator[Any]:
    """A pool's connection that has been lost."""
    client = connect(options)
    pool: Any = client.connection_pool
    connection = await pool.get_connection()
    await connection.disconnect()
    try:
        yield connection
    finally:
        await pool.release(connection)
        await client.aclose()


async def _half_made(connection: Any, server: RedisServer) -> asyncio.Task[None]:
    """Somebody makes the connection anew, and waits for what a frozen server says to it."""
    server.freeze()
    making = asyncio.create_task(connection.connect())
    await until_async(lambda: connection.is_connected)
    return making


@pytest.mark.parametrize("is_by_sentinels", [False, True])
async def test_nobody_speaks_on_a_connection_before_who_makes_it_is_done(
    tmp_path: Path, is_by_sentinels: bool
) -> None:
    with running() as server, sentinel(tmp_path, server.port) as watching:
        options = RedisOptions(server.url)
        if is_by_sentinels:
            options = RedisOptions(sentinels=(f"127.0.0.1:{watching.port}",))
        async with _lost(options) as connection:
            making = await _half_made(connection, server)
            second = asyncio.create_task(connection.connect())
            server.thaw()
            await second
            assert making.done()
            await _ping(connection)


async def test_who_is_cancelled_while_connecting_leaves_it_to_the_next() -> None:
    with running(password="hush") as server:
        async with _lost(RedisOptions(server.url, password="hush")) as connection:
            making = await _half_made(connection, server)
            second = asyncio.create_task(connection.connect())
            await end([making])
            server.thaw()
            await second
            await connection.send_command("PING")
            assert await connection.read_response() == b"PONG"  # and not what was said to the one before


async def test_a_connection_that_another_gives_up_before_the_write_is_told() -> None:
    with running() as server:
        client = connect(RedisOptions(server.url))
        pool: Any = client.connection_pool
        connection = await pool.get_connection()
        writing = asyncio.create_task(connection.send_command("PING"))
        await asyncio.sleep(0)  # it is seen to be connected
        await connection.disconnect(nowait=True)
        with pytest.raises(redis.exceptions.ConnectionError):
            await writing
        await pool.release(connection)
        await client.aclose()
