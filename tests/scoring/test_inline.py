"""What only the caller's own process can promise; what every engine does: `test_engine`."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.clock import Deadline, FakeClock
from assay.features.graph.node import FeatureValue
from assay.models.model import Score
from assay.models.revid import RevIdModel
from assay.scoring.inline import InlineEngine
from assay.scoring.problems import deadline_passed
from assay.scoring.request import Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets
from assay.telemetry import JOBS, PREDICT_SECONDS, Metrics
from small_models import TEXT_CHARS, LinearModel
from waiting import soon


@dataclass(frozen=True)
class Watched(LinearModel):
    """Notes in which thread it was asked."""

    threads: list[int] = field(default_factory=list, compare=False)

    def score(self, row: Sequence[FeatureValue]) -> Score:
        self.threads.append(threading.get_ident())
        return super().score(row)


async def test_it_computes_here_and_now_without_being_started() -> None:
    model, metrics = Watched("smallwiki", "damaging", (TEXT_CHARS,)), Metrics()
    models = ModelSets([model])
    before = threading.active_count()
    engine = InlineEngine(models, metrics)
    job = Job("smallwiki", ("damaging",), synthetic_revision(7), features=True)
    expected = compute(job, models.of("smallwiki"), PlanCache()).cells
    assert await engine.score(job, soon()) == expected
    assert model.threads == [threading.get_ident()] * 2
    assert threading.active_count() == before
    assert metrics.value(JOBS, "done") == 1


async def test_after_the_deadline_nothing_is_computed() -> None:
    clock, metrics = FakeClock(), Metrics()
    passed = Deadline.after(1, clock)
    clock.advance(1)
    engine = InlineEngine(ModelSets([Watched("smallwiki", "damaging", (TEXT_CHARS,))]), metrics)
    cells = await engine.score(Job("smallwiki", ("damaging",), synthetic_revision(7)), passed)
    assert cells == {"damaging": deadline_passed(7)}
    assert metrics.value(JOBS, "done") == 0


async def test_what_a_model_takes_is_counted_as_the_models() -> None:
    metrics = Metrics()
    slow = RevIdModel("testwiki", "revid", "1", "digest")
    job = Job("testwiki", ("revid",), synthetic_revision(7), {"feature.delay": 0.1})
    await InlineEngine(ModelSets([slow]), metrics).score(job, soon())
    told = re.search(rf"^{PREDICT_SECONDS.name}_sum\S* (\S+)$", metrics.exposition().decode(), re.M)
    assert told is not None
    assert float(told[1]) >= 0.1
