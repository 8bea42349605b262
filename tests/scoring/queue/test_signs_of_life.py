"""What a worker's main process shows in a real Redis while it lives, and knows of messages in its hands."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import pytest
from celery.worker import state
from redis import Redis

from assay.scoring.queue.envelope import Envelope, encode_envelope
from assay.scoring.queue.marks import LOOKS, Marks
from assay.scoring.queue.options import CeleryOptions
from assay.scoring.queue.signs_of_life import SignsOfLife, in_hand
from assay.telemetry import WORKERS, Metrics
from servers.redis import RedisServer, running
from waiting import until

OPTIONS = CeleryOptions(heartbeat_s=2.0, lost_after_s=10.0)
KEYS = ["lives", "attended"]


class Timer:
    """As Celery's: what is to be called, by its seconds between two calls."""

    def __init__(self) -> None:
        self.calls: dict[float, Callable[[], None]] = {}
        self.cancelled = 0

    def call_repeatedly(self, every_s: float, call: Callable[[], None]) -> Any:
        self.calls[every_s] = call
        return SimpleNamespace(cancel=self._cancel)

    def _cancel(self) -> None:
        self.cancelled += 1


@contextmanager
def signs_of(server: RedisServer, timer: Timer, metrics: Metrics) -> Iterator[SignsOfLife]:
    """Not started; stopped at the end."""
    pool = SimpleNamespace(info={"processes": [1, 2, 3]}, maintain_pool=lambda: None)
    worker = SimpleNamespace(timer=timer, pool=pool)
    signs = SignsOfLife("worker-1", KEYS, server.client, metrics, OPTIONS, worker)
    try:
        yield signs
    finally:
        signs.stop()


def test_signs_are_there_at_once_and_last_until_a_worker_counts_as_lost(
    shared_redis: RedisServer, client: Redis
) -> None:
    metrics = Metrics("1", "r", "worker")
    with signs_of(shared_redis, Timer(), metrics) as signs:
        signs.start()
    assert sorted(client.keys()) == [b"attended", b"lives"]
    for key in KEYS:
        assert OPTIONS.heartbeat_s * 1000 < client.pttl(key) <= OPTIONS.lost_after_s * 1000
    assert metrics.value(WORKERS) == 3


def test_a_redis_that_was_away_is_shown_the_next_signs() -> None:
    timer = Timer()
    with running() as other, signs_of(other, timer, Metrics("1", "r", "worker")) as signs:
        other.stop()
        signs.start()
        other.start()
        timer.calls[OPTIONS.heartbeat_s]()
        with other.client() as client:
            assert client.exists(*KEYS) == len(KEYS)


def test_jobs_in_hand_are_looked_at_in_between_and_all_ends_together(shared_redis: RedisServer) -> None:
    timer = Timer()
    with signs_of(shared_redis, timer, Metrics("1", "r", "worker")) as signs:
        signs.start()
        assert {OPTIONS.heartbeat_s, OPTIONS.heartbeat_s / LOOKS} < timer.calls.keys()
    assert timer.cancelled == len(timer.calls)


class Request:
    """As Celery's, in what is asked of it here."""

    def __init__(self, *args: object) -> None:
        self.args = args


def test_what_is_in_hand_for_long_is_marked_and_no_connection_is_left(
    shared_redis: RedisServer, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    envelope = Envelope("id", "r", 1, "replies", 1.0, 2.0, "testwiki", {}, "", "", b"content")
    request = Request(encode_envelope(envelope))
    monkeypatch.setattr(state, "reserved_requests", WeakSet([request]))
    timer, before = Timer(), connections(client)
    with signs_of(shared_redis, timer, Metrics("1", "r", "worker")) as signs:
        signs.start()
        for _ in range(2):
            timer.calls[OPTIONS.heartbeat_s / LOOKS]()
        assert client.get(envelope.taken_key) == b"worker-1"
        assert connections(client) > before
    until(lambda: connections(client) == before)


def connections(client: Redis) -> set[str]:
    """Of everybody, by the server's numbers."""
    listed: Any = client.client_list()
    return {row["id"] for row in listed}


def test_a_request_that_celery_forgets_is_not_kept_alive() -> None:
    marks = Marks("worker-1", lambda: pytest.fail("nothing is in hand for long"))
    request = Request(b"envelope")
    reserved = WeakSet([request])
    marks.look(in_hand(reserved))
    del request
    gc.collect()
    assert not reserved


@pytest.mark.parametrize(
    ("args", "envelope"), [((b"envelope",), b"envelope"), ((), b""), (("text",), b"")], ids=repr
)
def test_what_a_stranger_sent_is_no_envelope(args: tuple[object, ...], envelope: bytes) -> None:
    request = Request(*args)
    assert [get() for get in in_hand([request]).values()] == [envelope]
