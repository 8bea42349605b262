"""What we write is what Celery and kombu write, and what their worker reads."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from celery import Celery
from kombu.messaging import Producer
from kombu.transport.virtual import Message as Received

from assay.scoring.queue.app import build_celery
from assay.scoring.queue.message import TASK, Message, encode_message, sent_s
from assay.scoring.queue.options import CeleryOptions
from servers.redis import running

ENVELOPE = bytes(range(256)) * 5
MESSAGE = Message("assay.r", "a-job", "a-job.1", 123.5, ENVELOPE)


@pytest.fixture(scope="module")
def theirs() -> dict[str, Any]:
    """The same job as Celery's own producer puts it on a real Redis."""
    with running() as redis:
        app = build_celery(redis.url, {}, "r", CeleryOptions())
        task = app.amqp.as_task_v2(
            "a-job", TASK, (ENVELOPE,), {}, argsrepr="()", kwargsrepr="{}", ignore_result=True
        )
        with app.connection_for_write() as connection:
            Producer(connection.default_channel, auto_declare=False).publish(
                task.body,
                exchange="",
                routing_key="assay.r",
                serializer="msgpack",
                headers=task.headers,
                **task.properties,
            )
        with redis.client() as client:
            raw: Any = client.lindex("assay.r", 0)
    written: dict[str, Any] = orjson.loads(raw)
    return written


def test_it_says_what_celery_says_but_for_what_has_no_meaning_here(theirs: dict[str, Any]) -> None:
    ours = orjson.loads(encode_message(MESSAGE))
    for part in ("body", "content-encoding", "content-type"):
        assert ours[part] == theirs[part]
    assert ours["headers"] == {
        **{name: value for name, value in theirs["headers"].items() if name in ours["headers"]},
        "assay_sent_s": 123.5,
    }
    left_out = {name: theirs["headers"][name] for name in set(theirs["headers"]) - set(ours["headers"])}
    assert left_out.pop("origin")
    assert left_out.pop("timelimit") == [None, None]
    assert all(value in (None, 0, {}) for value in left_out.values()), left_out
    assert {**theirs["properties"], "delivery_tag": "a-job.1"} == {
        **ours["properties"],
        "correlation_id": "a-job",
        "reply_to": "",
    }


def test_kombu_reads_it(theirs: dict[str, Any]) -> None:
    app = Celery(broker="memory://", set_as_current=False)
    app.conf.accept_content = ["msgpack"]
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        received = Received(
            orjson.loads(encode_message(MESSAGE)), channel=channel, accept={"application/x-msgpack"}
        )
        (arguments, _, _) = received.payload
        assert arguments == [ENVELOPE]
        assert received.delivery_tag == "a-job.1"


def test_the_moment_of_sending_is_found_again() -> None:
    assert sent_s(encode_message(MESSAGE)) == 123.5
