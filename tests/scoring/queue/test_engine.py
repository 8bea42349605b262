"""Jobs over a real queue to real workers, and all that can go wrong on the way."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgpack
import orjson
import pytest
from redis import Redis
from structlog.testing import capture_logs

from assay.clock import Deadline, FakeClock
from assay.errors import EngineUnavailable, NoWorker, Overloaded
from assay.revisions.problem import Problem
from assay.scoring.codec import Computed, decode_job, encode_computed, encode_job
from assay.scoring.frames import MAX_FRAME_BYTES
from assay.scoring.queue import overdue
from assay.scoring.queue.dispatch import Dispatcher
from assay.scoring.queue.engine import MAX_LOSSES, CeleryEngine
from assay.scoring.queue.envelope import (
    Envelope,
    Lane,
    Outcome,
    Reply,
    compress,
    decode_envelope,
    decompress,
    encode_reply,
    queue_name,
    taken_key,
)
from assay.scoring.queue.lanes import Lanes
from assay.scoring.queue.options import CeleryOptions
from assay.scoring.request import Cell, Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets, identities
from assay.tasks import end
from assay.telemetry import JOBS, LATE_REPLIES, QUEUE_UP, QUEUE_WAIT_SECONDS, RESENT, Metrics, bound
from servers.celery_worker import RELEASE, celery_engine, small_worker
from servers.redis import RedisServer
from small_models import LinearModel, small_models
from waiting import soon, until_async

MODELS = small_models()
SECOND = Job("testwiki", ("revid",), synthetic_revision(31), injection={"feature.delay": 1})
PLAIN = Job("testwiki", ("revid",), synthetic_revision(31))
DAMAGING = Job("smallwiki", ("damaging",), synthetic_revision(31))
FAST = CeleryOptions(time_limit_s=2.0, heartbeat_s=0.2, lost_after_s=1.0, away_grace_s=30.0)
"""Workers of these tests start late, on busy machines after many seconds: what was sent waits for them."""
QUICK: dict[str, Any] = {"time_limit_s": 2.0, "heartbeat_s": 0.2, "lost_after_s": 1.0}


@asynccontextmanager
async def engine_of(redis: RedisServer, **kwargs: Any) -> AsyncIterator[tuple[CeleryEngine, Metrics]]:
    metrics = Metrics()
    engine = celery_engine(redis.url, kwargs.pop("models", MODELS), metrics, **{"options": FAST, **kwargs})
    await engine.start()
    try:
        yield engine, metrics
    finally:
        await engine.aclose()


async def ask_for_ever(engine: CeleryEngine, job: Job = PLAIN) -> None:
    async with asyncio.timeout(20):
        while True:
            await engine.score(job, soon(0.05))


def problem(cells: Mapping[str, Cell]) -> Problem:
    (cell,) = cells.values()
    assert isinstance(cell, Problem)
    return cell


def is_scored(cells: Mapping[str, Cell]) -> bool:
    return all(isinstance(cell, Scored) for cell in cells.values())


async def test_a_process_that_dies_twice_costs_its_own_job_only(redis: RedisServer) -> None:
    deadly = replace(DAMAGING, revision=replace(DAMAGING.revision, text="CRASH"))
    with small_worker(redis.url, options=QUICK, processes=2):
        async with engine_of(redis) as (engine, metrics):
            cells, others = await asyncio.gather(
                engine.score(deadly, soon()), asyncio.gather(*(engine.score(PLAIN, soon()) for _ in range(9)))
            )
            assert problem(cells).code == "engine_crashed"
            assert all(is_scored(other) for other in others)
            assert metrics.value(JOBS, "retried") == 1
            assert is_scored(await engine.score(DAMAGING, soon()))


async def test_a_runaway_is_stopped_and_told_in_the_legacys_words(redis: RedisServer) -> None:
    runaway = replace(PLAIN, injection={"feature.delay": 50})
    with small_worker(redis.url, options=QUICK, processes=1):
        async with engine_of(redis) as (engine, _):
            told = problem(await engine.score(runaway, soon()))
            assert (told.code, told.message) == ("time_limit_exceeded", "Timed out after 2 seconds.")
            assert is_scored(await engine.score(PLAIN, soon()))


async def test_a_whole_worker_killed_in_mid_job_loses_nothing(redis: RedisServer) -> None:
    with small_worker(redis.url, options=QUICK, processes=1) as doomed:
        async with engine_of(redis) as (engine, metrics):
            waiting = asyncio.create_task(engine.score(SECOND, soon()))
            with redis.client() as client:
                await until_async(lambda: bool(client.keys("assay:taken:*")))
            doomed.end(signal.SIGKILL)
            with small_worker(redis.url, options=QUICK, processes=1):
                assert is_scored(await waiting)
            assert metrics.value(RESENT, "worker_lost") == 1


async def test_a_redis_that_comes_back_empty_loses_no_job(redis: RedisServer) -> None:
    async with engine_of(redis) as (engine, metrics):
        with redis.client() as client:
            waiting = asyncio.create_task(engine.score(PLAIN, soon()))
            await until_async(lambda: client.llen(queue_name(RELEASE, "interactive")) == 1)
        await asyncio.to_thread(redis.restart)
        with small_worker(redis.url, options=QUICK, processes=1):
            assert is_scored(await waiting)
        assert metrics.value(RESENT, "queue_lost") == 1


async def test_a_job_that_vanished_is_sent_again(redis: RedisServer) -> None:
    async with engine_of(redis) as (engine, metrics):
        waiting = asyncio.create_task(engine.score(PLAIN, soon()))
        with redis.client() as client:
            await until_async(lambda: client.llen(queue_name(RELEASE, "interactive")) == 1)
            client.flushall()  # the same server goes on, so nobody is told
        with small_worker(redis.url, options=QUICK, processes=1):
            assert is_scored(await waiting)
        assert metrics.value(RESENT, "vanished") == 1


async def test_what_a_stranger_wrote_does_not_end_the_looking_after_jobs(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, has_looked = overdue.look, asyncio.Event()

    async def noted_look(*arguments: Any) -> Any:
        try:
            return await look(*arguments)
        finally:
            has_looked.set()

    monkeypatch.setattr(overdue, "look", noted_look)
    async with engine_of(redis) as (engine, metrics):
        waiting = asyncio.create_task(engine.score(PLAIN, soon()))
        with redis.client() as client:
            await until_async(lambda: client.llen(queue_name(RELEASE, "interactive")) == 1)
            client.flushall()
            (job_id,) = engine._pending
            client.set(taken_key(job_id, 1), b"\xff")  # no worker's name
            await has_looked.wait()
            client.delete(taken_key(job_id, 1))
        with small_worker(redis.url, options=QUICK, processes=1):
            assert is_scored(await waiting)
        assert metrics.value(RESENT, "vanished") == 1


async def test_a_redis_that_stays_away_is_told_and_found_again(redis: RedisServer) -> None:
    async with engine_of(redis, options=replace(FAST, away_grace_s=0.3)) as (engine, metrics):
        with small_worker(redis.url, options=QUICK, processes=1):
            assert is_scored(await engine.score(PLAIN, soon()))
            assert metrics.value(QUEUE_UP) == 1
            redis.kill()
            with pytest.raises(EngineUnavailable):
                await engine.score(PLAIN, soon())
            await until_async(lambda: metrics.value(QUEUE_UP) == 0)
            await asyncio.to_thread(redis.start)
            cells: Mapping[str, Cell] = {}
            async with asyncio.timeout(30):
                while not cells:
                    try:
                        cells = await engine.score(PLAIN, soon())
                    except EngineUnavailable:
                        await asyncio.sleep(0.05)
            assert is_scored(cells)
            assert metrics.value(QUEUE_UP) == 1


async def test_a_queue_that_is_away_is_waited_for_and_not_asked(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    admitted: list[Lane] = []
    admit = Lanes.admit

    async def noted_admit(lanes: Lanes, lane: Lane, options: CeleryOptions) -> None:
        admitted.append(lane)
        await admit(lanes, lane, options)

    monkeypatch.setattr(Lanes, "admit", noted_admit)
    async with engine_of(redis) as (engine, metrics):
        await until_async(lambda: metrics.value(QUEUE_UP) == 1)
        redis.kill()
        await until_async(lambda: metrics.value(QUEUE_UP) == 0)
        given_up = await engine.score(PLAIN, soon(0.05))
        assert (problem(given_up).code, admitted) == ("deadline_exceeded", [])
        waiting = asyncio.create_task(engine.score(PLAIN, soon()))
        await asyncio.to_thread(redis.start)
        with redis.client() as client:
            worker = Played(client, engine)
            worker.answer(await worker.taken())
        assert is_scored(await waiting)
        assert set(admitted) == {"interactive"}
        assert metrics.value(RESENT, "queue_lost") == 0  # it had not been sent before


async def test_a_queue_that_is_back_in_time_gives_nobody_up_later(shared_redis: RedisServer) -> None:
    grace_s = 2.0
    async with played(shared_redis, away_grace_s=grace_s, lost_after_s=60.0) as (worker, engine, metrics):
        asked = asyncio.create_task(engine.score(PLAIN, soon()))
        first = await worker.taken()
        with shared_redis.client() as client:
            client.client_kill_filter(skipme=True)
            await until_async(lambda: metrics.value(QUEUE_UP) == 0)
            await until_async(lambda: metrics.value(QUEUE_UP) == 1)
        late = await engine.score(DAMAGING, soon(grace_s + 0.5))  # so long nobody answers
        assert problem(late).code == "deadline_exceeded"
        assert not asked.done()
        worker.answer(first)
        assert is_scored(await asked)


async def test_a_job_past_its_deadline_is_not_begun(redis: RedisServer) -> None:
    async with engine_of(redis) as (engine, metrics):
        waiting = asyncio.create_task(engine.score(PLAIN, soon(3)))
        with redis.client() as client:
            await until_async(lambda: client.llen(queue_name(RELEASE, "interactive")) == 1)
        assert problem(await waiting).code == "deadline_exceeded"
        with small_worker(redis.url, options=QUICK, processes=1):
            await until_async(lambda: metrics.value(LATE_REPLIES) == 1)
        assert metrics.value(JOBS, "done") == 0


async def test_a_lane_that_is_long_or_slow_takes_no_more(redis: RedisServer) -> None:
    async with engine_of(redis, options=replace(FAST, queue_jobs=1)) as (engine, _):
        first = asyncio.create_task(engine.score(PLAIN, soon(1)))
        with redis.client() as client:
            await until_async(lambda: client.llen(queue_name(RELEASE, "interactive")) == 1)
        with pytest.raises(Overloaded):
            await ask_for_ever(engine)  # a look at the lane is used again for a moment
        await first
    async with engine_of(redis, options=replace(FAST, interactive_wait_s=0.01)) as (engine, _):
        with pytest.raises(Overloaded, match="oldest"):
            await engine.score(PLAIN, soon())


async def test_a_burst_does_not_overrun_the_lane_between_two_looks(redis: RedisServer) -> None:
    async with engine_of(redis, options=replace(FAST, queue_jobs=5)) as (engine, _):
        burst = [asyncio.create_task(engine.score(PLAIN, soon())) for _ in range(50)]
        await until_async(lambda: sum(task.done() for task in burst) == 45)
        assert all(isinstance(task.exception(), Overloaded) for task in burst if task.done())
        with redis.client() as client:
            await until_async(lambda: client.llen(queue_name(RELEASE, "interactive")) == 5)
        await end(burst)


async def test_with_all_workers_gone_jobs_are_refused_at_once_until_one_is_back(redis: RedisServer) -> None:
    async with engine_of(redis, options=replace(FAST, away_grace_s=2.0)) as (engine, _):
        with small_worker(redis.url, options=QUICK, processes=1) as worker:
            assert is_scored(await engine.score(PLAIN, soon()))
            worker.end(signal.SIGKILL)
        waiting = asyncio.create_task(engine.score(PLAIN, soon()))
        with pytest.raises(NoWorker):
            await ask_for_ever(engine)
        with pytest.raises(NoWorker):  # what was sent before that need not wait for its deadline
            await waiting
        with redis.client() as client:
            queued = client.llen(queue_name(RELEASE, "interactive"))
            with pytest.raises(NoWorker):
                await engine.score(PLAIN, soon())
            assert client.llen(queue_name(RELEASE, "interactive")) == queued
        with small_worker(redis.url, options={**QUICK, "heartbeat_s": 0.05}, processes=1):
            async with asyncio.timeout(20):
                while True:
                    # a worker that started slowly finds jobs as old as a lane refuses further ones for
                    with contextlib.suppress(NoWorker, Overloaded):
                        assert is_scored(await engine.score(PLAIN, soon()))
                        break


async def test_a_worker_for_people_alone_does_not_attend_the_bulk_lane(redis: RedisServer) -> None:
    async with engine_of(redis, options=replace(FAST, away_grace_s=2.0)) as (engine, _):
        with small_worker(redis.url, options=QUICK, processes=1, lanes=["interactive"]):
            assert is_scored(await engine.score(PLAIN, soon()))
            with pytest.raises(NoWorker):
                await ask_for_ever(engine, replace(PLAIN, bulk=True))
            assert is_scored(await engine.score(PLAIN, soon()))


async def test_people_do_not_wait_for_bulk_work(redis: RedisServer) -> None:
    async with engine_of(redis) as (engine, _):
        order: list[str] = []

        async def ask(name: str, *, bulk: bool) -> None:
            await engine.score(replace(PLAIN, bulk=bulk), soon())
            order.append(name)

        bulk = [asyncio.create_task(ask("bulk", bulk=True)) for _ in range(20)]
        with redis.client() as client:
            await until_async(lambda: client.llen(queue_name(RELEASE, "bulk")) == 20)
            person = asyncio.create_task(ask("person", bulk=False))
            await until_async(lambda: client.llen(queue_name(RELEASE, "interactive")) == 1)
        with small_worker(redis.url, options=QUICK, processes=1):
            await asyncio.gather(person, *bulk)
        assert order.index("person") <= 2


async def test_large_texts_travel_beside_the_queue(redis: RedisServer) -> None:
    text = "".join(chr(0x4E00 + i * 7919 % 20000) for i in range(300_000))
    large = replace(DAMAGING, revision=replace(DAMAGING.revision, text=text))
    async with engine_of(redis) as (engine, _):
        waiting = asyncio.create_task(engine.score(large, soon()))
        with redis.client() as client:
            queue = queue_name(RELEASE, "interactive")
            await until_async(lambda: client.llen(queue) == 1)
            message = client.lindex(queue, 0)
            assert isinstance(message, bytes)
            assert len(message) < 5000
            with small_worker(redis.url, options=QUICK, processes=1):
                assert is_scored(await waiting)
            assert client.keys("assay:job:*") == []


async def test_a_worker_with_other_bundles_refuses(redis: RedisServer) -> None:
    features = MODELS.of("smallwiki")["damaging"].features
    others = ModelSets([LinearModel("smallwiki", "damaging", features, weight=0.5)])
    with small_worker(redis.url, options=QUICK, processes=1):
        async with engine_of(redis, models=others) as (engine, metrics):
            told = problem(await engine.score(DAMAGING, soon()))
            assert told.retryable
            assert metrics.value(JOBS, "wrong_bundles") == 1


async def test_releases_never_work_for_each_other(redis: RedisServer) -> None:
    with small_worker(redis.url, "stable", options=QUICK, processes=1):
        async with engine_of(redis, release="candidate") as (engine, _):
            assert problem(await engine.score(PLAIN, soon(1))).code == "deadline_exceeded"
        async with engine_of(redis, release="stable") as (engine, _):
            assert is_scored(await engine.score(PLAIN, soon()))


async def test_a_stranger_on_our_queue_costs_time_and_no_answer(redis: RedisServer) -> None:
    """As when a canary's queue has the stable release's name."""
    with (
        small_worker(redis.url, options=QUICK, processes=1),
        small_worker(redis.url, "stranger", options=QUICK, queues_of=RELEASE, processes=2),
    ):
        async with engine_of(redis) as (engine, metrics):
            while metrics.value(JOBS, "wrong_release") < 20:
                cells = await asyncio.gather(*(engine.score(PLAIN, soon()) for _ in range(20)))
                assert all(map(is_scored, cells))
            assert metrics.value(RESENT, "wrong_release") > 0


@pytest.mark.parametrize(
    ("number", "tells_all"), [(signal.SIGTERM, False), (signal.SIGINT, True), (signal.SIGHUP, True)]
)
async def test_a_wish_to_end_lets_a_job_under_way_finish(
    redis: RedisServer, number: signal.Signals, *, tells_all: bool
) -> None:
    """A terminal tells scoring processes as well (`tells_all`)."""
    with small_worker(redis.url, options=QUICK, processes=1) as worker:
        async with engine_of(redis) as (engine, metrics):
            waiting = asyncio.create_task(engine.score(SECOND, soon()))
            with redis.client() as client:
                await until_async(lambda: bool(client.keys("assay:taken:*")))
            for child in worker.children if tells_all else ():
                os.kill(child, number)
            assert await asyncio.to_thread(worker.end, number) == 0
            assert is_scored(await waiting)
            assert metrics.value(JOBS, "retried") == metrics.value(RESENT, "worker_lost") == 0


async def test_news_of_an_attempt_that_was_given_up_counts_for_nothing(redis: RedisServer) -> None:
    async with engine_of(redis) as (engine, metrics):
        waiting = asyncio.create_task(engine.score(PLAIN, soon()))
        with redis.client() as client:
            await until_async(lambda: client.llen(queue_name(RELEASE, "interactive")) == 1)
            message: Any = client.lindex(queue_name(RELEASE, "interactive"), 0)
            job = orjson.loads(message)["headers"]["id"]
            for _ in range(2):  # two deaths would be the job's end
                stale = Reply(job, RELEASE, 0, "died")
                client.xadd(engine.reply_stream, {"r": encode_reply(stale)})
            await until_async(lambda: metrics.value(LATE_REPLIES) == 2)
        with small_worker(redis.url, options=QUICK, processes=1):
            assert is_scored(await waiting)
        assert metrics.value(JOBS, "retried") == 0


# -- a worker that is played by the test, which takes messages and writes replies ----------------------


class Played:
    """Against one engine that is alone at its Redis."""

    def __init__(self, client: Redis, engine: CeleryEngine) -> None:
        self._client = client
        self._engine = engine

    async def taken(self, lane: Lane = "interactive") -> Envelope:
        """The next message's envelope."""
        messages: list[Any] = []

        def has_come() -> bool:
            if (message := self._client.rpop(queue_name(RELEASE, lane))) is not None:
                messages.append(message)
            return bool(messages)

        await until_async(has_come)
        body = b64decode(orjson.loads(messages[0])["body"])
        return decode_envelope(msgpack.unpackb(body)[0][0])

    def say(self, envelope: Envelope, outcome: Outcome, *, times: int = 1, **more: Any) -> None:
        said = {"release": RELEASE, "attempt": envelope.attempt, **more}
        reply = Reply(envelope.id, outcome=outcome, **said)
        self.say_anything(encode_reply(reply), times=times)

    def say_anything(self, data: bytes, *, times: int = 1) -> None:
        """At once, so that the engine reads them together."""
        with self._client.pipeline(transaction=True) as pipeline:
            for _ in range(times):
                pipeline.xadd(self._engine.reply_stream, {"r": data})
            pipeline.execute()

    def answer(self, envelope: Envelope, **more: Any) -> None:
        """As a sound worker would."""
        assert envelope.content is not None
        job = decode_job(decompress(envelope.content))
        computed = compute(job, MODELS.of(job.wiki), PlanCache())
        self.say(envelope, "computed", content=compress(encode_computed(computed)), **more)


