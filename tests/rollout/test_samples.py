"""Whose fault a user's request is, and what is the same question of both arms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.rollout.samples import CLIENT_GAVE_UP, Arm, CellPair, SeenCell
from rollout.seen import user


@pytest.mark.parametrize(
    ("status", "has_answer", "is_failed"),
    [
        (0, False, True),  # no whole answer
        (200, True, False),
        (404, True, False),
        (429, True, False),
        (CLIENT_GAVE_UP, False, False),
        (500, True, True),
        (503, True, True),
    ],
)
def test_a_client_is_never_to_blame_for_a_failure_nor_the_service_for_a_client(
    status: int, has_answer: bool, is_failed: bool
) -> None:
    seen = user(candidate=True, status=status)
    assert (seen.has_answer, seen.is_failed) == (has_answer, is_failed)


@given(st.integers(100, 599))
def test_who_gets_no_answer_was_failed_or_left(status: int) -> None:
    seen = user(candidate=True, status=status)
    assert seen.has_answer or seen.is_failed or status == CLIENT_GAVE_UP


def test_a_question_is_the_same_whatever_the_arms_say() -> None:
    pair = CellPair("enwiki", "damaging", 7, SeenCell("true"), None)
    assert pair.key == replace(pair, candidate=SeenCell(error="timeout"), is_repeated=True).key
    others = [replace(pair, **change) for change in ({"wiki": "x"}, {"model": "x"}, {"rev_id": 8})]
    assert len({pair.key, *(other.key for other in others)}) == 4


def test_an_arm_comes_back_from_the_journal() -> None:
    arm = Arm("blue", "2026-11-27-abc")
    assert Arm(**arm.as_data()) == arm
