"""Jobs over a real queue to real workers, and all that can go wrong on the way."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from assay.errors import EngineUnavailable, NoWorker, Overloaded
from assay.revisions.problem import Problem
from assay.scoring.queue import overdue
from assay.scoring.queue.engine import CeleryEngine
from assay.scoring.queue.envelope import Reply, encode_reply, queue_name, taken_key
from assay.scoring.queue.options import CeleryOptions
from assay.scoring.request import Cell, Job, Scored
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets
from assay.tasks import end
from assay.telemetry import JOBS, LATE_REPLIES, RESENT, Metrics
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
    async with engine_of(redis, options=replace(FAST, away_grace_s=0.3)) as (engine, _):
        with small_worker(redis.url, options=QUICK, processes=1):
            assert is_scored(await engine.score(PLAIN, soon()))
            redis.kill()
            with pytest.raises(EngineUnavailable):
                await engine.score(PLAIN, soon())
            await asyncio.to_thread(redis.start)
            cells: Mapping[str, Cell] = {}
            async with asyncio.timeout(30):
                while not cells:
                    try:
                        cells = await engine.score(PLAIN, soon())
                    except EngineUnavailable:
                        await asyncio.sleep(0.05)
            assert is_scored(cells)


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


async def test_term_lets_a_job_under_way_finish(redis: RedisServer) -> None:
    with small_worker(redis.url, options=QUICK, processes=1) as worker:
        async with engine_of(redis) as (engine, metrics):
            waiting = asyncio.create_task(engine.score(SECOND, soon()))
            with redis.client() as client:
                await until_async(lambda: bool(client.keys("assay:taken:*")))
            assert await asyncio.to_thread(worker.end) == 0
            assert is_scored(await waiting)
            assert metrics.value(RESENT, "worker_lost") == 0


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
