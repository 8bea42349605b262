"""What a second question makes of a difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.rollout.evidence.again import has_changed, must_ask_again, settled
from assay.rollout.evidence.compare import Answer
from assay.rollout.samples import CellPair, SeenCell
from rollout.seen import cell

CRASHED, HIDDEN = SeenCell(error="engine_crashed"), SeenCell(error="text_deleted")
LOST, LEFT_OUT, FINE, BOTH = cell(0.3, CRASHED), cell(0.3, None), cell(0.3, 0.3), cell(HIDDEN, HIDDEN)


@pytest.mark.parametrize(("cells", "must"), [([FINE, BOTH, cell(CRASHED, 0.4)], False), ([FINE, LOST], True)])
def test_only_what_the_candidate_alone_lacks_is_asked_again(cells: list[CellPair], must: bool) -> None:
    well = Answer(200)
    assert must_ask_again(well, well, cells) is must
    assert must_ask_again(well, Answer(503), ())
    assert not must_ask_again(Answer(404), Answer(404), ())
    assert not must_ask_again(Answer(503), well, ())


@pytest.mark.parametrize(
    ("first", "again", "expected"),
    [
        (LOST, LOST, replace(LOST, is_repeated=True)),
        (LEFT_OUT, LOST, replace(LEFT_OUT, is_repeated=True)),
        (LOST, FINE, LOST),  # equal arms do not crash by chance either
        (LOST, BOTH, BOTH),
        (LOST, cell(HIDDEN, CRASHED), cell(HIDDEN, CRASHED)),
        (FINE, LOST, FINE),
        (BOTH, FINE, BOTH),
    ],
)
def test_a_cell_is_settled_by_the_second_answers(
    first: CellPair, again: CellPair, expected: CellPair
) -> None:
    assert settled([first], [again]) == (expected,)


def test_without_a_second_answer_the_first_stands() -> None:
    assert settled([LOST, FINE], []) == (LOST, FINE)


def test_the_world_has_changed_when_the_stable_arm_says_so() -> None:
    assert has_changed(Answer(200), Answer(404))
    assert not has_changed(Answer(200), Answer(200))
    assert not has_changed(Answer(200), Answer(503)), "it was merely busy"
    assert not has_changed(Answer(200), Answer(0))
