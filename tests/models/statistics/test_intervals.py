"""Intervals hold the truth about as frequently as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from assay.models.statistics.confusion import FIELDS, Confusion
from assay.models.statistics.intervals import intervals_95

REPEATS = 400
SEED = 20161101


def _coverage(recall: float, fpr: float, trues: int, falses: int, rate: float) -> dict[str, float]:
    """How frequently the intervals of samples hold what is true of the population."""
    truth = Confusion(
        rate * recall, (1 - rate) * fpr, (1 - rate) * (1 - fpr), rate * (1 - recall)
    ).statistics()
    rng = np.random.default_rng(SEED)
    held = dict.fromkeys(FIELDS, 0)
    for _ in range(REPEATS):
        tp, fp = int(rng.binomial(trues, recall)), int(rng.binomial(falses, fpr))
        for field, found in intervals_95(Confusion(tp, fp, falses - fp, trues - tp), rate).items():
            value = truth[field]
            assert value is not None
            held[field] += found is not None and found[0] <= value <= found[1]
    return {field: count / REPEATS for field, count in held.items()}


@pytest.mark.parametrize(
    ("recall", "fpr", "trues", "falses", "rate"),
    [(0.4, 0.25, 1750, 1750, 0.034), (0.3, 0.02, 1750, 1750, 0.034), (0.8, 0.1, 120, 400, 0.25)],
)
def test_scaled_intervals_hold_the_truth_in_about_95_of_100_samples(
    recall: float, fpr: float, trues: int, falses: int, rate: float
) -> None:
    """Of 400 samples 92 to 98 % is three standard errors either way."""
    for field, share in _coverage(recall, fpr, trues, falses, rate).items():
        assert 0.92 <= share <= 0.985, (field, share)


def test_an_unknown_rate_is_drawn_as_well() -> None:
    counts = Confusion(80, 20, 380, 20)
    low, high = intervals_95(counts, None)["precision"] or (0.0, 0.0)
    wilson = binomtest(80, 100).proportion_ci(method="wilson")
    assert low == pytest.approx(wilson.low, abs=0.01)
    assert high == pytest.approx(wilson.high, abs=0.01)


@given(*(st.integers(0, 2000) for _ in range(4)), st.none() | st.floats(0.001, 0.999))
def test_intervals_hold_what_was_measured_and_lie_between_0_and_1(
    tp: int, fp: int, tn: int, fn: int, rate: float | None
) -> None:
    counts = Confusion(tp, fp, tn, fn)
    measured = counts.scaled(rate).statistics()
    for field, found in intervals_95(counts, rate).items():
        value = measured[field]
        assert (found is None) == (value is None)
        if found is not None and value is not None:
            assert 0 <= found[0] <= value <= found[1] <= 1 + 1e-12


def test_equal_counts_have_equal_intervals() -> None:
    assert intervals_95(Confusion(5, 1, 90, 4), 0.1) == intervals_95(Confusion(5, 1, 90, 4), 0.1)
