"""The digits of the test model; the model itself: ``tests/models/test_revid.py``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.revisions.types import UNSAVED
from features.edits import edit, values_called


def digits(rev_id: int) -> object:
    return values_called(["feature.revision.reversed_last_two_in_rev_id"], edit("a", "b", id=rev_id))[0]


@given(st.integers(10, 10**12))
def test_read_backwards_they_are_the_end_of_the_id(rev_id: int) -> None:
    found = digits(rev_id)
    assert type(found) is int
    assert str(rev_id).endswith(f"{found:02}"[::-1])


def test_a_lone_digit_stands_before_a_nought_as_in_ores() -> None:
    assert list(map(digits, range(1, 10))) == [10, 20, 30, 40, 50, 60, 70, 80, 90]


def test_a_text_that_is_not_saved_has_none() -> None:
    assert digits(UNSAVED) is None


def test_nobody_waits_unless_told_to() -> None:
    assert values_called(["feature.delay"], edit(None, "")) == [0.0]