@asynccontextmanager
async def played(redis: RedisServer, **options: Any) -> AsyncIterator[tuple[Played, CeleryEngine, Metrics]]:
    """On a Redis that other tests use as well, emptied."""
    with redis.client() as client:
        client.flushall()
        async with engine_of(redis, options=replace(FAST, **options)) as (engine, metrics):
            yield Played(client, engine), engine, metrics


async def test_an_envelope_says_all_that_a_worker_needs(shared_redis: RedisServer) -> None:
    async with played(shared_redis) as (worker, engine, metrics):
        with bound(request_id="r-1"):
            asked = asyncio.create_task(engine.score(replace(DAMAGING, bulk=True), soon(30)))
        envelope = await worker.taken("bulk")
        assert decode_job(decompress(envelope.content or b"")) == DAMAGING
        assert (envelope.attempt, envelope.release, envelope.request_id) == (1, RELEASE, "r-1")
        assert (envelope.wiki, envelope.reply_to) == ("smallwiki", engine.reply_stream)
        assert envelope.digests == identities(MODELS, "smallwiki", ["damaging"])
        assert 25 < envelope.deadline_s - envelope.sent_s <= 30
        assert abs(envelope.sent_s - time.time()) < 60
        assert engine.pending == 1
        worker.answer(envelope, times=2, waited_s=0.5)
        assert await asked == compute(DAMAGING, MODELS.of("smallwiki"), PlanCache()).cells
        assert engine.pending == 0
        worker.answer(envelope)
        await until_async(lambda: metrics.value(LATE_REPLIES) == 2)
        assert metrics.value(JOBS, "done") == metrics.value(QUEUE_WAIT_SECONDS, "bulk") == 1


