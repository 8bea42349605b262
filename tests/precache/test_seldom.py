from __future__ import annotations

from assay.clock import FakeClock
from assay.precache.seldom import Seldom


def test_one_in_a_while_is_let_through_and_tells_of_the_others() -> None:
    clock = FakeClock()
    seldom = Seldom(clock, 10.0)
    assert [seldom.due() for _ in range(1000)] == [1] + [0] * 999
    clock.advance(9.9)
    assert seldom.due() == 0
    clock.advance(0.1)
    assert seldom.due() == 1001
    assert seldom.due() == 0
    clock.advance(3600.0)
    assert seldom.due() == 2
