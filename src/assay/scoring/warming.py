"""Makes a process ready before its first job, so that what it forks inherits plans and memos."""

from __future__ import annotations

from assay.scoring.request import Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets


def warm(models: ModelSets, plans: PlanCache) -> None:
    """Score a made-up revision with every wiki's models, so that children inherit plans and memos."""
    for wiki in models.wikis:
        own = models.of(wiki)
        compute(Job(wiki, tuple(own), synthetic_revision(1), explain=True), own, plans)
