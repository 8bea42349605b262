"""Tests and estimates for two arms. All one-sided: nobody is alarmed by a candidate that is better.

Each is a standard one and agrees with scipy's (the tests prove it); where it is written out here, scipy's own
takes many times as long on a hundred samples or needs memory for all pairs of a hundred thousand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

EXACT_UP_TO = 25
"""Samples (the smaller side's, or pairs) up to which rank tests count all orders; beyond it, the normal law
is good to a tenth of the p-values that looks work with, and errs towards no alarm."""
_CONFIDENCE = 0.95
_HALF_STEPS = 60
"""Halvings after which a bisection between doubles has nothing left to gain."""
_DIRECTLY = 40_000
"""Pairwise values up to which the median of all of them is taken as it stands."""


@dataclass(frozen=True, slots=True)
class Table:
    """How many of each arm's requests failed, while the arms' shares of the requests were fixed."""

    stable_failed: int
    stable: int
    candidate_failed: int
    candidate: int


def rise_p(tables: Sequence[Table]) -> float:
    """Fisher's exact test, one-sided, over one table or several strata: how likely the candidate has so many
    of all failures, or more, when within each stratum both arms fail equally often.

    Given a stratum's margins the candidate's failures are hypergeometric; of several strata, the law of the
    sum is their convolution (the exact form of the Mantel–Haenszel test). 1 when the candidate never failed.
    """
    failed = sum(table.candidate_failed for table in tables)
    if not failed:
        return 1.0
    least, law = 0, np.ones(1)
    for table in tables:
        low, ways = _hypergeometric(table)
        law = np.convolve(law, ways)
        least += low
    return min(1.0, float(law[max(0, failed - least) :][::-1].sum()))


def _hypergeometric(table: Table) -> tuple[int, Array]:
    """How many of a table's failures fall on the candidate: the least number, and the probabilities from it
    on. scipy's own takes twenty times as long for its checks of arguments."""
    failed, drawn = table.stable_failed + table.candidate_failed, table.candidate
    total = table.stable + drawn
    low, high = max(0, failed - table.stable), min(failed, drawn)
    k = np.arange(low, high + 1, dtype=np.float64)
    ways = _log_choose(failed, k) + _log_choose(total - failed, drawn - k) - _log_choose(total, drawn)
    return low, np.exp(ways)


def _log_choose(of: int, taken: Array | float) -> Array:
    """Logarithm of the number of ways; by the beta function, which loses fewer digits than three
    factorials."""
    ways: Array = -special.betaln(1 + np.asarray(taken), 1 + of - np.asarray(taken)) - np.log1p(of)
    return ways


def excess_p(count: int, of: int, share: float) -> float:
    """Exact binomial test: how likely `count` or more of `of` are when each is so with probability
    `share`."""
    if count <= 0:
        return 1.0
    return float(special.betainc(count, of - count + 1, share)) if share < 1 else 1.0


def wilson(count: int, of: int) -> tuple[float, float]:
    """Wilson's score interval of a share at 95 %, for figures (JASA 22, 1927). (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    z = float(special.ndtri(0.5 + _CONFIDENCE / 2))
    share, spread = count / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    low = 0.0 if count == 0 else max(0.0, middle - half)
    high = 1.0 if count == of else min(1.0, middle + half)
    return low, high


def clopper_pearson(count: int, of: int) -> tuple[float, float]:
    """The exact interval of a share at 95 %, never too narrow (Biometrika 26, 1934). (0, 1) of nothing."""
    tail = (1 - _CONFIDENCE) / 2
    low = float(special.betaincinv(count, of - count + 1, tail)) if count else 0.0
    high = float(special.betaincinv(count + 1, of - count, 1 - tail)) if count < of else 1.0
    return low, high


def surplus_bound(count: int, of: int, expected: float) -> float:
    """How much more often than `expected` (a share) something may happen that happened `count` times: Clopper
    and Pearson's one-sided upper bound of its share at 95 %, less what is expected. 1 of nothing."""
    if not of:
        return 1.0
    upper = float(special.betaincinv(count + 1, of - count, _CONFIDENCE)) if count < of else 1.0
    return max(0.0, upper - expected)


def slower_p(stable: Array, candidate: Array) -> float:
    """Mann–Whitney's U test, one-sided: how likely the candidate's values rank so high when both come from
    one distribution. Ties get middle ranks and correct the variance; exact for small samples without ties. 1
    when a side is empty or ranks are no higher than by chance: above one half, nobody asks how far."""
    n, m = len(stable), len(candidate)
    if not n or not m:
        return 1.0
    ranked = np.sort(np.concatenate((stable, candidate)))
    below = np.searchsorted(ranked, candidate, "left") + np.searchsorted(ranked, candidate, "right")
    surplus = (float(below.sum()) + m - m * (m + 1) - n * m) / 2
    if surplus <= 0:
        return 1.0
    ties = _tie_sizes(ranked)
    if min(n, m) <= EXACT_UP_TO and max(n, m) <= 4 * EXACT_UP_TO and len(ties) == n + m:
        from scipy import stats  # half a second to import, which no other command shall wait for

        return float(stats.mannwhitneyu(candidate, stable, alternative="greater", method="exact").pvalue)
    return _upper_tail(surplus, n * m / 12 * (n + m + 1 - _tie_term(ties) / ((n + m) * (n + m - 1))))


def paired_slower_p(differences: Array) -> float:
    """Wilcoxon's signed-rank test, one-sided: how likely differences rank so far above 0 when they lie around
    it evenly. Zeros are left out (Wilcoxon's own way); exact for few without ties. 1 when
    nothing is left or ranks are no higher than by chance."""
    values = differences[differences != 0]
    n = len(values)
    if not n:
        return 1.0
    sizes = np.abs(values)
    ranked, up = np.sort(sizes), sizes[values > 0]
    doubled = np.searchsorted(ranked, up, "left") + np.searchsorted(ranked, up, "right") + 1
    surplus = float(doubled.sum()) / 2 - n * (n + 1) / 4
    if surplus <= 0:
        return 1.0
    ties = _tie_sizes(ranked)
    if n <= EXACT_UP_TO and len(ties) == n:
        from scipy import stats

        return float(stats.wilcoxon(values, alternative="greater", method="exact").pvalue)
    return _upper_tail(surplus, n * (n + 1) * (2 * n + 1) / 24 - _tie_term(ties) / 48)


def shift(stable: Array, candidate: Array) -> float:
    """Hodges and Lehmann's estimate: the median of all differences of a candidate's and a stable value. Of
    logarithms it is the logarithm of a ratio. nan when a side is empty."""
    if not len(stable) or not len(candidate):
        return math.nan
    if len(stable) * len(candidate) <= _DIRECTLY:
        return float(np.median(np.subtract.outer(candidate, stable)))
    low, high = np.sort(stable), np.sort(candidate)
    few, many, sign = (high, low, 1) if len(high) <= len(low) else (low, high, -1)

    def share_up_to(value: float) -> float:
        """Of differences `high` - `low`; counted over the smaller side, searched in the larger."""
        if sign == 1:
            return 1 - float(np.searchsorted(many, few - value, "left").mean()) / len(many)
        return float(np.searchsorted(many, few + value, "right").mean()) / len(many)

    return _bisected(share_up_to, float(high[0] - low[-1]), float(high[-1] - low[0]))


def paired_shift(differences: Array) -> float:
    """Hodges and Lehmann's estimate of one sample: the median of the means of all two (and each with itself).
    nan of nothing."""
    n = len(differences)
    if not n:
        return math.nan
    if n * n <= _DIRECTLY:
        rows, columns = np.triu_indices(n)
        return float(np.median((differences[rows] + differences[columns]) / 2))
    ranked = np.sort(differences)

    def share_up_to(value: float) -> float:
        ordered = int(np.searchsorted(ranked, 2 * value - ranked, "right").sum())
        itself = int(np.searchsorted(ranked, value, "right"))
        return (ordered + itself) / (n * (n + 1))

    return _bisected(share_up_to, float(ranked[0]), float(ranked[-1]))


def quantiles(values: Sequence[float] | Array, at: Sequence[float]) -> list[float]:
    """Of the values, by linear interpolation; zeros of nothing, for no change is no distance."""
    if not len(values):
        return [0.0] * len(at)
    ranked = np.sort(np.asarray(values, dtype=np.float64))
    places = np.asarray(at) * (len(ranked) - 1)
    return [float(value) for value in np.interp(places, np.arange(len(ranked)), ranked)]


def _bisected(share_up_to: Callable[[float], float], low: float, high: float) -> float:
    """The least value that half of the pairwise values do not exceed, between its ends."""
    for _ in range(_HALF_STEPS):
        middle = (low + high) / 2
        if share_up_to(middle) >= 0.5:
            high = middle
        else:
            low = middle
        if high - low <= 1e-9 * max(1.0, abs(high)):
            break
    return high


def _tie_sizes(ranked: Array) -> Array:
    """How many values are equal, for each different value."""
    ends = np.flatnonzero(np.diff(ranked))
    return np.diff(np.concatenate(([-1], ends, [len(ranked) - 1]))).astype(np.float64)


def _tie_term(ties: Array) -> float:
    return float((ties**3 - ties).sum())


def _upper_tail(surplus: float, variance: float) -> float:
    """Of the normal law, with half a rank for continuity. 1 when nothing varies."""
    if variance <= 0:
        return 1.0
    return float(special.ndtr(-(surplus - 0.5) / math.sqrt(variance)))
