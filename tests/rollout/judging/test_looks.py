"""Looking often must not raise more false alarms than one look would."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.rollout.judging.looks import first_alarm, first_excess, look_sizes, spent
from assay.rollout.judging.statistics import clopper_pearson, excess_p


def test_looks_are_half_as_large_again() -> None:
    assert look_sizes(20, 150) == [20, 30, 45, 67, 100, 150]
    assert look_sizes(20, 19) == []
    assert len(look_sizes(20, 100_000)) == 22


@given(st.integers(2, 50), st.integers(0, 5000), st.integers(0, 5000))
def test_earlier_looks_are_not_moved_by_later_samples(first: int, few: int, more: int) -> None:
    sizes = look_sizes(first, few + more)
    assert sizes[: len(look_sizes(first, few))] == look_sizes(first, few)
    assert all(a < b for a, b in itertools.pairwise(sizes))


def test_levels_sum_to_no_more_than_alpha() -> None:
    total = sum(spent(0.01, number) for number in range(100_000))
    assert total == pytest.approx(0.01, rel=1e-4)
    assert total <= 0.01


def test_a_fair_coin_is_accused_no_oftener_than_allowed() -> None:
    """Where one look a flip at the same level would accuse nearly every fourth."""
    rng, alpha, coins = np.random.default_rng(1), 0.05, 1000
    accused = naive = 0
    for _ in range(coins):
        heads = np.cumsum(rng.random(500) < 0.5)

        def p_value(size: int, heads: Any = heads) -> float:
            return excess_p(int(heads[size - 1]), size, 0.5)

        accused += first_alarm(alpha, look_sizes(10, 500), p_value) is not None
        naive += any(p_value(size) <= alpha for size in range(10, 500, 10))
    assert clopper_pearson(accused, coins)[0] <= alpha
    assert naive > 2 * alpha * coins


def test_an_alarm_tells_what_it_rests_on() -> None:
    alarm = first_alarm(0.01, [20, 30, 45], lambda size: 0.5 if size < 30 else 1e-6)
    assert alarm is not None
    assert (alarm.size, alarm.p) == (30, 1e-6)
    assert alarm.level == pytest.approx(0.01 / 6)
    assert first_alarm(0.0, [20, 30], lambda size: 1e-300) is None


@given(st.lists(st.booleans(), max_size=60), st.floats(0, 0.5), st.lists(st.booleans(), max_size=60))
def test_an_excess_is_found_at_once_and_for_ever(seen: list[bool], share: float, more: list[bool]) -> None:
    place = first_excess(seen, share)
    prefixes = [size for size in range(1, len(seen) + 1) if sum(seen[:size]) > share * size]
    assert place == (prefixes[0] - 1 if prefixes else None)
    if place is not None:
        assert first_excess([*seen, *more], share) == place
