"""How long is waited before another attempt, and what ends the waiting."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.precache.patience import FIRST_S, MOST_S, Patience, Stopping, backoff_s


@given(st.integers(1, 10_000))
def test_a_pause_is_between_half_and_all_of_what_doubles_up_to_the_most(attempt: int) -> None:
    whole_s = min(MOST_S, FIRST_S * 2.0 ** min(attempt - 1, 60))
    assert whole_s / 2 <= backoff_s(attempt) <= whole_s


def test_pauses_differ_by_chance_over_their_whole_range() -> None:
    """Many followers must not come back in one moment."""
    pauses = [backoff_s(3, first_s=1.0, most_s=60.0) for _ in range(500)]
    assert 2.0 <= min(pauses) < 2.2
    assert 3.8 < max(pauses) <= 4.0


def test_the_first_and_the_most_are_what_is_said() -> None:
    assert 2.0 <= backoff_s(1, first_s=4.0) <= 4.0
    assert 3.5 <= backoff_s(9, most_s=7.0) <= 7.0


class Noted(Patience):
    """Notes how long it is to wait, and does not."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_whoever_says_how_long_is_obeyed_when_it_is_longer() -> None:
    patience = Noted()
    assert await patience.after(1, 99.0) == 99.0
    assert FIRST_S / 2 <= await patience.after(1, 0.001) <= FIRST_S
    assert FIRST_S <= await patience.after(2) <= 2 * FIRST_S
    assert patience.waits[0] == 99.0
    assert patience.waits[1] <= FIRST_S <= patience.waits[2]


async def test_a_wait_ends_by_itself_or_at_once_when_the_end_is_asked_for() -> None:
    patience = Patience()
    await patience.wait(0.001)
    waiting = [asyncio.create_task(patience.after(1, 3600.0)), asyncio.create_task(patience.stopping())]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    patience.stop()
    async with asyncio.timeout(30):
        with pytest.raises(Stopping):
            await waiting[0]
        await waiting[1]
        with pytest.raises(Stopping):
            await patience.wait(3600.0)
