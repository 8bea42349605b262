"""What a worker counts and replaces: operators' alerts and the judgement of leaks read it. What becomes of
jobs: `test_engine`."""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from assay.revisions.problem import Problem
from assay.scoring.queue.engine import CeleryEngine
from assay.scoring.queue.envelope import Envelope, decode_reply, encode_envelope, queue_name
from assay.scoring.queue.message import Message, encode_message
from assay.scoring.queue.options import CeleryOptions
from assay.scoring.request import Job, Scored
from assay.scoring.synthetic import synthetic_revision
from assay.telemetry import Metrics
from servers.celery_worker import RELEASE, Worker, celery_engine, small_worker
from servers.redis import RedisServer, free_port
from small_models import small_models
from waiting import soon, until_async

MODELS: Final = small_models()
PLAIN: Final = Job("testwiki", ("revid",), synthetic_revision(31))
RUNAWAY: Final = replace(PLAIN, injection={"feature.delay": 50})
DEADLY: Final = Job("smallwiki", ("damaging",), replace(synthetic_revision(31), text="CRASH"))
QUICK: Final[dict[str, Any]] = {"time_limit_s": 1.2, "heartbeat_s": 0.2}
MAX_JOBS: Final = 3
REPLACEMENTS: Final = "assay_engine_worker_replacements_total"
JOBS: Final = "assay_engine_jobs_total"
RESIDENT: Final = "assay_engine_worker_resident_bytes"


