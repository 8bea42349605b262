"""Reasons that lie with us are told as documented, and apart from those that lie with the revision."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import documented_problems
from assay.revisions.called import UNSAVED
from assay.revisions.problem import Problem
from assay.scoring import problems

Make = Callable[[int], Problem]

BUSY: list[Make] = [problems.overloaded, problems.engine_away, problems.computation_abandoned]
"""Another server, or this one a moment later, would have scored it."""
OF_ONE: list[Make] = [
    *BUSY,
    problems.deadline_passed,
    problems.engine_crashed,
    lambda rev_id: problems.unencodable(rev_id, "a lone surrogate"),
]


def test_codes_are_documented_and_so_is_whether_asking_again_helps() -> None:
    found = [make(7) for make in OF_ONE] + [problems.ran_too_long(15.0)]
    documented = documented_problems.cells()
    assert {it.code: it.retryable for it in found} == {it.code: documented.get(it.code) for it in found}
    assert len({it.code for it in found}) == len(found)


@pytest.mark.parametrize(("rev_id", "name"), [(7, "revision 7"), (UNSAVED, "the unsaved text")])
def test_sentences_say_which_revision(rev_id: int, name: str) -> None:
    for make in OF_ONE:
        assert documented_problems.speaks_of(make(rev_id), name), make(rev_id)


def test_clients_that_see_types_only_know_busy_servers_from_bad_revisions() -> None:
    assert {make(7).type for make in BUSY} == {"ScoreProcessorOverloaded"}
    assert {problems.deadline_passed(7).type, problems.ran_too_long(1).type} == {"TimeoutError"}
    assert problems.engine_crashed(7).type == "RuntimeError"
    assert problems.unencodable(7, "x").type == "ValueError"


@pytest.mark.parametrize(("limit_s", "told"), [(15.0, "15"), (0.25, "0.25"), (120, "120")])
def test_a_runaway_is_told_in_oress_words_which_clients_match(limit_s: float, told: str) -> None:
    assert problems.ran_too_long(limit_s).message == f"Timed out after {told} seconds."


def test_what_cannot_be_sent_is_told_with_its_reason() -> None:
    assert problems.unencodable(7, "a lone surrogate").message.endswith(": a lone surrogate")
