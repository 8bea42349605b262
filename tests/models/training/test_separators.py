"""Thresholds in few digits: whatever the values, each stays on its side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.models.training.separators import Separators, plain

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def short(values: list[float], threshold: float) -> str:
    """Of the one column."""
    return Separators(np.array(values, dtype=np.float64)[:, None]).short(0, f"{threshold:.17g}")


@pytest.mark.parametrize(
    ("values", "threshold", "told"),
    [
        ([3, 4], 3.5000000000000004, "3.5"),
        ([3, 5], 4.000000000000001, "4"),
        ([0.25, 0.75], 0.5, "0.5"),
        ([1200, 1240], 1220.0000000000002, "1200"),
        ([0, 1], 1.0000000180025095e-35, "1e-35"),
        ([-7, -6], -6.5, "-6.5"),
        ([0.12345671, 0.12345673], 0.12345672, "0.12345672"),
        ([np.nan, 3, 4, np.nan], 3.5000000000000004, "3.5"),
    ],
)
def test_a_threshold_gets_the_digits_that_part_its_neighbours(
    values: list[float], threshold: float, told: str
) -> None:
    assert short(values, threshold) == told


@pytest.mark.parametrize("threshold", [0.12345678901234568, 9.000000000000002, float("inf"), -float("inf")])
def test_one_that_parts_nothing_stays_as_it_is_written(threshold: float) -> None:
    assert short([1, 2], threshold) == f"{threshold:.17g}"
    assert short([np.nan], threshold) == f"{threshold:.17g}"


@given(st.lists(NUMBERS, min_size=2, max_size=20), NUMBERS)
def test_every_value_stays_on_its_side(values: list[float], threshold: float) -> None:
    told = short(values, threshold)
    assert len(told) <= len(f"{threshold:.17g}")
    assert [value <= float(told) for value in values] == [value <= threshold for value in values]


def test_columns_are_told_apart() -> None:
    separators = Separators(np.array([[1.0, 1.4], [2.0, 1.6]]))
    assert separators.short(0, "1.52") == "1.5"
    assert separators.short(1, "1.52") == "1.5"
    assert separators.short(1, "1.58") == "1.58"


@given(NUMBERS)
def test_plain_numbers_are_the_same_doubles(value: float) -> None:
    assert float(plain(value)) == value
    assert not plain(value).endswith(".0")


def test_nothing_is_not_negative() -> None:
    assert plain(-0.0) == "0"
