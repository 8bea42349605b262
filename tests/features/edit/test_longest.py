"""Runs of one character, however long and in whatever script."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.edit.longest import longest_run


@given(st.lists(st.tuples(st.sampled_from("aAbжЖ漢𝐀\ud800İ "), st.integers(1, 40))))
def test_a_run_is_measured_whatever_its_case(runs: list[tuple[str, int]]) -> None:
    text = "".join(character * times for character, times in runs)
    expected = max(("".join(group) for _, group in groupby(text.lower())), key=len, default="")
    assert longest_run(text) == expected


@pytest.mark.parametrize("times", [1, 2, 3, 4, 5, 1023, 1024, 1025, 1_000_000])
def test_runs_of_every_length(times: int) -> None:
    assert longest_run("xy" + "a" * times + "y") == ("a" * times if times > 1 else "x")
