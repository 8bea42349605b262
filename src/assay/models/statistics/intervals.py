"""How sure a cut's statistics are: 95 % intervals from counts.

A cut is measured by two shares that know nothing of each other: of rows that have the label, how many match
(recall), and of those that have not (fpr). All ten statistics follow from these two and from how frequent
the label is. So both shares are drawn from their Jeffreys posteriors, Beta(hits + ½, misses + ½), each draw
gives all statistics, and the interval lies between the 2.5th and the 97.5th percentile. For one share that
is the Jeffreys interval (Brown, Cai and DasGupta 2001). A rate that is known for the population is taken as
certain, so rows that were sampled by label are no trouble; one that is not is drawn as well.

Limits: rows count as independent, though those of one page or author are not, and the cut counts as chosen
beforehand, though it is the best of many. Both make true intervals somewhat wider.
`tests/models/statistics/test_intervals.py` measures how frequently they hold the truth.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from assay.models.dataset import Floats
from assay.models.statistics.confusion import FIELDS, Confusion

DRAWS: Final = 4000
"""Ends are then known to about 3 % of the interval's width."""
_SEED: Final = 2016
_ENDS: Final = (0.025, 0.975)

Interval = tuple[float, float]


def intervals_95(counts: Confusion, population_rate: float | None) -> dict[str, Interval | None]:
    """Of each of `FIELDS`; None where the statistic itself is. `counts`: rows, not scaled. They always hold
    what was measured, also at 0 and 1, where a posterior's percentiles would not."""
    measured = counts.scaled(population_rate).statistics()
    drawn = _drawn(counts, population_rate)
    found: dict[str, Interval | None] = {}
    for field in FIELDS:
        value = measured[field]
        if value is None:
            found[field] = None
        else:
            low, high = np.quantile(drawn[field], _ENDS)
            found[field] = min(float(low), value), max(float(high), value)
    return found


def _drawn(counts: Confusion, population_rate: float | None) -> dict[str, Floats]:
    """`DRAWS` values of each of `FIELDS`."""
    rng = np.random.default_rng(_SEED)

    def share(hits: float, misses: float) -> Floats:
        return rng.beta(hits + 0.5, misses + 0.5, DRAWS)

    recall, fpr = share(counts.tp, counts.fn), share(counts.fp, counts.tn)
    known = population_rate is not None and counts.trues and counts.falses
    rate = np.full(DRAWS, population_rate) if known else share(counts.trues, counts.falses)
    tp, fp = rate * recall, (1 - rate) * fpr
    tn, fn = 1 - rate - fp, rate - tp
    tiny = np.finfo(float).tiny
    return {
        "match_rate": tp + fp,
        "filter_rate": tn + fn,
        "precision": tp / (tp + fp + tiny),
        "!precision": tn / (tn + fn + tiny),
        "recall": recall,
        "!recall": 1 - fpr,
        "accuracy": tp + tn,
        "fpr": fpr,
        "f1": 2 * tp / (2 * tp + fp + fn + tiny),
        "!f1": 2 * tn / (2 * tn + fp + fn + tiny),
    }
