"""What our Celery application does with a real Redis: which messages it takes, when, and what it leaves.

What it writes: `test_message`; what becomes of jobs: `test_engine`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery, current_app
from kombu.connection import Connection
from kombu.exceptions import ContentDisallowed
from redis import Redis

from assay.scoring.queue.app import build_celery, queue
from assay.scoring.queue.envelope import LANES, Lane, queue_name
from assay.scoring.queue.message import Message, encode_message
from assay.scoring.queue.options import CeleryOptions
from assay.scoring.request import Job
from assay.scoring.synthetic import synthetic_revision
from assay.telemetry import Metrics
from servers.celery_worker import RELEASE, celery_engine, small_worker
from servers.redis import RedisServer
from small_models import small_models
from waiting import soon, until_async


@pytest.fixture
def app(shared_redis: RedisServer) -> Celery:
    return build_celery(shared_redis.url, {}, "r", CeleryOptions())


def put(client: Redis, lane: Lane, *envelopes: bytes) -> None:
    """As web processes do."""
    name = queue_name("r", lane)
    for number, envelope in enumerate(envelopes):
        client.lpush(name, encode_message(Message(name, f"{lane}-{number}", f"{number}", 1.0, envelope)))


@contextmanager
def consuming(app: Celery) -> Iterator[tuple[Connection, list[Any]]]:
    """Messages that are taken, none of them acknowledged."""
    taken: list[Any] = []
    with app.connection_for_read() as connection:
        consumer = app.amqp.TaskConsumer(connection.default_channel, on_message=taken.append)
        with consumer:
            yield connection, taken


def envelopes(taken: list[Any]) -> list[bytes]:
    return [message.payload[0][0] for message in taken]


def test_it_takes_what_people_wait_for_first_and_keeps_no_copies(app: Celery, client: Redis) -> None:
    put(client, "bulk", b"b1", b"b2", b"b3")
    put(client, "interactive", b"i1", b"i2", b"i3")
    with consuming(app) as (connection, taken):
        while len(taken) < 6:
            connection.drain_events(timeout=10)
        assert envelopes(taken) == [b"i1", b"i2", b"i3", b"b1", b"b2", b"b3"]
        assert [key for key in client.keys("*") if b"unacked" in key] == []


def test_a_message_that_would_execute_something_is_not_read(app: Celery, client: Redis) -> None:
    put(client, "interactive", b"sound")
    raw: Any = client.lindex(queue_name("r", "interactive"), 0)
    client.lpush(
        queue_name("r", "interactive"),
        raw.replace(b"application/x-msgpack", b"application/x-python-serialize"),
    )
    with consuming(app) as (connection, taken):
        while len(taken) < 2:
            connection.drain_events(timeout=10)
        sound, foul = taken
        assert envelopes([sound]) == [b"sound"]
        with pytest.raises(ContentDisallowed):
            foul.decode()


def test_it_knows_no_queues_but_its_releases_lanes(app: Celery) -> None:
    assert set(app.amqp.queues) == {"assay.r", "assay.r.bulk"}
    assert app.amqp.default_queue.name == "assay.r"
    with pytest.raises(KeyError):
        app.amqp.queues["celery"]
    for lane in ("interactive", "bulk"):
        assert queue("r", lane).routing_key == queue_name("r", lane)


def test_what_redis_needs_is_handed_on_and_prevails(app: Celery) -> None:
    made = build_celery(
        "redis://127.0.0.1:1/3",
        {"socket_keepalive": False, "socket_timeout": 7},
        "r",
        CeleryOptions(),
        {"ssl_cert_reqs": "required"},
    )
    with made.connection_for_read() as connection:
        assert connection.transport_options["socket_timeout"] == 7
        assert connection.transport_options["socket_keepalive"] is False
        assert connection.transport_options["health_check_interval"] > 0
        assert connection.ssl == {"ssl_cert_reqs": "required"}
        assert connection.virtual_host == "3"
    with app.connection_for_read() as connection:
        assert not connection.ssl


def test_it_is_nobodys_current_application(app: Celery) -> None:
    """Or a task of another library would go to our queues."""
    assert current_app._get_current_object() is not app


async def test_a_worker_takes_what_it_can_begin_and_leaves_the_rest_to_others(
    client: Redis, shared_redis: RedisServer
) -> None:
    """And says nothing of itself to other workers: several releases share a Redis."""
    long = Job("testwiki", ("revid",), synthetic_revision(31), injection={"feature.delay": 1})
    engine = celery_engine(shared_redis.url, small_models(), Metrics())
    await engine.start()
    with small_worker(shared_redis.url, processes=1):
        asked = [asyncio.create_task(engine.score(long, soon())) for _ in range(3)]
        await until_async(lambda: bool(client.keys("assay:taken:*")))
        waiting = client.llen(queue_name(RELEASE, "interactive"))
        keys: Any = client.keys("*")
        channels: Any = client.pubsub_channels()
        assert len(await asyncio.gather(*asked)) == 3
        await engine.aclose()
    queues = tuple(b".%s" % queue_name(RELEASE, lane).encode() for lane in LANES)  # kombu notes these
    assert waiting == 2
    assert [key for key in keys if not (key.startswith(b"assay") or key.endswith(queues))] == []
    assert [name for name in channels if not name.startswith(b"assay")] == []
