"""What a check found, in the journal and in words."""

from __future__ import annotations

from types import MappingProxyType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.rollout.judging.check import Check, percent
from assay.rollout.wording import checks_of, outcome


@pytest.mark.parametrize(
    ("share", "told"),
    [(0.0, "0 %"), (0.05, "5 %"), (0.12345, "12.3 %"), (0.0001234, "0.0123 %"), (1.0, "100 %")],
)
def test_a_share_is_told_in_three_digits(share: float, told: str) -> None:
    assert percent(share) == told


@given(st.floats(0.0, 1.0, allow_subnormal=False))
def test_what_is_told_of_a_share_is_within_half_a_per_cent_of_it(share: float) -> None:
    told = float(percent(share).removesuffix(" %")) / 100
    assert told == pytest.approx(share, rel=0.0051)


def test_a_check_comes_back_from_the_journal_as_it_was() -> None:
    """Whatever mapping its figures are."""
    check = Check("shape", "bad", "null for an object", MappingProxyType({"requests": 7}), 12.5)
    journalled = orjson.loads(orjson.dumps(check.as_data()))
    assert Check(**journalled) == Check("shape", "bad", "null for an object", {"requests": 7}, 12.5)
    assert checks_of({"checks": [journalled]}) == [journalled]
    assert outcome([journalled]) == "bad"
