"""Bounded evidence whose looks, over weeks, spend no more than a rollout may."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.rollout.control.window import MEMORY_LOOKS, Window
from assay.rollout.guards import GuardOptions
from assay.rollout.judging.verdict import Verdict
from assay.rollout.plan import make_watch_plan
from assay.rollout.samples import MemorySeen, Pair
from rollout.arms import CANDIDATE, SOUND, STABLE, Defect, options, pairs

STAGE = make_watch_plan(options(), ["eqiad"]).stages[0]


def judged(window: Window) -> Verdict:
    return window.verdict(STAGE, GuardOptions(), stable=STABLE, candidate=CANDIDATE)


def status(window: Window, name: str) -> str:
    return next(check.status for check in judged(window).checks if check.name == name)


def filled(count: int, block: int, defect: Defect = SOUND, number: int = 0) -> Window:
    window = Window(number, block)
    for pair in pairs(np.random.default_rng(5), STAGE, defect, count):
        window.add(pair)
    return window


def test_evidence_is_the_last_full_block_and_the_one_that_fills() -> None:
    sizes = set()
    window = Window(block=100)
    for number, pair in enumerate(pairs(np.random.default_rng(1), STAGE, SOUND, 1000), 1):
        window.add(pair)
        kept = window.evidence().pairs
        sizes.add(len(kept))
        assert kept[-1] is pair
        assert window.number == number // 100
    assert max(sizes) == 199
    assert len(window.evidence().pairs) == 100


def test_memory_is_thinned_and_keeps_its_beginning_and_end() -> None:
    window = Window()
    for tick in range(20 * MEMORY_LOOKS):
        window.add_memory([MemorySeen(tick, "eqiad", "green", "p", 1, tick)])
        assert len(window.evidence().memory) <= MEMORY_LOOKS
    seen = [sample.at_s for sample in window.evidence().memory]
    assert seen[0] == 0
    assert seen[-1] == 20 * MEMORY_LOOKS - 1
    assert seen == sorted(seen)


def test_a_later_window_finds_a_slow_candidate_too_but_asks_for_more() -> None:
    slow = Defect(slow=2.0)

    def found_after(number: int) -> int:
        return next(
            n for n in range(20, 800, 5) if status(filled(n, 5000, slow, number), "computing_time") == "bad"
        )

    early, late = found_after(0), found_after(400)
    assert early < late < 800


def test_only_checks_that_can_have_data_are_made() -> None:
    assert {check.name for check in judged(Window()).checks} == set(STAGE.required)
    assert {check.status for check in judged(Window()).checks} == {"no_data"}


def test_a_suite_takes_the_last_ones_place_and_strangers_are_no_evidence() -> None:
    window = Window()
    good = pairs(np.random.default_rng(2), STAGE, SOUND, 30)
    assert window.add_suite(good)
    assert status(window, "synthetic") == "good"
    assert not window.add_suite([*good[:-1], replace(good[-1], has_stranger=True, shape_faults=("x",))])
    assert status(window, "synthetic") == "good"
    assert window.add_suite([replace(good[0], shape_faults=("x",))])
    assert status(window, "synthetic") == "bad"
    assert window.add_suite([Pair(0, "eqiad", "/", 503, 503)])
    assert status(window, "synthetic") == "no_data"
    before = window.compared
    window.add(replace(good[0], has_stranger=True))
    window.add(Pair(0, "eqiad", "/", 503, 200))
    assert window.compared == before


@pytest.mark.parametrize("seed", range(3))
def test_equal_arms_stay_good_for_hours(seed: int) -> None:
    window = Window(block=500)
    for place, pair in enumerate(pairs(np.random.default_rng(seed), STAGE, SOUND, 20_000)):
        window.add(pair)
        if place % 250 == 0:
            assert not judged(window).bad
