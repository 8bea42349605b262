"""Percentiles are observed values, by the definition of the nearest rank."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.load.summary import percentile, summarise

VALUES = st.lists(st.floats(0, 1000), min_size=1, max_size=300)


@given(VALUES, st.integers(1, 1000))
def test_a_percentile_is_the_least_value_that_enough_do_not_exceed(values: list[float], mille: int) -> None:
    found = percentile(sorted(values), mille)
    assert found in values
    assert sum(value <= found for value in values) * 1000 >= mille * len(values)
    assert sum(value < found for value in values) * 1000 < mille * len(values)


@given(VALUES)
def test_a_summary_ascends_and_does_not_depend_on_the_order(values: list[float]) -> None:
    summary = summarise(values)
    assert summary is not None
    told = [summary.p50_s, summary.p90_s, summary.p99_s, summary.p99_9_s, summary.max_s]
    assert told == sorted(told)
    assert summary.max_s == max(values)
    assert summary == summarise(sorted(values))


def test_known_values() -> None:
    summary = summarise(number / 1000 for number in range(1, 1001))
    assert summary is not None
    assert (summary.p50_s, summary.p90_s, summary.p99_s) == (0.5, 0.9, 0.99)
    assert (summary.p99_9_s, summary.max_s, summary.count) == (0.999, 1.0, 1000)


def test_of_nothing_there_is_no_summary() -> None:
    assert summarise([]) is None
