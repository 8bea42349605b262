"""What a label's statistics become at each cut.

ORES rounded thresholds to three digits; here every row is exact at an observed score. Of many distinct
scores at most `MAX_ROWS` are kept: the lowest and the highest, and in between rows that are evenly far apart
in recall plus false-positive rate, so that neighbours differ by little in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from assay.models.dataset import Array, Floats, Indices
from assay.models.statistics.confusion import Confusion
from assay.models.statistics.threshold_table import ThresholdTable

MAX_ROWS: Final = 400
"""Per label. Neighbouring rows then differ by at most 0.005 in recall plus false-positive rate (or hold one
score between them that many rows share)."""


@dataclass(frozen=True, eq=False)
class Cuts:
    """All distinct scores, ascending, with how many rows of either kind score at least so much."""

    threshold: Floats
    tp: Indices
    fp: Indices

    @classmethod
    def of(cls, truth: Array, score: Floats) -> Cuts:
        """From n truth values and n scores."""
        order = np.argsort(-score, kind="stable")
        ordered, hits = score[order], truth[order].astype(np.int64)
        last_of_equals = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
        tp = np.cumsum(hits)[last_of_equals]
        return cls(ordered[last_of_equals][::-1], tp[::-1], (last_of_equals + 1 - tp)[::-1])

    def confusion(self, i: int) -> Confusion:
        """Counts when every score from `threshold[i]` on is a match."""
        tp, fp = int(self.tp[i]), int(self.fp[i])
        return Confusion(tp, fp, int(self.fp[0]) - fp, int(self.tp[0]) - tp)


def table(truth: Array, score: Floats, population_rate: float | None) -> ThresholdTable:
    """Ascending by threshold; empty when there are no rows."""
    if not len(score):
        return ThresholdTable()
    cuts = Cuts.of(truth, score)
    return ThresholdTable(
        {"threshold": float(cuts.threshold[i]), **cuts.confusion(i).scaled(population_rate).statistics()}
        for i in _kept(cuts)
    )


def _kept(cuts: Cuts) -> list[int]:
    n = len(cuts.threshold)
    if n <= MAX_ROWS:
        return list(range(n))
    way = cuts.tp / max(int(cuts.tp[0]), 1) + cuts.fp / max(int(cuts.fp[0]), 1)
    wanted = np.linspace(way[0], way[-1], MAX_ROWS)
    nearest = np.searchsorted(-way, -wanted).clip(0, n - 1)
    return sorted({0, n - 1, *nearest.tolist()})
