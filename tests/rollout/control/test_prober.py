"""What is asked of two arms for as long as a candidate stands there, and how often, in virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from assay.rollout.control.parts import Arms
from assay.rollout.control.prober import Pace, Prober
from assay.rollout.control.window import Window
from assay.rollout.judging.drift import DeclaredDrift
from assay.rollout.samples import Arm, MemorySeen, Pair
from load.virtual_time import run_virtually
from rollout.fake_world import LoopClock
from rollout.seen import pair

PACE = Pace(suite_each_s=300.0, suite_again_s=15.0, memory_each_s=5.0)
PAIRS_PER_S = 2.0


@dataclass
class Place:
    """A data centre and its arms. `strange`: how many suites a third release answers first. `answers_in_s`:
    of a live request. `broken`: the first one fails, which no arm's fault may make it do."""

    strange: int = 0
    answers_in_s: float = 0.0
    broken: bool = False
    asked: Counter[str] = field(default_factory=Counter)

    async def releases(self) -> dict[str, str]:
        raise AssertionError

    def arms(self, stable: Arm, candidate: Arm, declared: Sequence[DeclaredDrift]) -> Arms:
        raise AssertionError

    async def next_target(self, slot: str) -> str:
        self.asked[f"target of {slot}"] += 1
        return "/v3/scores/w/5/"

    async def ask(self, target: str) -> Pair:
        self.asked["live"] += 1
        if self.broken and self.asked["live"] == 1:
            raise ZeroDivisionError
        await asyncio.sleep(self.answers_in_s)
        return pair(target=target)

    async def synthetic(self) -> Sequence[Pair]:
        self.asked["suite"] += 1
        return [pair(has_stranger=self.asked["suite"] <= self.strange)]

    async def memory(self) -> Sequence[MemorySeen]:
        self.asked["memory"] += 1
        return []

    async def sweep(self) -> Pair:
        raise AssertionError

    async def ask_front_door(self, target: str) -> None:
        raise AssertionError


def probed(place: Place, seconds: float) -> Prober:
    """What it has by then."""

    async def run() -> Prober:
        prober = Prober(place, place, "blue", Window(0, 1000), PACE, PAIRS_PER_S, LoopClock())
        prober.start()
        await asyncio.sleep(seconds)
        try:
            prober.check()
        finally:
            await prober.stop()
        before = place.asked.copy()
        await asyncio.sleep(2 * PACE.suite_each_s)
        assert place.asked == before, "what was stopped asks nothing more"
        return prober

    return run_virtually(run())


def test_live_requests_keep_their_rate_beside_suites_and_memory() -> None:
    place = Place()
    prober = probed(place, 301.2)
    assert place.asked["live"] == place.asked["target of blue"]
    assert place.asked["live"] == pytest.approx(PAIRS_PER_S * 301, abs=4)
    assert place.asked["suite"] == 2
    assert place.asked["memory"] == 61
    assert prober.window.compared == place.asked["live"] + place.asked["suite"]


def test_those_who_keep_the_rate_together_take_turns() -> None:
    place = Place()
    probed(place, 1.2)
    assert place.asked["live"] == 3


def test_slow_arms_are_asked_four_times_at_once_and_no_more() -> None:
    place = Place(answers_in_s=10.0)
    probed(place, 99.0)
    assert place.asked["live"] == pytest.approx(40, abs=3)


def test_until_a_whole_suite_was_answered_nothing_else_is_compared() -> None:
    place = Place(strange=3)
    probed(place, 44.0)
    assert (place.asked["suite"], place.asked["live"]) == (3, 0)
    place = Place(strange=3)
    probed(place, 50.0)
    assert place.asked["suite"] == 4
    assert place.asked["live"] > 0


def test_a_defect_of_ours_is_raised_where_it_is_looked_for() -> None:
    with pytest.raises(ZeroDivisionError):
        probed(Place(broken=True), 10.0)
