"""Against scipy, published worked examples, and counting by hand."""

from __future__ import annotations

import itertools
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from assay.rollout.judging.statistics import (
    Table,
    clopper_pearson,
    excess_p,
    paired_shift,
    paired_slower_p,
    quantiles,
    rise_p,
    shift,
    slower_p,
    wilson,
)

counts = st.integers(0, 40)
values = st.floats(0.1, 1000).map(lambda value: round(value, 3))
tied = st.integers(1, 6).map(float)
samples = st.one_of(st.lists(values, min_size=1, max_size=60), st.lists(tied, min_size=1, max_size=60))

# Hollander and Wolfe's data, as R's documentation of wilcox.test has them.
PERMEABILITY_TERM = np.array([0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46])
PERMEABILITY_EARLY = np.array([1.15, 0.88, 0.90, 0.74, 1.21])
DEPRESSION_BEFORE = np.array([1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30])
DEPRESSION_AFTER = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29])


def test_fishers_tea() -> None:
    assert rise_p([Table(1, 4, 3, 4)]) == pytest.approx(17 / 70)


@given(st.tuples(counts, counts), st.tuples(counts, counts))
def test_rise_is_fishers_exact_test(stable: tuple[int, int], candidate: tuple[int, int]) -> None:
    (failed, stable_ok), (candidate_failed, candidate_ok) = stable, candidate
    table = Table(failed, failed + stable_ok, candidate_failed, candidate_failed + candidate_ok)
    oracle = stats.fisher_exact(
        [[candidate_failed, candidate_ok], [failed, stable_ok]], alternative="greater"
    )
    assert rise_p([table]) == pytest.approx(oracle.pvalue, rel=1e-6)


small_tables = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)).map(
    lambda c: Table(c[0], c[0] + c[1], c[2], c[2] + c[3])
)


@given(st.lists(small_tables, min_size=1, max_size=3))
def test_strata_are_counted_as_by_hand(tables: list[Table]) -> None:
    assert rise_p(tables) == pytest.approx(float(_by_hand(tables)), rel=1e-9)


def _by_hand(tables: list[Table]) -> Fraction:
    """All ways in which each stratum's failures can fall on the arms."""
    laws = [
        [
            (
                failed,
                Fraction(math.comb(table.candidate, failed) * math.comb(table.stable, total - failed), ways),
            )
            for total in [table.stable_failed + table.candidate_failed]
            for ways in [math.comb(table.stable + table.candidate, total)]
            for failed in range(total + 1)
        ]
        for table in tables
    ]
    seen = sum(table.candidate_failed for table in tables)
    return sum(
        (
            math.prod((p for _, p in ways), start=Fraction(1))
            for ways in itertools.product(*laws)
            if sum(failed for failed, _ in ways) >= seen
        ),
        Fraction(0),
    )


def test_strata_that_tell_nothing_change_nothing() -> None:
    told = Table(3, 900, 5, 100)
    assert rise_p([Table(0, 0, 0, 0), told, Table(0, 50, 0, 50)]) == rise_p([told])
    assert rise_p([told, Table(0, 0, 7, 70)]) == pytest.approx(rise_p([told]))
    assert rise_p([]) == 1.0


def test_many_failures_of_many_requests_stay_a_probability() -> None:
    tables = [Table(5000, 90_000, 500, 10_000), Table(2500, 50_000, 2600, 50_000)]
    assert 0.0 <= rise_p(tables) <= 1.0
    assert rise_p([Table(10, 90_000, 500, 10_000)] * 2) < 1e-100


@given(st.integers(0, 200), st.integers(0, 200), st.floats(0.001, 0.999))
def test_excess_is_the_binomial_test(count: int, more: int, share: float) -> None:
    oracle = stats.binomtest(count, max(1, count + more), share, alternative="greater")
    assert excess_p(count, max(1, count + more), share) == pytest.approx(oracle.pvalue, rel=1e-6)


