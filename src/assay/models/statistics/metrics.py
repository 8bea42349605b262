"""Measures of a model, computed exactly: no interpolation, ties counted as they are.

Scores are [n], truths are [n] truth values, weights [n] are counts of repetition. A measure that the
rows cannot tell (one class only) is None, never 0.5 or 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assay.models.dataset import Array, Floats, Indices

BOOTSTRAPS: Final = 300
"""Repetitions for an interval: ends are then known to about a tenth of its width."""


def roc_auc(truth: Array, score: Floats, weight: Floats | None = None) -> float | None:
    """Chance that a row with the label scores above one without; ties count half (Mann and Whitney)."""
    positive, negative = _tied(truth, score, weight)
    wins = (positive * (np.cumsum(negative) - negative / 2)).sum()
    pairs = positive.sum() * negative.sum()
    return float(wins / pairs) if pairs else None


def pr_auc(
    truth: Array, score: Floats, population_rate: float | None = None, weight: Floats | None = None
) -> float | None:
    """Average precision: precision at each cut, weighted by the recall it adds.

    Not the trapezoid that ORES took over 50 interpolated points, which flatters. With
    `population_rate`, precision is that of a population where the label is so frequent.
    """
    ascending = _tied(truth, score, weight)
    positive, negative = ascending[0][::-1], ascending[1][::-1]
    if not positive.sum() or not negative.sum():
        return None
    tp, fp = np.cumsum(positive), np.cumsum(negative)
    if population_rate is not None:
        tp = tp * (population_rate / positive.sum())
        fp = fp * ((1 - population_rate) / negative.sum())
    precision = tp / np.maximum(tp + fp, np.finfo(float).tiny)
    return float((precision * positive).sum() / positive.sum())


def brier(truth: Array, probability: Floats) -> float:
    """Mean squared distance of a probability from what happened, 0 to 1."""
    return float(np.mean((probability - truth.astype(float)) ** 2))


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows of like probability: how many, the mean told, and the share that had the label."""

    n: int
    mean_probability: float
    observed: float


def calibration_bins(truth: Array, probability: Floats) -> list[Bin]:
    """Ten bins with equally many rows, ascending."""
    order = np.argsort(probability, kind="stable")
    return [
        Bin(len(part), float(probability[part].mean()), float(truth[part].mean()))
        for part in np.array_split(order, 10)
        if len(part)
    ]


def calibration_error(bins: list[Bin]) -> float:
    """Expected calibration error: the bins' mean distance between told and observed."""
    n = sum(part.n for part in bins)
    return sum(part.n * abs(part.mean_probability - part.observed) for part in bins) / n


def spearman(a: Floats, b: Floats) -> float | None:
    """Rank correlation with mid-ranks for ties; None when one side is constant."""
    ranks_a, ranks_b = _ranks(a), _ranks(b)
    spread = np.sqrt(ranks_a.var() * ranks_b.var())
    return (
        float(((ranks_a - ranks_a.mean()) * (ranks_b - ranks_b.mean())).mean() / spread) if spread else None
    )


def within_one(truth: Indices, prediction: Indices) -> float:
    """Share of rows whose predicted class is the true one or its neighbour in the labels' order."""
    return float(np.mean(np.abs(truth - prediction) <= 1))


Measure = Callable[[Floats], float | None]
"""A measure as a function of the rows' weights."""


def interval(measure: Measure, clusters: Array, seed: int) -> tuple[float, float] | None:
    """Percentile bootstrap at 95 % over whole clusters (rows of one page or user go together).

    None when fewer than half of the repetitions could be measured.
    """
    _, cluster_of = np.unique(clusters, return_inverse=True)
    n = int(cluster_of.max()) + 1 if len(cluster_of) else 0
    if n < 2:
        return None
    rng = np.random.default_rng(seed)
    drawn = (np.bincount(rng.integers(0, n, n), minlength=n)[cluster_of] for _ in range(BOOTSTRAPS))
    values = [value for weight in drawn if (value := measure(weight.astype(float))) is not None]
    if len(values) < BOOTSTRAPS / 2:
        return None
    low, high = np.quantile(values, [(1 - 0.95) / 2, (1 + 0.95) / 2])
    return float(low), float(high)


def _tied(truth: Array, score: Floats, weight: Floats | None) -> tuple[Floats, Floats]:
    """Weights of rows with and without the label at each distinct score, ascending."""
    weights = np.ones(len(score)) if weight is None else weight.astype(np.float64)
    distinct, position = np.unique(score, return_inverse=True)
    truth = truth.astype(bool)
    n = len(distinct)
    positive: Floats = np.bincount(position[truth], weights[truth], minlength=n).astype(np.float64)
    negative: Floats = np.bincount(position[~truth], weights[~truth], minlength=n).astype(np.float64)
    return positive, negative


def _ranks(values: Floats) -> Floats:
    _, position, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    mid: Any = ends - (counts - 1) / 2
    ranks: Floats = mid[position]
    return ranks
