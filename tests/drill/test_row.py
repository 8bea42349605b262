"""A row is read from the journal as it is, and nothing but the right thing counts as right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.clock import FakeClock
from assay.drill.defects import DEFECTS
from assay.drill.row import Row, counted, row_of
from assay.drill.users import Front, Incident, Users
from assay.rollout.journal import Journal, read_journal
from drill.rows import CAUGHT, REFUSED, THROUGH, defect, row
from rollout.told import NOON, Teller

BEGAN_S = NOON.timestamp()
SHADOW, FIRST_WEIGHT = 2, 3


def told(folder: Path, tell: Any, name: str = "slow") -> Row:
    """Of a rollout that began at noon and whose command ended a hundred seconds later."""
    clock = FakeClock(NOON)
    with Journal(folder, clock) as journal:
        tell(Teller(journal, clock), journal)
    return row_of(defect(name), read_journal(folder), "the end of its words", BEGAN_S, BEGAN_S + 100)


def enter(teller: Teller, last: int) -> None:
    for stage in teller.plan.stages[: last + 1]:
        teller.enter(stage)


def verdict(journal: Journal, *bad: str) -> None:
    checks = [{"name": name, "status": "bad"} for name in bad] + [{"name": "shape", "status": "good"}]
    journal.append("verdict", {"stage": 2, "checks": checks})


def test_what_was_refused_has_no_journal(tmp_path: Path) -> None:
    found = row_of(defect("stale"), (), "its digest is another", BEGAN_S, BEGAN_S + 2)
    assert (found.caught, found.reason, found.by) == ("start", "its digest is another", "refused")
    assert (found.weight, found.served, found.caught_s, found.safety_s) == (0, 0, 2.0, 0.0)
    assert found.is_over


def test_what_went_through_has_the_greatest_weight_and_all_its_users(tmp_path: Path) -> None:
    def tell(teller: Teller, journal: Journal) -> None:
        teller.start()
        enter(teller, len(teller.plan.stages) - 1)
        teller.finish()

    found = told(tmp_path, tell, "nothing")
    assert (found.caught, found.reason, found.by) == (None, "", "")
    assert (found.weight, found.served) == (100, 4321)
    assert (found.caught_s, found.took_s, found.is_over) == (100.0, 100.0, True)


def test_what_was_caught_names_stage_and_checks_and_when(tmp_path: Path) -> None:
    def tell(teller: Teller, journal: Journal) -> None:
        teller.start()
        enter(teller, FIRST_WEIGHT)
        verdict(journal, "statuses")
        verdict(journal, "computing_time", "memory")
        teller.roll_back(reason="computing_time: slow", finish=False)
        rolled_back = {"served": 12, "failed": 0, "last_candidate_s": BEGAN_S + 7.5}
        journal.append("rolled_back", rolled_back)

    found = told(tmp_path, tell)
    assert (found.caught, found.reason) == ("codfw 1 %", "computing_time: slow")
    assert found.by == "computing_time, memory"
    assert (found.weight, found.served) == (1, 12)
    assert (found.caught_s, found.safety_s, found.took_s) == (5.0, 2.5, 100.0)
    assert found.is_over


def test_an_abort_is_a_way_back_too_and_that_no_user_met_it_is_no_time(tmp_path: Path) -> None:
    def tell(teller: Teller, journal: Journal) -> None:
        teller.start()
        enter(teller, SHADOW)
        teller.pause()
        journal.append("aborted", {"reason": "paused: lunch", "by": "the drill"})
        journal.append("rolled_back", {"served": 0, "failed": 0, "last_candidate_s": None})

    found = told(tmp_path, tell)
    assert (found.caught, found.reason, found.by) == ("codfw shadow", "paused: lunch", "")
    assert (found.caught_s, found.safety_s, found.weight) == (4.0, 0.0, 0)


def test_what_did_not_end_is_not_over_and_its_command_tells_why(tmp_path: Path) -> None:
    def tell(teller: Teller, journal: Journal) -> None:
        teller.start()
        enter(teller, 1)

    found = told(tmp_path, tell)
    assert (found.caught, found.reason) == ("codfw synthetic", "the end of its words")
    assert (found.caught_s, found.is_over) == (100.0, False)


def test_users_count_from_one_row_s_beginning_to_the_next_s() -> None:
    """Nobody falls between two, and nobody is forgotten who got an answer, or none, much later."""
    users = Users([Front("main", "http://x", 1.0)], "w", ("m",), [5], [])
    users.asked_s = [9.0, 10.0, 19.9, 20.0, 500.0]
    users.incidents = [Incident(at_s, "main", "no answer (timeout)") for at_s in (19.9, 500.0)]
    first, last = counted([row("nothing", began_s=10.0), row("hotfix", began_s=20.0)], users)
    assert (first.asked, [one.at_s for one in first.incidents]) == (2, [19.9])
    assert (last.asked, [one.at_s for one in last.incidents]) == (2, [500.0])
    assert counted([], users) == []


@pytest.mark.parametrize("right", [THROUGH, REFUSED, CAUGHT, replace(CAUGHT, caught="standby preflight")])
def test_what_ended_as_it_should_is_right(right: Row) -> None:
    assert right.is_right


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "standby shadow: not good after 120 s: computing_time, memory",
        "paused: standby 1 %: not good after 120 s: computing_time",
        "preflight: Node standby: exit status 1: NameError: name 'time' is not defined",
        "no release answers at http://127.0.0.1:1: is slot blue running?",
    ],
)
def test_a_machine_out_of_order_and_a_release_that_does_not_start_catch_no_defect(reason: str) -> None:
    assert not replace(CAUGHT, reason=reason).is_right


def test_what_users_never_had_did_not_go_through() -> None:
    for changes in ({"weight": 99}, {"served": 0}):
        assert not row("nothing", **changes).is_right


def test_each_defect_names_what_must_catch_it_and_what_is_harmless_nothing() -> None:
    for it in DEFECTS:
        assert bool(it.by) != it.is_harmless, it.name
        assert all(len(words) > 6 for words in it.by)
