"""What a scoring process does with one message, with a real Redis."""

from __future__ import annotations

import gc
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from assay.scoring.codec import decode_computed, encode_job
from assay.scoring.queue import job
from assay.scoring.queue.envelope import (
    Envelope,
    Reply,
    compress,
    decode_reply,
    decompress,
    encode_envelope,
    taken_key,
)
from assay.scoring.queue.job import Scoring, Spent, spent
from assay.scoring.queue.marks import Marks
from assay.scoring.queue.replies import STREAM_LENGTH, STREAM_TTL_S
from assay.scoring.request import Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import identities
from servers.proxy import HEALTHY, Behaviour, FaultProxy
from servers.redis import RedisServer
from small_models import small_models
from waiting import until

MODELS = small_models()
STREAM = "assay:replies:test"
JOB = Job("testwiki", ("revid",), synthetic_revision(31))


@pytest.fixture
def scoring(shared_redis: RedisServer) -> Scoring:
    return Scoring("r", "worker-1", MODELS, shared_redis.client)


def envelope(waited_s: float = 0.0) -> Envelope:
    now_s = time.time()
    digests = identities(MODELS, "testwiki", ("revid",))
    content = compress(encode_job(JOB))
    sent_s = now_s - waited_s
    return Envelope("id", "r", 1, STREAM, sent_s, now_s + 30, "testwiki", digests, "", "", content)


def outcome(scoring: Scoring, sent: Envelope) -> str:
    return scoring.run(encode_envelope(sent)).outcome


def replies(client: Redis) -> list[Reply]:
    entries: Any = client.xrange(STREAM)
    return [decode_reply(fields[b"r"]) for _, fields in entries]


def test_a_job_is_computed_and_what_it_cost_is_told(scoring: Scoring, client: Redis) -> None:
    sent = envelope(waited_s=2.0)
    cost = scoring.run(encode_envelope(sent))
    (reply,) = replies(client)
    assert (reply.id, reply.release, reply.attempt, reply.outcome) == ("id", "r", 1, "computed")
    computed = decode_computed(decompress(reply.content or b""))
    assert computed.cells == compute(JOB, MODELS.of("testwiki"), PlanCache()).cells
    assert 2.0 <= cost.waited_s == reply.waited_s < 30.0
    assert (cost.outcome, cost.extract_s, cost.predict_s) == ("done", computed.extract_s, computed.predict_s)
    assert cost.resident_bytes > 2**20


def test_a_clock_that_is_ahead_makes_no_negative_waiting(scoring: Scoring, client: Redis) -> None:
    assert scoring.run(encode_envelope(envelope(waited_s=-100.0))).waited_s == 0.0
    assert [reply.waited_s for reply in replies(client)] == [0.0]


@pytest.mark.parametrize(
    ("change", "told", "detail"),
    [
        ({"release": "other"}, "wrong_release", "sent by other, taken by r"),
        ({"deadline_s": 1.0}, "expired", ""),
        ({"digests": {"revid": "another"}}, "wrong_bundles", "'another'"),
        ({"content": b"\x02"}, "damaged", "neither plain nor compressed"),
        ({"content": compress(b"no job")}, "damaged", ""),
    ],
)
def test_what_cannot_be_computed_is_answered_with_the_reason(
    scoring: Scoring, client: Redis, change: dict[str, Any], told: str, detail: str
) -> None:
    cost = scoring.run(encode_envelope(replace(envelope(waited_s=2.0), **change)))
    assert (cost.outcome, cost.extract_s, cost.resident_bytes) == (told, 0.0, 0)
    (reply,) = replies(client)
    assert (reply.id, reply.release, reply.attempt, reply.outcome) == ("id", "r", 1, told)
    assert 2.0 <= reply.waited_s == cost.waited_s < 30.0
    assert detail in reply.detail
    assert reply.content is None


def test_of_a_message_that_cannot_be_read_nobody_can_be_told(scoring: Scoring, client: Redis) -> None:
    assert scoring.run(b"rubbish") == Spent("damaged")
    assert client.keys() == []


def test_the_log_names_the_request_and_the_job(scoring: Scoring, client: Redis) -> None:
    sent = replace(envelope(), request_id="r-1", release="other")
    with capture_logs(processors=[merge_contextvars]) as logs:
        outcome(scoring, sent)
        scoring.run(b"rubbish")
    assert [(line.get("request_id"), line.get("job")) for line in logs] == [("r-1", "id"), (None, None)]


def test_a_long_reason_is_cut(scoring: Scoring, client: Redis) -> None:
    outcome(scoring, replace(envelope(), digests={"revid": "x" * 5000}))
    assert [len(reply.detail) for reply in replies(client)] == [500]


def test_a_reply_that_cannot_be_sent_costs_no_process(scoring: Scoring, client: Redis) -> None:
    client.set(STREAM, "no stream")
    with capture_logs() as logs:
        assert outcome(scoring, envelope()) == "done"
    assert [(line["event"], line["outcome"]) for line in logs] == [("a reply was not sent", "computed")]


def test_a_reply_outlives_a_redis_that_is_away(shared_redis: RedisServer, client: Redis) -> None:
    with FaultProxy(shared_redis.port).running() as proxy, ThreadPoolExecutor() as threads:
        through = Scoring("r", "worker-1", MODELS, lambda: Redis(port=proxy.port))
        proxy.behave(Behaviour(reset_after_bytes=1))
        told = threads.submit(outcome, through, envelope())
        until(lambda: proxy.resets > 1)
        proxy.behave(HEALTHY)
        assert told.result() == "done"
    assert {reply.outcome for reply in replies(client)} == {"computed"}


