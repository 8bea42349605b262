"""What only the caller's own process can promise; what every engine does: `test_engine`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.features.node import FeatureValue
from assay.models.model import Score
from assay.scoring.inline import InlineEngine
from assay.scoring.request import Job
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets
from assay.telemetry import EXTRACT_SECONDS, JOBS, PREDICT_SECONDS, Metrics
from small_models import TEXT_CHARS, LinearModel
from waiting import soon


@dataclass(frozen=True)
class Watched(LinearModel):
    """Notes in which thread it was asked, and which plans were compiled for it by then."""

    threads: list[int] = field(default_factory=list, compare=False)

    def score(self, row: Sequence[FeatureValue]) -> Score:
        self.threads.append(threading.get_ident())
        return super().score(row)


async def test_nothing_need_be_started_and_nothing_is_left_behind() -> None:
    model, metrics = Watched("smallwiki", "damaging", (TEXT_CHARS,)), Metrics()
    before = threading.active_count()
    engine = InlineEngine(ModelSets([model]), metrics)
    job = Job("smallwiki", ("damaging",), synthetic_revision(7))
    assert await engine.score(job, soon()) == await engine.score(job, soon())
    assert model.threads == [threading.get_ident()] * 2
    assert threading.active_count() == before
    for metric in (EXTRACT_SECONDS, PREDICT_SECONDS):
        assert metrics.value(metric) == 2
    assert metrics.value(JOBS, "done") == 2