@pytest.mark.parametrize("is_large", [False, True])
async def test_a_job_lies_beside_the_queue_from_a_size_on_and_not_for_ever(
    shared_redis: RedisServer, is_large: bool
) -> None:
    size = len(compress(encode_job(PLAIN)))
    async with played(shared_redis, inline_bytes=size - is_large) as (worker, engine, _):
        asked = asyncio.create_task(engine.score(PLAIN, soon(30)))
        envelope = await worker.taken()
        assert (envelope.content is None) == is_large
        with shared_redis.client() as client:
            lies_ms: Any = client.pttl(envelope.content_key)
            assert (30_000 < lies_ms <= 90_000) if is_large else lies_ms == -2
        await end([asked])


@pytest.mark.parametrize(
    ("outcome", "code", "counted"),
    [
        ("expired", "deadline_exceeded", "expired"),
        ("time_limit", "time_limit_exceeded", "time_limit"),
        ("wrong_bundles", "engine_unavailable", "wrong_bundles"),
        ("damaged", "engine_unavailable", "damaged"),
    ],
)
async def test_what_became_of_a_job_is_told_and_counted(
    shared_redis: RedisServer, outcome: Outcome, code: str, counted: str
) -> None:
    async with played(shared_redis) as (worker, engine, metrics):
        asked = asyncio.create_task(engine.score(PLAIN, soon()))
        worker.say(await worker.taken(), outcome)
        assert problem(await asked).code == code
        assert metrics.value(JOBS, counted) == 1