class Time:
    """The module's own, passing when it is told to."""

    time = staticmethod(time.time)
    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


def test_a_stream_outlives_the_last_reply_by_three_quarters_of_its_life(
    scoring: Scoring, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Time()
    monkeypatch.setattr(job, "time", clock)
    for now_s in (0.0, 15.0, 29.0, 31.0, 62.0):
        lived_s = now_s - clock.now_s
        if client.exists(STREAM):
            client.expire(STREAM, round(client.ttl(STREAM) - lived_s))
        clock.now_s = now_s
        outcome(scoring, envelope())
        left_s: Any = client.ttl(STREAM)
        assert 0.75 * STREAM_TTL_S <= left_s + 1 <= STREAM_TTL_S + 1


def test_what_is_warm_is_left_alone_by_the_collector(scoring: Scoring) -> None:
    """In a process of its own: what is frozen stays so."""
    if (pid := os.fork()) == 0:
        scoring.warm()
        os._exit(0 if gc.get_freeze_count() > 1000 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_each_reply_lies_in_a_stream_that_ends(scoring: Scoring, client: Redis) -> None:
    for replies in (1, 2):
        assert outcome(scoring, envelope()) == "done"
        assert client.xlen(STREAM) == replies
    assert 0 < client.ttl(STREAM) <= STREAM_TTL_S


def test_a_stream_that_was_lost_is_made_again_with_an_end(scoring: Scoring, client: Redis) -> None:
    outcome(scoring, envelope())
    client.delete(STREAM)
    outcome(scoring, envelope())
    assert [reply.outcome for reply in replies(client)] == ["computed"]
    assert 0 < client.ttl(STREAM) <= STREAM_TTL_S


def test_a_stream_that_nobody_reads_does_not_grow_for_ever(scoring: Scoring, client: Redis) -> None:
    for _ in range(2):  # one that was just renewed, and one that was not
        with client.pipeline(transaction=False) as pipeline:
            for _ in range(STREAM_LENGTH):
                pipeline.xadd(STREAM, {"r": b""})
            pipeline.execute()
        assert outcome(scoring, envelope()) == "done"
        assert (
            STREAM_LENGTH <= client.xlen(STREAM) <= STREAM_LENGTH + 100
        )  # Redis takes them away by hundreds


def test_a_death_in_the_middle_of_a_reply_leaves_no_stream_without_an_end(
    shared_redis: RedisServer, client: Redis
) -> None:
    others = {connection["id"] for connection in client.client_list()}
    with FaultProxy(shared_redis.port).running() as proxy:
        proxy.behave(Behaviour(silent_from=b"EXPIRE"))
        through = Scoring("r", "worker-1", MODELS, lambda: Redis(port=proxy.port))
        if (pid := os.fork()) == 0:
            outcome(through, envelope())
            os._exit(1)
        until(lambda: proxy.broken_off == 1)
        os.kill(pid, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        # Redis has seen the end of it.
        until(lambda: {connection["id"] for connection in client.client_list()} <= others)
    assert client.exists(STREAM) == 0


def test_a_copy_of_what_another_has_in_hand_is_dropped(scoring: Scoring, client: Redis) -> None:
    client.set(taken_key("id", 1), "another")
    assert outcome(scoring, envelope(waited_s=2.0)) == "unwanted"
    assert client.xlen(STREAM) == 0
    client.delete(taken_key("id", 1))
    assert outcome(scoring, envelope(waited_s=2.0)) == "done"


def test_what_its_own_worker_has_marked_is_computed(
    shared_redis: RedisServer, scoring: Scoring, client: Redis
) -> None:
    sent = envelope(waited_s=2.0)
    marks = Marks("worker-1", shared_redis.client)
    for _ in range(2):  # the message waited that long for a process, or its process for Redis
        marks.look({1: lambda: encode_envelope(sent)})
    assert client.get(sent.taken_key) == b"worker-1"
    assert outcome(scoring, sent) == "done"
    assert client.xlen(STREAM) == 1


def test_a_process_forked_after_a_reply_has_a_connection_of_its_own(scoring: Scoring, client: Redis) -> None:
    assert outcome(scoring, envelope()) == "done"
    before = _connections(client)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if outcome(scoring, envelope()) == "done" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert _connections(client) == before + 1
    assert outcome(scoring, envelope()) == "done"
    assert client.xlen(STREAM) == 3


def _connections(client: Redis) -> int:
    """Made so far."""
    stats: Any = client.info("stats")
    return int(stats["total_connections_received"])


def test_a_large_job_is_taken_away_from_beside_the_queue(scoring: Scoring, client: Redis) -> None:
    small = envelope()
    large = replace(small, content=None)
    assert outcome(scoring, large) == "unwanted"
    client.set(large.content_key, small.content or b"")
    assert outcome(scoring, large) == "done"
    assert client.exists(large.content_key) == 0


seconds = st.floats(0, 1e6)


@given(st.sampled_from(["done", "wrong_release"]), seconds, seconds, seconds, st.integers(0, 2**50))
def test_what_a_job_cost_is_understood_from_its_repr(
    outcome: str, waited_s: float, extract_s: float, predict_s: float, resident_bytes: int
) -> None:
    cost = Spent(outcome, waited_s, extract_s, predict_s, resident_bytes)
    heard = spent(repr(cost.told()))
    assert (heard.outcome, heard.resident_bytes) == (outcome, resident_bytes)
    for name in ("waited_s", "extract_s", "predict_s"):
        assert getattr(heard, name) == pytest.approx(getattr(cost, name), abs=1e-6)


@pytest.mark.parametrize("told", ["''", "'done'", "None", "'done a b c d'"])
def test_what_is_no_cost_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        spent(told)
