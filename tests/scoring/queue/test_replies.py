"""A stream of answers in a real Redis: in order, taken away once read, and read on whatever happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from redis import Redis

from assay.scoring.queue.replies import BLOCK_S, ReplyStream
from assay.stores.redis_options import RedisOptions, connect
from servers.redis import RedisServer
from waiting import until_async


@dataclass
class Heard:
    """What a reader was told. `ups`: whether each was another server. `downs`: how frequently it was away."""

    replies: list[bytes] = field(default_factory=list)
    ups: list[bool] = field(default_factory=list)
    downs: int = 0

    def is_down(self) -> None:
        self.downs += 1


@asynccontextmanager
async def reading(
    redis: RedisServer, protocol: int = 2, *, is_there: bool = True
) -> AsyncIterator[tuple[ReplyStream, Heard]]:
    """Once it reads, if there is a server."""
    heard = Heard()
    client = connect(RedisOptions(f"{redis.url}?protocol={protocol}"), answer_timeout_s=BLOCK_S + 5.0)
    stream = ReplyStream(
        client, "r1", on_reply=heard.replies.append, on_up=heard.ups.append, on_down=heard.is_down
    )
    await stream.start()
    try:
        if is_there:
            await until_async(lambda: heard.ups)
        yield stream, heard
    finally:
        await stream.aclose()


def send(client: Redis, stream: ReplyStream, replies: Iterable[int]) -> None:
    for number in replies:
        client.xadd(stream.name, {"r": str(number)})


@pytest.mark.parametrize("protocol", [2, 3])
async def test_answers_come_in_order_and_are_taken_away(
    shared_redis: RedisServer, client: Redis, protocol: int
) -> None:
    async with reading(shared_redis, protocol) as (stream, heard), reading(shared_redis) as (other, unasked):
        assert stream.name != other.name
        assert stream.name.startswith("assay:replies:r1:")
        send(client, stream, range(200))
        await until_async(lambda: len(heard.replies) == 200)
        assert heard.replies == [str(number).encode() for number in range(200)]
        await until_async(lambda: client.xlen(stream.name) <= 1)
        assert (heard.ups, heard.downs, unasked.replies) == ([False], 0, [])
        send(client, stream, [200])
        await until_async(lambda: len(heard.replies) == 201)
        await until_async(lambda: client.xlen(stream.name) == 1)  # in the next pause
    assert client.keys() == [], "nothing is left of a reader that closed"


async def test_a_server_that_comes_back_empty_is_read_from_its_beginning(redis: RedisServer) -> None:
    async with reading(redis) as (stream, heard):
        with redis.client() as client:
            send(client, stream, [1])
        await until_async(lambda: len(heard.replies) == 1)
        redis.kill()
        await until_async(lambda: heard.downs)
        redis.start()
        await until_async(lambda: len(heard.ups) == 2)
        with redis.client() as client:
            client.xadd(stream.name, {"r": "2"}, id="1-1")  # before all that was read of the other
        await until_async(lambda: len(heard.replies) == 2)
        assert (heard.replies, heard.ups, heard.downs) == ([b"1", b"2"], [False, True], 1)


async def test_a_server_that_is_away_from_the_start_is_told_once_and_found(redis: RedisServer) -> None:
    redis.kill()
    async with reading(redis, is_there=False) as (stream, heard):
        await until_async(lambda: heard.downs)
        await asyncio.to_thread(redis.start)
        with redis.client() as client:
            send(client, stream, [1])
        await until_async(lambda: heard.replies)
        assert (heard.replies, heard.ups, heard.downs) == ([b"1"], [False], 1)


async def test_a_broken_connection_loses_nothing_and_is_no_other_server(
    shared_redis: RedisServer, client: Redis
) -> None:
    async with reading(shared_redis) as (stream, heard):
        send(client, stream, [1])
        await until_async(lambda: len(heard.replies) == 1)
        client.client_kill_filter(skipme=True)
        send(client, stream, [2, 3])
        await until_async(lambda: len(heard.ups) == 2)
        await until_async(lambda: len(heard.replies) == 3)
        assert (heard.replies, heard.ups, heard.downs) == ([b"1", b"2", b"3"], [False, False], 1)


async def test_what_a_stranger_wrote_keeps_nobody_from_the_other_answers(
    shared_redis: RedisServer, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reading(shared_redis) as (stream, heard):

        def on_reply(data: bytes) -> None:
            if data == b"1":
                raise TypeError("unhashable type: 'list'")
            heard.replies.append(data)

        monkeypatch.setattr(stream, "_on_reply", on_reply)
        client.xadd(stream.name, {"x": "a stranger's"})
        send(client, stream, [1, 2])
        await until_async(lambda: heard.replies == [b"2"])
        assert (heard.ups, heard.downs) == ([False], 0)
