"""What is made of a worker's answer, or of its silence; the engine is played."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from redis.exceptions import RedisError

from assay.clock import Deadline, FakeClock
from assay.compose import queue as parts
from assay.errors import BundleError, EngineUnavailable, NoWorker, Overloaded
from assay.models.revid import RevIdModel
from assay.preflight.bundles import Loaded
from assay.preflight.check import Failed, Outcome, Passed, run
from assay.preflight.worker import Worker, distinct_sets
from assay.revisions.problem import Problem
from assay.scoring.problems import computation_abandoned, deadline_passed, engine_crashed
from assay.scoring.request import Cell, Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import TEST_WIKI, synthetic_revision
from assay.scoring.wikis import ModelSets
from assay.settings import load
from assay.telemetry import Metrics
from small_models import small_models

MODELS = small_models()
REV_ID = 2**41 + 345
SETTINGS = load(environment={"ASSAY_RELEASE": "r1"})
Answer = Callable[[Job], Mapping[str, Cell]]


def right(job: Job) -> Mapping[str, Cell]:
    return compute(job, MODELS.of(job.wiki), PlanCache()).cells


def saying(problem: Problem) -> Answer:
    return lambda job: dict.fromkeys(job.models, problem)


def failing(error: Exception) -> Answer:
    def answer(job: Job) -> Mapping[str, Cell]:
        raise error

    return answer


class Engine:
    """Answers each job by `answer`; after `strange_at` jobs it has met a worker of release r0."""

    def __init__(self, answer: Answer, strange_at: float = float("inf")) -> None:
        self.answer = answer
        self.strange_at = strange_at
        self.jobs: list[Job] = []

    @property
    def stranger(self) -> str | None:
        return "r0" if len(self.jobs) >= self.strange_at else None

    async def start(self) -> None:
        pass

    async def aclose(self) -> None:
        pass

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        self.jobs.append(job)
        return self.answer(job)


class SilentRedis:
    """`waiting`: jobs on the queue; None: it is away."""

    def __init__(self, waiting: int | None) -> None:
        self.waiting = waiting

    async def scan_iter(self, pattern: str, count: int) -> Any:
        if self.waiting is None:
            raise RedisError("away")
        for name in ("a", "b"):
            yield name

    async def llen(self, queue: str) -> int:
        assert self.waiting is not None
        return self.waiting

    async def aclose(self) -> None:
        pass


async def loaded() -> Loaded:
    job = Job(TEST_WIKI, ("revid",), synthetic_revision(REV_ID))
    return Loaded(1, 0.1, 1, 1, {TEST_WIKI: right(job)})


async def nothing_loaded() -> Loaded:
    raise BundleError("trees.txt was altered")


async def asked(
    monkeypatch: pytest.MonkeyPatch,
    engine: Engine,
    *,
    waiting: int | None = 3,
    load: Any = loaded,
    lane: str = "interactive",
) -> Outcome:
    """Of the check of the test wiki in that lane."""
    monkeypatch.setattr(parts, "queue_engine", lambda *_: engine)
    monkeypatch.setattr(parts, "queue_client", lambda _: SilentRedis(waiting))
    metrics = Metrics("1", "r1", "preflight")
    worker = Worker(SETTINGS, MODELS, (TEST_WIKI,), REV_ID, load, metrics, FakeClock(), 0.4)
    return (await run([worker.group()], "r1"))[f"worker.{lane}"].outcome


async def test_the_scores_that_this_machine_computes_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(right)
    outcome = await asked(monkeypatch, engine, lane="bulk")
    assert isinstance(outcome, Passed), outcome
    assert "by a worker of r1, with the scores that this machine computes" in outcome.said
    assert {job.bulk for job in engine.jobs} == {True, False}, "each lane is asked"
    assert REV_ID in {job.revision.id for job in engine.jobs}


async def test_other_scores_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(job: Job) -> Mapping[str, Cell]:
        return right(Job(job.wiki, job.models, synthetic_revision(job.revision.id + 1)))

    outcome = await asked(monkeypatch, Engine(other))
    assert isinstance(outcome, Failed)
    assert outcome.said == "the worker's scores differ from this machine's: revid"
    assert "run the workers from the same release" in outcome.todo


async def test_without_own_scores_nothing_is_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = await asked(monkeypatch, Engine(right), load=nothing_loaded)
    assert isinstance(outcome, Failed)
    assert outcome.said.endswith("but there is nothing to compare with: trees.txt was altered")
    assert outcome.todo == "mend what bundles.load says"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (failing(NoWorker("nobody takes jobs")), "nobody takes jobs"),
        (failing(Overloaded("the lane is full")), "the lane is full"),
        (saying(deadline_passed(REV_ID)), "no answer within 0.4 s"),
    ],
)
async def test_silence_is_told_with_what_waits_and_what_lives(
    monkeypatch: pytest.MonkeyPatch, answer: Answer, why: str
) -> None:
    outcome = await asked(monkeypatch, Engine(answer))
    assert isinstance(outcome, Failed)
    assert outcome.said == (
        f"no worker of release r1 answers from assay.r1: {why}; 3 jobs wait there; "
        "2 workers of any release show signs of life in this Redis"
    )
    assert "start `assay worker` with release r1, this Redis and the lane interactive" in outcome.todo
    outcome = await asked(monkeypatch, Engine(answer), waiting=None)
    assert isinstance(outcome, Failed)
    assert "? jobs wait there; ? workers" in outcome.said


async def test_an_engine_that_is_away_is_for_the_redis_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = await asked(monkeypatch, Engine(failing(EngineUnavailable("no broker"))))
    assert outcome == Failed("no broker", "mend what the redis checks say")


@pytest.mark.parametrize("answer", [right, failing(NoWorker("nobody takes jobs"))])
async def test_a_stranger_on_the_queue_is_named(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Met by the first job, or by one of those that are sent to find it."""
    for strange_at in (1, 8):
        if strange_at == 1 or answer is right:
            outcome = await asked(monkeypatch, Engine(answer, strange_at))
            assert isinstance(outcome, Failed)
            assert outcome.said == (
                "a worker of release r0 takes the jobs of release r1 from assay.r1 (it refuses them)"
            )
            assert "end that worker" in outcome.todo


async def test_a_refusal_and_a_broken_model_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = await asked(monkeypatch, Engine(saying(computation_abandoned(REV_ID))))
    assert isinstance(refused, Failed)
    assert "it has other bundles, or speaks another version" in refused.said
    broken = await asked(monkeypatch, Engine(saying(engine_crashed(REV_ID))))
    assert isinstance(broken, Failed)
    assert broken.said.startswith("revid: The scoring process died twice")
    assert "do not use this release" in broken.todo


def test_wikis_that_share_their_models_prove_them_for_each_other() -> None:
    one, two = (RevIdModel(wiki, "revid", "1", f"digest of {wiki}") for wiki in ("one", "two"))
    models = ModelSets([one, two], {"three": "one"})
    wikis = dict.fromkeys(("none", "three", "one", "two"))
    assert distinct_sets(models, wikis) == ("three", "two"), "the first of each; none has no models"
    assert distinct_sets(models, {}) == ()