@dataclass(frozen=True)
class Counted:
    """A worker with one scoring process, and what its main process counts."""

    worker: Worker
    port: int
    engine: CeleryEngine

    def value(self, name: str, label: str = "") -> float:
        """0.0 for what it does not tell."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and (not label or label in sample.labels.values())
        )

    async def is_scored(self) -> bool:
        return isinstance((await self.engine.score(PLAIN, soon()))["revid"], Scored)

    async def problem(self, job: Job) -> str:
        (cell,) = (await self.engine.score(job, soon())).values()
        assert isinstance(cell, Problem)
        return cell.code


@pytest.fixture(scope="module")
def worker(shared_redis: RedisServer) -> Iterator[tuple[Worker, int]]:
    port = free_port()
    with small_worker(
        shared_redis.url, options=QUICK, processes=1, max_jobs_per_process=MAX_JOBS, metrics_port=port
    ) as worker:
        yield worker, port


@pytest.fixture
async def counted(shared_redis: RedisServer, worker: tuple[Worker, int]) -> AsyncIterator[Counted]:
    engine = celery_engine(
        shared_redis.url, MODELS, Metrics(), replace(CeleryOptions(), **QUICK, away_grace_s=30.0)
    )
    await engine.start()
    try:
        yield Counted(*worker, engine)
    finally:
        await engine.aclose()


async def test_jobs_are_counted_and_worn_processes_replaced(counted: Counted) -> None:
    first, done = counted.worker.children, counted.value(JOBS, "done")
    recycled = counted.value(REPLACEMENTS, "recycled")
    for _ in range(2 * MAX_JOBS):
        assert await counted.is_scored()
    await until_async(lambda: counted.value(REPLACEMENTS, "recycled") == recycled + 2)
    assert counted.value(JOBS, "done") == done + 2 * MAX_JOBS
    assert not set(first) & set(counted.worker.children)
    assert counted.value(RESIDENT) > 2**20


async def test_a_lost_connection_changes_no_count(counted: Counted, shared_redis: RedisServer) -> None:
    done, recycled = counted.value(JOBS, "done"), counted.value(REPLACEMENTS, "recycled")
    with shared_redis.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    for _ in range(MAX_JOBS):
        assert await counted.is_scored()
    await until_async(lambda: counted.value(REPLACEMENTS, "recycled") == recycled + 1)
    assert counted.value(JOBS, "done") == done + MAX_JOBS


@pytest.mark.parametrize(
    ("job", "code", "ends"),
    [
        (RUNAWAY, "time_limit_exceeded", {"time_limit": 1}),
        (DEADLY, "engine_crashed", {"died": 2}),
    ],
)
async def test_each_death_is_counted_once(
    counted: Counted, job: Job, code: str, ends: dict[str, int]
) -> None:
    """What did not happen is not counted: a runaway is no crash, nor is it tried again."""
    told = {
        (REPLACEMENTS, "time_limit"): ends.get("time_limit", 0),
        (JOBS, "time_limit"): ends.get("time_limit", 0),
        (REPLACEMENTS, "died"): ends.get("died", 0),
        (JOBS, "retried"): ends.get("died", 0),
    }
    before = {name: counted.value(*name) for name in told}
    assert await counted.problem(job) == code
    assert await counted.is_scored()
    assert {name: counted.value(*name) - old for name, old in before.items()} == told


def late(release: str) -> bytes:
    now_s = time.time()
    return encode_envelope(
        Envelope("late", release, 1, "replies", now_s - 9.0, now_s - 1.0, "testwiki", {}, "", "", b"")
    )


@pytest.mark.parametrize(
    ("envelope", "told"),
    [(late(RELEASE), "expired"), (late("other"), "wrong_release"), (b"rubbish", "damaged")],
    ids=["expired", "wrong_release", "damaged"],
)
async def test_what_is_not_computed_is_counted_by_its_reason(
    counted: Counted, shared_redis: RedisServer, envelope: bytes, told: str
) -> None:
    before, done = counted.value(JOBS, told), counted.value(JOBS, "done")
    queue = queue_name(RELEASE, "interactive")
    with shared_redis.client() as client:
        client.lpush(queue, encode_message(Message(queue, "late", "tag", time.time(), envelope)))
    await until_async(lambda: counted.value(JOBS, told) == before + 1)
    assert counted.value(JOBS, "done") == done


async def test_an_exception_is_answered_for_and_is_no_death(
    counted: Counted, shared_redis: RedisServer
) -> None:
    no_time: Any = "x"
    damaged = Envelope("damaged", RELEASE, 1, "replies", 1.0, no_time, "testwiki", {}, "", "", b"")
    died, retried = counted.value(REPLACEMENTS, "died"), counted.value(JOBS, "retried")
    queue = queue_name(RELEASE, "interactive")
    with shared_redis.client() as client:
        client.delete("replies")
        client.lpush(queue, encode_message(Message(queue, "id", "tag", 1.0, encode_envelope(damaged))))
        await until_async(lambda: client.xlen("replies"))
        entries: Any = client.xrange("replies")
    assert [decode_reply(fields[b"r"]).outcome for _, fields in entries] == ["died"]
    assert counted.value(JOBS, "retried") == retried + 1
    assert counted.value(REPLACEMENTS, "died") == died


async def test_a_process_that_has_grown_is_replaced_once_its_job_is_done(shared_redis: RedisServer) -> None:
    options = replace(CeleryOptions(), **QUICK, away_grace_s=30.0)
    engine = celery_engine(shared_redis.url, MODELS, Metrics(), options, release="grown")
    port = free_port()
    with small_worker(
        shared_redis.url, "grown", options=QUICK, processes=1, max_resident_bytes=2**20, metrics_port=port
    ) as worker:
        await engine.start()
        try:
            counted = Counted(worker, port, engine)
            assert await counted.is_scored()
            await until_async(lambda: counted.value(REPLACEMENTS, "recycled") == 1)
            assert await counted.is_scored()
        finally:
            await engine.aclose()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("is_away", [False, True])
def test_an_end_that_was_asked_for_is_no_failure(
    redis: RedisServer, number: signal.Signals, *, is_away: bool
) -> None:
    """Or a supervisor would start it again, and tell somebody; also while it waits for its Redis."""
    with small_worker(redis.url, processes=1) as worker:
        if is_away:
            redis.kill()
        assert worker.end(number) == 0


async def test_a_hangup_that_nohup_keeps_away_ends_nothing(
    shared_redis: RedisServer,
) -> None:
    engine = celery_engine(shared_redis.url, MODELS, Metrics(), release="nohup")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with small_worker(shared_redis.url, "nohup", processes=1) as worker:
            await engine.start()
            os.kill(worker.pid, signal.SIGHUP)
            cells = await engine.score(PLAIN, soon())
            assert isinstance(cells["revid"], Scored)
            assert worker.end(signal.SIGTERM) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
        await engine.aclose()
