"""An engine in the caller's own process and thread: for tests, small scripts and batch commands.

It cannot stop a runaway, nor survive a crash, and it holds up the event loop while it computes; servers
use `assay.scoring.pool.engine`.
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.clock import Deadline
from assay.scoring.problems import deadline_passed
from assay.scoring.request import Cell, Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.wikis import ModelSets
from assay.telemetry import Metrics


class InlineEngine:
    """An `Engine` that computes at once."""

    def __init__(self, models: ModelSets, metrics: Metrics) -> None:
        self._models = models
        self._metrics = metrics
        self._plans = PlanCache()

    async def start(self) -> None:
        """Nothing to start."""

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        if deadline.passed:
            return dict.fromkeys(job.models, deadline_passed(job.revision.id))
        computed = compute(job, self._models.of(job.wiki), self._plans)
        self._metrics.job_done(computed.extract_s, computed.predict_s)
        return computed.priced()

    async def aclose(self) -> None:
        """Nothing to close."""