async def test_a_job_is_given_up_at_the_second_death_and_another_is_not(shared_redis: RedisServer) -> None:
    async with played(shared_redis) as (worker, engine, metrics):
        for deaths in (1, 2):
            asked = asyncio.create_task(engine.score(PLAIN, soon()))
            for attempt in range(1, deaths + 1):
                envelope = await worker.taken()
                assert envelope.attempt == attempt
                worker.say(envelope, "died")
            if deaths == 1:
                worker.answer(await worker.taken())
                assert is_scored(await asked)
        assert problem(await asked).code == "engine_crashed"
        assert (metrics.value(JOBS, "retried"), metrics.value(JOBS, "crashed")) == (2, 1)
        assert metrics.value(RESENT, "died") == 2


async def test_what_was_let_in_once_is_sent_again_into_a_full_lane(
    shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise Overloaded("The lane is full.", delay_s=1.0)

    async with played(shared_redis) as (worker, engine, _):
        asked = asyncio.create_task(engine.score(PLAIN, soon()))
        first = await worker.taken()
        monkeypatch.setattr(Lanes, "admit", full)
        worker.say(first, "died")
        worker.answer(await worker.taken())
        assert is_scored(await asked)


async def test_what_cannot_be_sent_again_is_told_to_who_waits(
    shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise EngineUnavailable("The queue cannot be reached.")

    async with played(shared_redis, away_grace_s=0.1) as (worker, engine, _):
        asked = asyncio.create_task(engine.score(PLAIN, soon()))
        first = await worker.taken()
        monkeypatch.setattr(Dispatcher, "send", away)
        worker.say(first, "died")
        with pytest.raises(EngineUnavailable, match="cannot be reached"):
            await asked


async def test_a_death_that_is_told_twice_is_one(shared_redis: RedisServer) -> None:
    """As when the answer to a reply was lost, and the worker sent it again."""
    async with played(shared_redis) as (worker, engine, metrics):
        asked = asyncio.create_task(engine.score(PLAIN, soon()))
        worker.say(await worker.taken(), "died", times=2)
        again = await worker.taken()
        assert again.attempt == 2
        worker.answer(again)
        assert is_scored(await asked)
        assert (metrics.value(JOBS, "retried"), metrics.value(JOBS, "crashed")) == (1, 0)
        assert metrics.value(LATE_REPLIES) == 1


@pytest.mark.parametrize(
    "content",
    [None, b"", b"\x02", b"\x01rubbish", compress(b"rubbish"), compress(encode_computed(Computed({})))],
)
async def test_an_answer_that_is_none_costs_its_own_job_only(
    shared_redis: RedisServer, content: bytes | None
) -> None:
    async with played(shared_redis) as (worker, engine, metrics):
        asked = asyncio.create_task(engine.score(PLAIN, soon()))
        envelope = await worker.taken()
        worker.say_anything(b"what no version of ours writes")
        worker.say(envelope, "computed", content=content)
        assert problem(await asked).code == "engine_unavailable"
        assert (metrics.value(JOBS, "damaged"), metrics.value(JOBS, "done")) == (1, 0)
        again = asyncio.create_task(engine.score(PLAIN, soon()))
        worker.answer(await worker.taken())
        assert is_scored(await again)


async def test_what_an_earlier_attempt_computed_is_as_good_as_any(shared_redis: RedisServer) -> None:
    """And what else became of it is of no account."""
    async with played(shared_redis) as (worker, engine, metrics):
        asked = asyncio.create_task(engine.score(PLAIN, soon()))
        first = await worker.taken()
        worker.say(first, "died")
        second = await worker.taken()
        assert (second.id, second.attempt) == (first.id, 2)
        worker.say(first, "time_limit")
        await until_async(lambda: metrics.value(LATE_REPLIES) == 1)
        worker.answer(first)
        assert is_scored(await asked)


async def test_a_stranger_is_not_believed_and_its_name_is_told_now_and_then(
    shared_redis: RedisServer,
) -> None:
    async with played(shared_redis) as (worker, engine, metrics):
        with capture_logs() as logs:
            asked = asyncio.create_task(engine.score(PLAIN, soon()))
            envelopes = []
            for _ in range(MAX_LOSSES + 2):  # it is no loss on the way
                envelopes.append(await worker.taken())
                worker.answer(envelopes[-1], release="stranger")
            worker.say(envelopes[0], "wrong_release", release="stranger")  # an attempt that nobody waits for
            ours = await worker.taken()
            assert ours.attempt == MAX_LOSSES + 3
            worker.answer(ours)
            assert is_scored(await asked)
        assert engine.stranger == "stranger"
        assert sum("another release's worker" in line["event"] for line in logs) == 1
        assert metrics.value(JOBS, "wrong_release") == MAX_LOSSES + 3
        assert metrics.value(RESENT, "wrong_release") == MAX_LOSSES + 2


class Fates:
    """What looking after overdue jobs finds, one look after the other; then always the last."""

    def __init__(self, patch: pytest.MonkeyPatch, *fates: overdue.Fate) -> None:
        self._fates = [*fates]
        patch.setattr(overdue, "PATIENCE_S", -1.0)
        patch.setattr(overdue, "look", self.look)

    async def look(self, redis: object, of_lanes: object, sent: Sequence[overdue.Sent]) -> list[overdue.Fate]:
        assert [item.lane for item in sent] == ["interactive"] * len(sent)
        found = self._fates.pop(0) if len(self._fates) > 1 else self._fates[0]
        return [found] * len(sent)

    @property
    def left(self) -> int:
        return len(self._fates) - 1


async def test_a_job_that_is_lost_too_often_is_given_up(
    shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Fates(monkeypatch, "worker_lost")
    async with played(shared_redis, heartbeat_s=0.02) as (_, engine, metrics):
        told = problem(await engine.score(PLAIN, soon()))
        assert (told.code, told.retryable) == ("engine_unavailable", True)
        assert metrics.value(RESENT, "worker_lost") == MAX_LOSSES


async def test_what_is_answered_while_it_is_looked_after_is_not_sent_again(
    shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[asyncio.Task[Mapping[str, Cell]]] = []
    looks: list[Sequence[overdue.Sent]] = []

    async def slow_look(redis: object, of_lanes: object, sent: Sequence[overdue.Sent]) -> list[overdue.Fate]:
        looks.append(sent)
        if len(looks) == 1:
            worker.answer(envelope)
            await asyncio.wait(asked)
        return ["worker_lost"] * len(sent) if len(looks) == 1 else ["worked_on"] * len(sent)

    async with played(shared_redis, heartbeat_s=0.02) as (worker, engine, metrics):
        asked.append(asyncio.create_task(engine.score(PLAIN, soon())))
        envelope = await worker.taken()
        monkeypatch.setattr(overdue, "PATIENCE_S", -1.0)
        monkeypatch.setattr(overdue, "look", slow_look)
        assert is_scored(await asked[0])
        another = asyncio.create_task(engine.score(PLAIN, soon()))
        await until_async(lambda: len(looks) > 1)
        assert metrics.value(RESENT, "worker_lost") == 0
        await end([another])


async def test_what_became_of_an_attempt_is_of_no_account_once_another_is_under_way(
    shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[Envelope] = []
    looks: list[Sequence[overdue.Sent]] = []

    async def slow_look(redis: object, of_lanes: object, sent: Sequence[overdue.Sent]) -> list[overdue.Fate]:
        looks.append(sent)
        if len(looks) > 1:
            return ["worked_on"] * len(sent)
        worker.say(attempts[0], "died")
        attempts.append(await worker.taken())
        return ["worker_lost"]  # the first one's

    async with played(shared_redis, heartbeat_s=0.02) as (worker, engine, metrics):
        asked = asyncio.create_task(engine.score(PLAIN, soon()))
        attempts.append(await worker.taken())
        monkeypatch.setattr(overdue, "PATIENCE_S", -1.0)
        monkeypatch.setattr(overdue, "look", slow_look)
        await until_async(lambda: len(looks) > 1)
        assert [item.attempt for item in looks[1]] == [2]
        assert metrics.value(RESENT, "worker_lost") == 0
        worker.answer(attempts[1])
        assert is_scored(await asked)


async def test_a_job_that_has_not_been_let_in_yet_is_no_lost_one(
    shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Fates(monkeypatch, "vanished")
    async with played(shared_redis, heartbeat_s=0.02) as (worker, engine, metrics):
        admit, has_asked, is_let_in = Lanes.admit, asyncio.Event(), asyncio.Event()

        async def slow_admit(lanes: Lanes, lane: Lane, options: CeleryOptions) -> None:
            has_asked.set()
            await is_let_in.wait()
            await admit(lanes, lane, options)

        monkeypatch.setattr(Lanes, "admit", slow_admit)
        early = asyncio.create_task(engine.score(DAMAGING, soon()))
        await has_asked.wait()
        monkeypatch.setattr(Lanes, "admit", admit)
        assert problem(await engine.score(PLAIN, soon())).code == "engine_unavailable"
        assert metrics.value(RESENT, "vanished") == MAX_LOSSES  # all of them the other's
        is_let_in.set()
        while (envelope := await worker.taken()).wiki != "smallwiki":
            pass
        worker.answer(envelope)
        assert is_scored(await early)


@pytest.mark.parametrize("seen", ["waiting", "worked_on"])
async def test_only_what_waits_in_a_lane_without_workers_is_given_up(
    shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch, seen: overdue.Fate
) -> None:
    fates = Fates(monkeypatch, *([seen] * 40))  # for longer than a lane may be without workers
    no_patience = {"heartbeat_s": 0.02, "away_grace_s": 0.3, "lost_after_s": 0.3}
    async with played(shared_redis, **no_patience) as (worker, engine, metrics):
        await until_async(lambda: metrics.value(QUEUE_UP) == 1)
        asked = asyncio.create_task(engine.score(PLAIN, soon()))
        envelope = await worker.taken()
        if seen == "waiting":
            with pytest.raises(NoWorker):
                await asked
        else:
            await until_async(lambda: fates.left == 0)
            worker.answer(envelope)
            assert is_scored(await asked)


@pytest.mark.parametrize("seen", ["worked_on", "waiting"])
async def test_only_two_suspicions_in_a_row_count_as_a_loss(
    shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch, seen: overdue.Fate
) -> None:
    before: list[overdue.Fate] = ["vanished", seen, "vanished", seen, "vanished", "vanished"]
    fates = Fates(monkeypatch, *before, "vanished", "worked_on")  # after that loss they are counted anew
    async with played(shared_redis, heartbeat_s=0.02) as (worker, engine, metrics):
        asked = asyncio.create_task(engine.score(PLAIN, soon()))
        assert (await worker.taken()).attempt == 1
        again = await worker.taken()
        assert again.attempt == 2
        await until_async(lambda: fates.left == 0)
        assert metrics.value(RESENT, "vanished") == 1
        worker.answer(again)
        assert is_scored(await asked)


@pytest.mark.parametrize("text", ["\ud800", "x" * (MAX_FRAME_BYTES + 1)])
async def test_what_cannot_be_sent_is_refused_by_itself(shared_redis: RedisServer, text: str) -> None:
    async with played(shared_redis) as (_, engine, _):
        unsendable = replace(DAMAGING, revision=replace(DAMAGING.revision, text=text))
        assert problem(await engine.score(unsendable, soon())).code == "unencodable"
        assert engine.pending == 0


def connections(client: Redis) -> set[str]:
    """Of everybody, by the server's numbers."""
    listed: Any = client.client_list()
    return {row["id"] for row in listed}


async def test_the_end_waits_for_what_was_sent_but_not_for_ever(shared_redis: RedisServer) -> None:
    with shared_redis.client() as client:
        client.flushall()
        before, tasks = connections(client), asyncio.all_tasks()
        async with engine_of(shared_redis, options=replace(FAST, time_limit_s=1.5)) as (engine, _):
            worker = Played(client, engine)
            asked = [asyncio.create_task(engine.score(PLAIN, soon())) for _ in range(2)]
            answered = await worker.taken()
            ending = asyncio.create_task(engine.aclose())
            for _ in range(3):  # time in which it could end too soon
                await asyncio.to_thread(client.ping)
            assert not ending.done()
            worker.answer(answered)
            async with asyncio.timeout(20):
                await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
                assert problem(await engine.score(PLAIN, soon())).code == "engine_unavailable"
                await ending
            assert sum(task.done() and is_scored(task.result()) for task in asked) == 1
            await end(asked)
        await until_async(lambda: connections(client) == before and asyncio.all_tasks() == tasks)


async def test_a_deadline_is_kept_before_and_after_the_sending(shared_redis: RedisServer) -> None:
    clock = FakeClock()
    passed = Deadline.after(1, clock)
    clock.advance(1)
    async with played(shared_redis) as (worker, engine, metrics):
        for deadline in (passed, soon(2.0)):  # time enough to be sent
            assert problem(await engine.score(PLAIN, deadline)).code == "deadline_exceeded"
        assert metrics.value(JOBS, "expired") == 2
        assert (await worker.taken()).attempt == 1  # of the second
        asked = asyncio.create_task(engine.score(DAMAGING, soon()))
        envelope = await worker.taken()
        assert envelope.wiki == "smallwiki"  # and of the first there is nothing
        worker.answer(envelope)
        assert is_scored(await asked)


async def test_what_nobody_waits_for_any_more_is_no_line_in_the_log(redis: RedisServer) -> None:
    """A queue that stays away is told to all who wait for an answer, and to those who could not even ask."""
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    async with engine_of(redis, options=replace(FAST, away_grace_s=0.3)) as (engine, metrics):
        with redis.client() as client:
            sent = asyncio.create_task(engine.score(PLAIN, soon()))
            await until_async(lambda: client.llen(queue_name(RELEASE, "interactive")) == 1)
        redis.kill()
        await until_async(lambda: metrics.value(QUEUE_UP) == 0)
        unsent = [asyncio.create_task(engine.score(PLAIN, soon())) for _ in range(5)]
        told = await asyncio.gather(sent, *unsent, return_exceptions=True)
        assert [type(it) for it in told] == [EngineUnavailable] * 6
        assert engine.pending == 0
        del sent, unsent, told
    gc.collect()  # what the engine's watch looked at last is free only now
    assert reported == []
