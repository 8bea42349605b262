"""What a process has done before its first job need not be done by any of its children."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.features.graph.node import FeatureValue
from assay.models.model import Explanation, Score
from assay.scoring.request import Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.warming import warm
from assay.scoring.wikis import ModelSets
from small_models import TEXT_CHARS, LinearModel, small_models


@dataclass(frozen=True)
class Lazy(LinearModel):
    """Notes what it was asked, as one that loads its parts at their first use would."""

    asked: list[str] = field(default_factory=list, compare=False)

    def score(self, row: Sequence[FeatureValue]) -> Score:
        self.asked.append("score")
        return super().score(row)

    def explain(self, row: Sequence[FeatureValue]) -> Explanation:
        self.asked.append("explain")
        return super().explain(row)


def test_first_jobs_for_all_of_a_wikis_models_compile_no_plan() -> None:
    models, plans = small_models(), PlanCache()
    warm(models, plans)
    compiled = len(plans)
    assert compiled > 0
    for wiki in (*models.wikis, "a wiki with none of its own"):
        own = models.of(wiki)
        compute(Job(wiki, tuple(own), synthetic_revision(99)), own, plans)
    assert len(plans) == compiled


def test_every_model_has_scored_and_explained_whatever_the_others_do() -> None:
    class Broken(Lazy):
        def score(self, row: Sequence[FeatureValue]) -> Score:
            raise RuntimeError("a defect")

    broken = Broken("smallwiki", "broken", (TEXT_CHARS,))
    sound = [Lazy("smallwiki", "damaging", (TEXT_CHARS,)), Lazy("anywiki", "reverted", (TEXT_CHARS,))]
    warm(ModelSets([broken, *sound]), PlanCache())
    assert all({"score", "explain"} <= set(model.asked) for model in sound)
