"""What a worker tells of the jobs that it has in hand, in a real Redis."""

from __future__ import annotations

import time

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from assay.scoring.queue.envelope import Envelope, encode_envelope, taken_key
from assay.scoring.queue.marks import TAKEN_MARGIN_S, Marks
from servers.proxy import HEALTHY, Behaviour, FaultProxy
from servers.redis import RedisServer, running


@pytest.fixture
def marks(shared_redis: RedisServer) -> Marks:
    return Marks("worker-1", shared_redis.client)


def envelope(job: str, attempt: int = 1) -> bytes:
    now_s = time.time()
    return encode_envelope(
        Envelope(job, "r", attempt, "replies", now_s, now_s + 30, "testwiki", {}, "", "", b"content")
    )


def test_a_job_is_marked_that_is_in_hand_at_two_looks(marks: Marks, client: Redis) -> None:
    long, short = (lambda: envelope("long", 2)), (lambda: envelope("short"))
    marks.look({1: long, 2: short})
    assert client.keys() == []
    marks.look({1: long})
    assert client.get(taken_key("long", 2)) == b"worker-1"
    assert client.dbsize() == 1
    assert 30 < client.pttl(taken_key("long", 2)) / 1000 <= 30 + TAKEN_MARGIN_S


def test_a_mark_goes_with_its_job_and_no_other(marks: Marks, client: Redis) -> None:
    first, second = (lambda: envelope("first")), (lambda: envelope("second"))
    for _ in range(2):
        marks.look({1: first, 2: second})
    marks.look({2: second})
    assert client.keys() == [taken_key("second", 1).encode()]
    marks.look({})
    assert client.keys() == []


def test_a_redis_that_forgets_or_is_away_is_told_again() -> None:
    with running() as other:
        marks = Marks("worker-1", other.client)
        one = lambda: envelope("one")  # noqa: E731
        marks.look({1: one})
        other.stop()
        marks.look({1: one})
        other.start()
        marks.look({1: one})
        with other.client() as client:
            assert client.keys() == [taken_key("one", 1).encode()]
            client.flushall()
            marks.look({1: one})
            assert client.dbsize() == 1


def test_a_mark_that_may_have_been_made_goes_with_its_job_as_well(
    shared_redis: RedisServer, client: Redis
) -> None:
    """Redis did what it was told, and its answer was lost."""
    first, second = (lambda: envelope("first")), (lambda: envelope("second"))
    with FaultProxy(shared_redis.port).running() as proxy:
        marks = Marks("worker-1", lambda: Redis(port=proxy.port, retry=Retry(NoBackoff(), 0)))
        marks.look({1: first})
        marks.look({1: first, 2: second})
        proxy.behave(Behaviour(reset_after_bytes=1))
        marks.look({1: first, 2: second})
        assert proxy.resets == 1
        assert client.dbsize() == 2
        proxy.behave(HEALTHY)
        marks.look({})
        marks.close()
        assert client.keys() == []


def test_what_is_no_envelope_has_no_mark(marks: Marks, client: Redis) -> None:
    for _ in range(2):
        marks.look({1: lambda: b"", 2: lambda: b"rubbish", 3: lambda: envelope("fine")})
    assert client.dbsize() == 1
