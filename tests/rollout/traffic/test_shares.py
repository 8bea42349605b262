"""Percentages become weights, exactly where that can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BalancerError
from assay.rollout.traffic.shares import server_weights


@given(st.integers(0, 100), st.integers(1, 8))
def test_with_equal_counts_weights_are_percentages(percent: int, count: int) -> None:
    names = [f"{slot}-{n}" for slot in ("blue", "green") for n in range(1, count + 1)]
    weights = server_weights(["remote", *names], {"blue": 100 - percent, "green": percent})
    assert weights == {name: percent if name.startswith("green") else 100 - percent for name in names}


@given(st.integers(0, 100), st.integers(1, 8), st.integers(1, 8))
def test_with_other_counts_shares_are_as_near_as_256_steps_come(percent: int, blue: int, green: int) -> None:
    names = [f"blue-{n}" for n in range(blue)] + [f"green-{n}" for n in range(green)]
    weights = server_weights(names, {"blue": 100 - percent, "green": percent})
    assert all(0 <= weight <= 256 for weight in weights.values())
    share = sum(weight for name, weight in weights.items() if name.startswith("green")) / sum(
        weights.values()
    )
    assert (share > 0) == (percent > 0)
    assert (share < 1) == (percent < 100)
    least_step = max(blue, green) / (256 * min(blue, green))
    assert abs(share - percent / 100) <= least_step


@pytest.mark.parametrize("percentages", [{"blue": 99, "green": 2}, {"blue": 101, "green": -1}])
def test_percentages_that_are_none_are_refused(percentages: dict[str, int]) -> None:
    with pytest.raises(BalancerError, match="together 100"):
        server_weights(["blue-1", "green-1"], percentages)
