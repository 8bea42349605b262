"""Messages go to a real Redis: together, with what lies beside them, or it is said that they did not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from assay.errors import EngineUnavailable
from assay.scoring.queue.dispatch import Dispatcher
from assay.scoring.queue.message import Message
from assay.telemetry import bound
from servers.redis import RedisServer, running


@asynccontextmanager
async def dispatching(server: RedisServer, limit_s: float = 20.0) -> AsyncIterator[Dispatcher]:
    async with AsyncRedis(port=server.port) as client:
        dispatcher = Dispatcher(client, limit_s)
        try:
            yield dispatcher
        finally:
            await dispatcher.aclose()


def message(number: int, queue: str = "people", beside: tuple[str, bytes, int] | None = None) -> Message:
    return Message(queue, f"job-{number}", f"tag-{number}", 0.0, b"envelope", beside)


def ids(client: Redis, queue: str) -> list[str]:
    """In the order in which workers take them."""
    kept: Any = client.lrange(queue, 0, -1)
    return [orjson.loads(one)["headers"]["id"] for one in reversed(kept)]


def pushes(client: Redis) -> int:
    told: Any = client.info("commandstats")
    return int(told.get("cmdstat_lpush", {"calls": 0})["calls"])


async def test_what_gathers_leaves_in_one_command_in_its_order(
    shared_redis: RedisServer, client: Redis
) -> None:
    async with dispatching(shared_redis) as dispatcher:
        before = pushes(client)
        await asyncio.gather(*(dispatcher.send(message(number)) for number in range(20)))
        assert pushes(client) == before + 1
    assert ids(client, "people") == [f"job-{number}" for number in range(20)]


async def test_each_goes_to_its_queue_and_what_lies_beside_it_wears_off(
    shared_redis: RedisServer, client: Redis
) -> None:
    async with dispatching(shared_redis) as dispatcher:
        await asyncio.gather(
            dispatcher.send(message(1)),
            dispatcher.send(message(2, "bulk", ("beside", b"a great text", 60_000))),
            dispatcher.send(message(3)),
        )
    assert (ids(client, "people"), ids(client, "bulk")) == (["job-1", "job-3"], ["job-2"])
    assert client.get("beside") == b"a great text"
    assert 0 < client.pttl("beside") <= 60_000


async def test_one_alone_takes_along_what_lies_beside_it(shared_redis: RedisServer, client: Redis) -> None:
    async with dispatching(shared_redis) as dispatcher:
        await dispatcher.send(message(1, beside=("beside", b"a great text", 60_000)))
    assert ids(client, "people") == ["job-1"]
    assert client.get("beside") == b"a great text"


async def test_the_end_waits_for_what_is_on_its_way(shared_redis: RedisServer, client: Redis) -> None:
    async with dispatching(shared_redis) as dispatcher:
        sent = asyncio.create_task(dispatcher.send(message(1)))
        await asyncio.sleep(0)  # it is begun
    await sent
    assert ids(client, "people") == ["job-1"]


async def test_the_end_does_not_wait_for_a_silent_queue_for_ever() -> None:
    with running() as server:
        async with dispatching(server, 0.2) as dispatcher:
            await dispatcher.send(message(1))
            server.freeze()
            sent = asyncio.create_task(dispatcher.send(message(2)))
            await asyncio.sleep(0)  # it is begun
        with pytest.raises(EngineUnavailable):
            await sent
        server.thaw()


async def test_who_gives_up_takes_nobody_along(shared_redis: RedisServer, client: Redis) -> None:
    async with dispatching(shared_redis) as dispatcher:
        impatient = asyncio.create_task(dispatcher.send(message(1)))
        patient = asyncio.create_task(dispatcher.send(message(2)))
        await asyncio.sleep(0)  # both are begun
        impatient.cancel()
        await patient
    assert "job-2" in ids(client, "people")
    assert impatient.cancelled()


async def test_a_queue_that_is_away_is_told_to_all_and_found_again() -> None:
    with running() as server:
        async with dispatching(server) as dispatcher:
            await dispatcher.send(message(1))
            server.stop()
            with capture_logs(processors=[merge_contextvars]) as logs, bound(request_id="r-1"):
                sent = (dispatcher.send(message(number)) for number in (2, 3))
                told = await asyncio.gather(*sent, return_exceptions=True)
            assert [type(one) for one in told] == [EngineUnavailable] * 2
            assert "cannot be reached" in str(told[0])
            (line,) = logs  # of both, so it names no request
            assert (line["event"], line["jobs"], "request_id" in line) == ("jobs were not sent", 2, False)
            server.start()
            await dispatcher.send(message(4))
        with server.client() as client:
            assert ids(client, "people") == ["job-4"]


async def test_a_queue_that_is_silent_costs_no_more_than_the_limit() -> None:
    with running() as server:
        async with dispatching(server, 0.2) as dispatcher:
            await dispatcher.send(message(1))
            server.freeze()
            with pytest.raises(EngineUnavailable, match="does not answer"):
                await dispatcher.send(message(2))
            server.thaw()
