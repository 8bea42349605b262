"""When requests are due."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from assay.load.schedule import Arrivals, due_times

RATES = st.floats(0.1, 500)
DURATIONS = st.floats(0.01, 20)
ARRIVALS = st.sampled_from(["poisson", "constant"])
SEEDS = st.integers()


@given(RATES, DURATIONS, ARRIVALS, SEEDS)
def test_times_ascend_within_the_run_and_follow_from_the_seed(
    rate: float, duration_s: float, arrivals: Arrivals, seed: int
) -> None:
    times = list(due_times(rate, duration_s, arrivals, seed))
    assert all(earlier < later for earlier, later in itertools.pairwise(times))
    assert all(0 <= time < duration_s for time in times)
    assert times == list(due_times(rate, duration_s, arrivals, seed))


@given(RATES, DURATIONS, SEEDS)
def test_constant_arrivals_are_one_each_interval(rate: float, duration_s: float, seed: int) -> None:
    times = list(due_times(rate, duration_s, "constant", seed))
    assert abs(len(times) - math.ceil(rate * duration_s)) <= 1
    assert all(math.isclose(time, number / rate) for number, time in enumerate(times))


@given(SEEDS)
def test_poisson_arrivals_have_their_mean_and_their_spread(seed: int) -> None:
    times = list(due_times(100, 400, "poisson", seed))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert abs(len(times) - 40_000) < 8 * math.sqrt(40_000)
    assert 0.9 < math.sqrt(variance) / mean < 1.1  # of an exponential distribution: 1; of even gaps: 0


def test_another_seed_is_another_load() -> None:
    assert list(due_times(10, 10, "poisson", 1)) != list(due_times(10, 10, "poisson", 2))