@pytest.mark.parametrize(
    ("count", "of", "score", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0000, 0.1611), (0.0000, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_newcombes_intervals(
    count: int, of: int, score: tuple[float, float], exact: tuple[float, float]
) -> None:
    """Statistics in Medicine 17 (1998), table I."""
    assert wilson(count, of) == pytest.approx(score, abs=5.1e-5)
    assert clopper_pearson(count, of) == pytest.approx(exact, abs=5.1e-5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_intervals_are_scipys(count: int, more: int) -> None:
    of = max(1, count + more)
    test = stats.binomtest(count, of)
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        oracle = test.proportion_ci(0.95, method)
        assert ours(count, of) == pytest.approx((oracle.low, oracle.high), abs=1e-9)
        low, high = ours(count, of)
        assert 0 <= low <= count / of <= high <= 1


def test_nothing_is_known_of_nothing() -> None:
    nothing, some = np.array([]), np.array([1.0, 2.0])
    assert wilson(0, 0) == clopper_pearson(0, 0) == (0.0, 1.0)
    assert slower_p(nothing, some) == slower_p(some, nothing) == paired_slower_p(nothing) == 1.0
    assert math.isnan(shift(nothing, some))
    assert math.isnan(paired_shift(nothing))
    assert quantiles([], (0.5, 0.99)) == [0.0, 0.0]


def test_hollander_and_wolfes_permeability() -> None:
    assert slower_p(PERMEABILITY_EARLY, PERMEABILITY_TERM) == pytest.approx(0.1272, abs=5e-5)
    assert shift(PERMEABILITY_EARLY, PERMEABILITY_TERM) == pytest.approx(0.305)


def test_hollander_and_wolfes_depression() -> None:
    differences = DEPRESSION_BEFORE - DEPRESSION_AFTER
    assert paired_slower_p(differences) == pytest.approx(0.01953, abs=5e-6)
    assert paired_shift(differences) == pytest.approx(0.46)


@given(samples, samples)
def test_slower_is_scipys_mann_whitney(stable: list[float], candidate: list[float]) -> None:
    both = [*stable, *candidate]
    small = min(len(stable), len(candidate)) <= 25 and max(len(stable), len(candidate)) <= 100
    method = "exact" if small and len(set(both)) == len(both) else "asymptotic"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy divides by the variance 0 of equal values
        oracle = stats.mannwhitneyu(candidate, stable, alternative="greater", method=method)
    p = slower_p(np.array(stable), np.array(candidate))
    if oracle.statistic > len(stable) * len(candidate) / 2:
        assert p == pytest.approx(oracle.pvalue, rel=1e-9)
    else:
        assert p == 1.0


@given(samples.map(lambda xs: [x - 3 for x in xs]))
def test_paired_slower_is_scipys_wilcoxon(differences: list[float]) -> None:
    kept = [value for value in differences if value]
    p = paired_slower_p(np.array(differences))
    if not kept:
        assert p == 1.0
        return
    distinct = len({abs(value) for value in kept}) == len(kept)
    method = "exact" if len(kept) <= 25 and distinct else "asymptotic"
    oracle = stats.wilcoxon(kept, alternative="greater", method=method, correction=method == "asymptotic")
    if oracle.statistic > len(kept) * (len(kept) + 1) / 4:
        assert p == pytest.approx(oracle.pvalue, rel=1e-9)
    else:
        assert p == 1.0


def test_equal_constants_are_no_difference() -> None:
    same = np.full(50, 7.0)
    assert slower_p(same, same) == 1.0
    assert shift(same, same) == 0.0
    assert slower_p(same, same + 1) < 1e-20


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(150, 400), st.integers(300, 900))
def test_large_shifts_are_the_median_of_all_differences(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    stable, candidate = rng.lognormal(3, 1, n), rng.lognormal(3.2, 1, m)
    for one, other in ((stable, candidate), (candidate, stable)):
        differences = np.sort(np.subtract.outer(other, one).ravel())
        middle = (len(differences) - 1) // 2
        around = differences[middle], differences[middle + 1]
        assert around[0] - 1e-6 <= shift(one, other) <= around[1] + 1e-6


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(201, 400))
def test_large_paired_shifts_are_the_median_of_walsh_averages(seed: int, n: int) -> None:
    values = np.random.default_rng(seed).normal(0.3, 1, n)
    rows, columns = np.triu_indices(n)
    averages = np.sort((values[rows] + values[columns]) / 2)
    middle = (len(averages) - 1) // 2
    assert averages[middle] - 1e-6 <= paired_shift(values) <= averages[middle + 1] + 1e-6


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_quantiles_are_numpys(deltas: list[float], at: list[float]) -> None:
    assert quantiles(deltas, at) == pytest.approx(list(np.quantile(deltas, at)), abs=1e-12)
