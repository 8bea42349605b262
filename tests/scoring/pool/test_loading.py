"""The shipped bundles, in this process and in scoring processes."""

from __future__ import annotations

from math import exp, fsum, isclose
from typing import Any

import pytest

from assay.clock import Deadline, SystemClock
from assay.models.library import search, shipped_folder
from assay.models.model import ANY_WIKI, Explanation, Score
from assay.scoring.codec import Computed, encode_computed
from assay.scoring.options import PoolOptions
from assay.scoring.pool.engine import PoolEngine
from assay.scoring.pool.loading import bundle_loader, load_models
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets
from assay.telemetry import Metrics

PATHS = [found.path for found in search(shipped_folder())]
BORROWED = {"samplewiki": "enwiki"}


@pytest.fixture(scope="module")
def models() -> ModelSets:
    return load_models([str(path) for path in PATHS], BORROWED)


def job(wiki: str, models: ModelSets) -> Job:
    return Job(wiki, tuple(models.of(wiki)), synthetic_revision(4711), features=True, explain=True)


async def test_scoring_processes_give_exactly_the_scores_of_this_one(models: ModelSets) -> None:
    wikis = [*models.wikis, "samplewiki"]
    engine = PoolEngine(PoolOptions(processes=1), bundle_loader(PATHS, BORROWED), models.digests, Metrics())
    await engine.start()
    deadline = Deadline.after(120, SystemClock())
    found = [await engine.score(job(wiki, models), deadline) for wiki in wikis]
    await engine.aclose()
    here = [compute(job(wiki, models), models.of(wiki), PlanCache()).cells for wiki in wikis]
    assert [encode_computed(Computed(cells)) for cells in found] == [
        encode_computed(Computed(cells)) for cells in here
    ]
    assert set(found[-1]) == set(models.of("enwiki"))


def test_every_shipped_model_scores_and_its_contributions_are_its_logit(models: ModelSets) -> None:
    for wiki in models.wikis:
        cells = compute(job(wiki, models), models.of(wiki), PlanCache()).cells
        for cell in cells.values():
            assert isinstance(cell, Scored), cell
            assert cell.explanation is not None
            assert_sums(cell.score, cell.explanation)


def assert_sums(score: Score, explanation: Explanation) -> None:
    logits: dict[Any, float] = {
        label: fsum([base, *explanation.contributions[label]]) for label, base in explanation.base.items()
    }
    if set(logits) == {True}:
        told = {True: 1 / (1 + exp(-logits[True]))}
    else:
        whole = fsum(exp(logit) for logit in logits.values())
        told = {label: exp(logit) / whole for label, logit in logits.items()}
    for label, chance in told.items():
        assert isclose(chance, score.probability[label], rel_tol=1e-6, abs_tol=1e-9)


def test_a_model_for_any_wiki_is_offered_everywhere(models: ModelSets) -> None:
    general = models.of(ANY_WIKI)
    assert set(general) <= set(models.of("never-heard-of"))
