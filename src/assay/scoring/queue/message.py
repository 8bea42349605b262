"""A job's message, as Celery's workers read it from Redis: written by ourselves, in a few lines of JSON.

Celery's and kombu's own producer costs a web process a third of a millisecond for each job, a thread, and a
second way to reach Redis. What it writes is stable: Celery's message protocol 2 in the envelope of kombu's
virtual transports. A test holds this against what they write and against what a worker reads.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final

import msgpack
import orjson

TASK: Final = "assay.score"
SENT_HEADER: Final = "assay_sent_s"
"""A message's own header with the moment it was sent, which tells how long the oldest has waited."""

_NOTHING_ELSE: Final = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@dataclass(frozen=True, slots=True)
class Message:
    """`id`: the job's. `tag`: of this sending alone. `sent_s`: seconds since 1970. `envelope`: encoded.
    `beside`: what lies beside the queue, as its key, its bytes and its lifetime in ms; None: nothing."""

    queue: str
    id: str
    tag: str
    sent_s: float
    envelope: bytes
    beside: tuple[str, bytes, int] | None = None


def encode_message(message: Message) -> bytes:
    """For ``LPUSH`` on the queue, whose worker takes from the other end."""
    body = msgpack.packb([[message.envelope], {}, _NOTHING_ELSE])
    return orjson.dumps(
        {
            "body": b64encode(body).decode(),
            "content-encoding": "binary",
            "content-type": "application/x-msgpack",
            "headers": {
                "lang": "py",
                "task": TASK,
                "id": message.id,
                "root_id": message.id,
                "argsrepr": "()",
                "kwargsrepr": "{}",
                "ignore_result": True,
                SENT_HEADER: message.sent_s,
            },
            "properties": {
                "body_encoding": "base64",
                "delivery_info": {"exchange": "", "routing_key": message.queue},
                "delivery_mode": 2,
                "delivery_tag": message.tag,
                "priority": 0,
            },
        }
    )


def sent_s(message: bytes | None) -> float | None:
    """From a message's header, seconds since 1970. A stranger's message has none."""
    if message is None:
        return None
    try:
        headers: Any = orjson.loads(message)["headers"]
        return float(headers[SENT_HEADER])
    except (ValueError, KeyError, TypeError):
        return None
