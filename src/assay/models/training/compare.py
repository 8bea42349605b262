"""Is a model better than the one it was grown on? On the very same rows, which neither has seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assay.models.dataset import Array, Dataset, Floats, Indices
from assay.models.statistics.metrics import interval, roc_auc
from assay.models.training.train import Trained

BETTER, WORSE, ALIKE, UNTOLD = "better", "worse", "alike", "untold"
"""The difference's interval lies above 0, below it, or around it; or there are too few rows to tell."""
_SEED_AWAY: Final = 1


@dataclass(frozen=True, slots=True)
class Areas:
    """ROC-AUC of both on `n` rows, `reverted` of them with the label; None where one kind is missing."""

    n: int
    positives: int
    own: float | None
    other: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`other`: ``wiki/model``. `interval`: of `own` less `other` at 95 %, by bootstrap of whole pages; None:
    cannot be told. `strangers`: the rows whose page and actor the model had not met in training."""

    other: str
    all: Areas
    interval: tuple[float, float] | None
    strangers: Areas

    @property
    def verdict(self) -> str:
        if self.interval is None:
            return UNTOLD
        return BETTER if self.interval[0] > 0 else WORSE if self.interval[1] < 0 else ALIKE

    def to_json(self) -> dict[str, Any]:
        return {
            "other": self.other,
            "verdict": self.verdict,
            "interval_95": self.interval,
            "all": _told(self.all),
            "strangers": _told(self.strangers),
        }


def comparison(trained: Trained) -> Comparison | None:
    """Raw scores of the held-out rows against those of the base; None when there is no base."""
    if trained.base is None:
        return None
    rows = trained.held_out.rows
    held = trained.data.rows(rows)
    truth = held[trained.recipe.truth_column] >= 0.5
    own, other = trained.held_out.raw[:, 0], trained.base.raw(held.x)[:, 0]

    def difference(weight: Floats) -> float | None:
        ours, theirs = roc_auc(truth, own, weight), roc_auc(truth, other, weight)
        return None if ours is None or theirs is None else ours - theirs

    everything = np.ones(len(held), dtype=bool)
    strangers = _strangers(trained.data, rows)
    return Comparison(
        trained.base.id,
        _areas(truth, own, other, everything),
        interval(difference, held["page"], trained.recipe.seed + _SEED_AWAY),
        _areas(truth, own, other, strangers),
    )


def _strangers(data: Dataset, held_out: Indices) -> Array:
    """Which of the held-out rows share neither page nor actor with a row that was learned from."""
    learned = np.setdiff1d(np.arange(len(data)), held_out)
    met = np.isin(data["page"][held_out], data["page"][learned])
    met |= np.isin(data["actor"][held_out], data["actor"][learned])
    return ~met


def _areas(truth: Array, own: Floats, other: Floats, chosen: Array) -> Areas:
    truth, own, other = truth[chosen], own[chosen], other[chosen]
    return Areas(len(truth), int(truth.sum()), roc_auc(truth, own), roc_auc(truth, other))


def _told(areas: Areas) -> dict[str, Any]:
    return {"n": areas.n, "positives": areas.positives, "own": areas.own, "other": areas.other}
