"""A rollout as its entries tell it: what they may say, and what is not believed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.clock import FakeClock
from assay.rollout.journal import Journal
from assay.rollout.reporting.journal_reader import JournalReader
from assay.rollout.reporting.story import Story
from rollout.told import NOON, Teller

GOOD: dict[str, Any] = {
    "name": "shape",
    "status": "good",
    "sentence": "alike",
    "figures": {},
    "bad_since_s": None,
}


@pytest.fixture
def story(tmp_path: Path) -> Callable[[Callable[[Teller], None]], Story]:
    """What becomes of the entries that are written after the start; each a second after the one before."""

    def of(tell: Callable[[Teller], None]) -> Story:
        clock = FakeClock(NOON)
        with Journal(tmp_path, clock) as journal:
            teller = Teller(journal, clock)
            teller.start()
            tell(teller)
        with JournalReader(tmp_path).refreshed() as (reading, stories):
            assert reading.problem is None
            return stories[-1]

    return of


Of = Callable[[Callable[[Teller], None]], Story]


def test_a_verdict_that_stands_is_as_new_as_its_last_entry(story: Of) -> None:
    def tell(teller: Teller) -> None:
        entry = teller.journal.append("verdict", {"stage": 0, "checks": [GOOD]}).number
        teller.journal.append("unchanged", {"stage": 0, "entry": entry - 1})
        teller.enter(teller.plan.stages[1])
        teller.journal.append("unchanged", {"stage": 0, "entry": entry})

    told = story(tell)
    assert told.verdict is not None
    assert (told.verdict.entry, told.verdict.at_s) == (2, told.last_s)
    assert told.verdicts == {0: told.verdict}


def test_a_verdict_that_stands_must_be_the_one_that_is_known(story: Of) -> None:
    def tell(teller: Teller) -> None:
        entry = teller.journal.append("verdict", {"stage": 0, "checks": [GOOD]}).number
        teller.enter(teller.plan.stages[1])
        teller.journal.append("unchanged", {"stage": 0, "entry": entry + 1})
        teller.journal.append("unchanged", {"stage": 1, "entry": entry})

    told = story(tell)
    assert told.verdict is not None
    assert told.verdict.at_s < told.last_s


@pytest.mark.parametrize("by_name", [True, False])
def test_a_verdict_names_its_stage_by_number_or_name_or_not_at_all(story: Of, by_name: bool) -> None:
    def tell(teller: Teller) -> None:
        first, second = teller.plan.stages[:2]
        teller.enter(second)
        named = first.name if by_name else first.number
        teller.journal.append("verdict", {"stage": named, "checks": [{**GOOD, "status": "bad"}]})
        teller.journal.append("verdict", {"checks": [GOOD, {"name": "odd", "status": "fine"}]})

    told = story(tell)
    assert [told.verdicts[number].outcome for number in (0, 1)] == ["bad", "no_data"]
    assert told.verdict is told.verdicts[1]
    assert told.verdict.status("shape") == "good"
    assert told.verdict.status("odd") == "no_data", "a status that is none is no data"
    assert told.verdict.status("absent") is None


def test_weights_that_cannot_be_are_not_told(story: Of) -> None:
    def tell(teller: Teller) -> None:
        centre = teller.plan.stages[0].data_centre
        weights = {"blue": 100, "green": 0, "red": 101, "grey": -1, "pink": "5"}
        teller.journal.append("weights", {"data_centre": centre, "weights": weights})
        teller.journal.append("weights", {"data_centre": "nowhere", "weights": weights})
        teller.journal.append("weights", {"data_centre": centre, "weights": None})

    told = story(tell)
    assert {name: shares for name, (_, shares) in told.weights.items()} == {
        told.centres[0]: {"blue": 100, "green": 0}
    }


def test_only_counts_are_told_of_the_end(story: Of) -> None:
    def tell(teller: Teller) -> None:
        teller.journal.append("rolling_back", {"reason": "x", "bad_since_s": None})
        teller.journal.append("rolled_back", {"served": True, "failed": "none", "last_candidate_s": None})

    told = story(tell)
    assert told.effect == {"served": None, "failed": None}
    assert told.decided_s is not None
    assert told.ended_s is not None
