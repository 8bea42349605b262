"""What every engine promises: inline, in processes, over a queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from assay.clock import Deadline, FakeClock
from assay.revisions.problem import Problem, text_deleted
from assay.revisions.types import UNKNOWN
from assay.scoring.engine import Engine
from assay.scoring.inline import InlineEngine
from assay.scoring.options import PoolOptions
from assay.scoring.pool.engine import PoolEngine
from assay.scoring.pool.nursery_handle import Loader
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.telemetry import JOBS, Metrics
from servers.celery_worker import celery_engine, small_worker
from servers.redis import running
from small_models import small_models
from waiting import soon

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODELS = small_models()
METRICS = Metrics()
REVISION = synthetic_revision(31)
ALL = Job("smallwiki", tuple(MODELS.of("smallwiki")), REVISION)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["inline", "pool", "celery"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    if request.param == "celery":
        with running() as redis, small_worker(redis.url, processes=2):
            engine: Engine = celery_engine(redis.url, MODELS, METRICS)
            await engine.start()
            yield engine
            await engine.aclose()
        return
    engine = (
        InlineEngine(MODELS, METRICS)
        if request.param == "inline"
        else PoolEngine(
            PoolOptions(processes=2), Loader("small_models:small_models"), MODELS.digests, METRICS
        )
    )
    await engine.start()
    yield engine
    await engine.aclose()


@pytest.mark.parametrize(
    "job",
    [
        ALL,
        replace(ALL, features=True, explain=True),
        replace(ALL, injection={"datasource.revision.text": "Hi!", "feature.test.edit_count": None}),
        replace(ALL, injection={"feature.test.shouts": 666}, features=True),
        replace(ALL, revision=replace(REVISION, text=text_deleted(31))),
        replace(ALL, revision=replace(REVISION, text="", parent=None, page_history=UNKNOWN)),
        Job("anything", ("reverted",), REVISION, explain=True),
        Job("testwiki", ("revid",), REVISION, features=True),
    ],
)
async def test_cells_are_exactly_those_of_the_computation(engine: Engine, job: Job) -> None:
    expected = compute(job, MODELS.of(job.wiki), PlanCache()).cells
    assert dict(await engine.score(job, soon())) == dict(expected)


async def test_each_score_tells_what_its_job_cost(engine: Engine) -> None:
    cells = await engine.score(ALL, soon())
    costs = {cell.cpu_s for cell in cells.values() if isinstance(cell, Scored)}
    assert len(costs) == 1
    assert 0 < (costs.pop() or 0) < 60


async def test_text_of_every_kind_passes(engine: Engine) -> None:
    text = "\x00\x07\u202eرجل\U0001f600\r\n\u2028" + "{{" * 10_000
    job = replace(ALL, models=("damaging",), revision=replace(REVISION, text=text), features=True)
    cell = (await engine.score(job, soon()))["damaging"]
    assert isinstance(cell, Scored)
    assert cell.features is not None
    assert cell.features["feature.test.chars"] == len(text)


async def test_a_text_of_twenty_megabytes_passes(engine: Engine) -> None:
    job = replace(ALL, models=("damaging",), revision=replace(REVISION, text="å" * 10_000_000), features=True)
    cell = (await engine.score(job, soon()))["damaging"]
    assert isinstance(cell, Scored)
    assert cell.features is not None
    assert cell.features["feature.test.chars"] == 10_000_000


async def test_many_jobs_at_once_get_their_own_answers(engine: Engine) -> None:
    jobs = [Job("testwiki", ("revid",), synthetic_revision(rev_id)) for rev_id in range(10, 60)]
    cells = await asyncio.gather(*(engine.score(job, soon()) for job in jobs))
    found = [cell["revid"] for cell in cells]
    assert [cell.score.probability[True] for cell in found if isinstance(cell, Scored)] == [
        int(str(rev_id)[::-1]) / 100 for rev_id in range(10, 60)
    ]


async def test_a_job_whose_deadline_passed_is_not_begun(engine: Engine) -> None:
    clock = FakeClock()
    deadline = Deadline.after(1, clock)
    clock.advance(2)
    job = Job("testwiki", ("revid",), REVISION, injection={"feature.delay": 60})
    cell = (await engine.score(job, deadline))["revid"]
    assert isinstance(cell, Problem)
    assert (cell.code, cell.type, cell.retryable) == ("deadline_exceeded", "TimeoutError", True)


async def test_what_jobs_cost_is_counted(engine: Engine) -> None:
    before = METRICS.value(JOBS, "done")
    await engine.score(ALL, soon())
    assert METRICS.value(JOBS, "done") == before + 1
