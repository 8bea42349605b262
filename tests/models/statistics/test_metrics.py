from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, spearmanr

from assay.models.statistics.metrics import (
    brier,
    calibration_bins,
    calibration_error,
    interval,
    pr_auc,
    roc_auc,
    spearman,
    within_one,
)

ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=2, max_size=60)


def arrays(rows: list[tuple[bool, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row[0] for row in rows]), np.array([row[1] / 12 for row in rows])


@given(ROWS)
def test_roc_auc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[bool, int]]) -> None:
    truth, score = arrays(rows)
    assume(truth.any() and not truth.all())
    pairs = [(a > b) + (a == b) / 2 for a in score[truth] for b in score[~truth]]
    found = roc_auc(truth, score)
    assert found == pytest.approx(np.mean(pairs), abs=1e-12)
    u = mannwhitneyu(score[truth], score[~truth]).statistic
    assert found == pytest.approx(u / (truth.sum() * (~truth).sum()), abs=1e-12)


@given(ROWS, st.floats(0.01, 0.9))
def test_pr_auc_is_the_mean_precision_at_each_positive(rows: list[tuple[bool, int]], rate: float) -> None:
    truth, score = arrays(rows)
    assume(truth.any() and not truth.all())
    plain, scaled = [], []
    for own in score[truth]:
        tp, fp = (score[truth] >= own).sum(), (score[~truth] >= own).sum()
        plain.append(tp / (tp + fp))
        up, down = rate * tp / truth.sum(), (1 - rate) * fp / (~truth).sum()
        scaled.append(up / (up + down))
    assert pr_auc(truth, score) == pytest.approx(np.mean(plain), abs=1e-12)
    assert pr_auc(truth, score, rate) == pytest.approx(np.mean(scaled), abs=1e-12)


@given(ROWS, st.lists(st.integers(0, 3), min_size=60, max_size=60))
def test_weights_count_as_repetitions(rows: list[tuple[bool, int]], repeats: list[int]) -> None:
    truth, score = arrays(rows)
    times = np.array(repeats[: len(rows)])
    many = np.repeat(truth, times), np.repeat(score, times)
    assert roc_auc(truth, score, times.astype(float)) == pytest.approx(roc_auc(*many), abs=1e-12)
    assert pr_auc(truth, score, None, times.astype(float)) == pytest.approx(pr_auc(*many), abs=1e-12)


def test_one_class_only_cannot_be_measured() -> None:
    assert roc_auc(np.array([True, True]), np.array([0.1, 0.2])) is None
    assert pr_auc(np.array([False, False]), np.array([0.1, 0.2])) is None


def test_a_known_curve() -> None:
    truth = np.array([True, False, True, False])
    score = np.array([0.9, 0.8, 0.7, 0.1])
    assert roc_auc(truth, score) == 0.75
    assert pr_auc(truth, score) == pytest.approx((1 + 2 / 3) / 2)
    assert brier(truth, score) == pytest.approx((0.01 + 0.64 + 0.09 + 0.01) / 4)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=50))
def test_spearman_is_scipys(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    if len(set(a)) == 1 or len(set(b)) == 1:
        assert spearman(a, b) is None
    else:
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-12)


def test_calibration_bins_hold_all_rows_and_tell_the_error() -> None:
    rng = np.random.default_rng(1)
    probability = rng.random(1003)
    truth = rng.random(1003) < probability
    bins = calibration_bins(truth, probability)
    assert sum(part.n for part in bins) == 1003
    assert calibration_error(bins) < 0.06
    assert calibration_error(calibration_bins(truth, probability**3)) > 0.15
    by_hand = np.argsort(probability)[:101]
    assert bins[0].observed == pytest.approx(truth[by_hand].mean())


def test_within_one_class() -> None:
    assert within_one(np.array([0, 1, 5, 3]), np.array([1, 1, 2, 4])) == 0.75


def test_intervals_are_seeded_hold_the_truth_and_widen_with_clusters() -> None:
    rng = np.random.default_rng(2)
    score = rng.normal(size=400)
    truth = rng.random(400) < 1 / (1 + np.exp(-2 * score))
    measured = roc_auc(truth, score)
    rows = interval(lambda w: roc_auc(truth, score, w), np.arange(400), 7)
    again = interval(lambda w: roc_auc(truth, score, w), np.arange(400), 7)
    assert rows is not None
    assert measured is not None
    assert rows == again
    assert rows[0] < measured < rows[1]
    copies = np.tile(np.arange(100), 4)
    narrow = interval(lambda w: roc_auc(truth[copies], score[copies], w), np.arange(400), 7)
    honest = interval(lambda w: roc_auc(truth[copies], score[copies], w), copies, 7)
    assert narrow is not None
    assert honest is not None
    assert honest[1] - honest[0] > 1.5 * (narrow[1] - narrow[0])
    assert interval(lambda w: 1.0, np.zeros(5), 1) is None
    assert interval(lambda w: None, np.arange(5), 1) is None
