"""Which failures pass: what no longer counts among them ends a rollout, and what does never does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assay.errors import (
    BalancerUnavailable,
    NoWorker,
    RetryableError,
    StoreUnavailable,
)
from assay.revisions import problem as of_revisions
from assay.revisions.problem import Problem
from assay.rollout.failures import PASSING_ERRORS, PASSING_STATUSES, TEXTS_ERRORS, is_answer, is_score
from assay.rollout.samples import SeenCell
from assay.scoring import problems as of_scoring


@pytest.mark.parametrize(
    ("status", "answered"),
    [
        (0, False),
        (200, True),
        (204, True),
        (400, True),
        (404, True),
        (408, False),
        (429, False),
        (499, True),
        (500, False),
        (501, False),
        (503, False),
        (599, False),
    ],
)
def test_a_clients_error_is_an_answer_and_being_busy_is_none(status: int, answered: bool) -> None:
    assert is_answer(status) is answered


def test_500_is_no_answer_and_does_not_pass() -> None:
    assert {408, 429, 502, 503, 504, 0} == PASSING_STATUSES


def test_no_cell_is_no_score() -> None:
    assert is_score(SeenCell("true", {"true": 0.5}))
    assert not is_score(SeenCell(error=""))
    assert not is_score(None)


def retryable() -> Iterator[Problem]:
    """Every problem of a cell that its makers call retryable."""
    yield of_scoring.deadline_passed(1)
    yield of_scoring.overloaded(1)
    yield of_scoring.engine_away(1)
    yield of_scoring.computation_abandoned(1)
    yield of_revisions.source_failed(1, "away")


def test_what_a_client_may_ask_again_passes_by_code_and_by_type() -> None:
    for problem in retryable():
        assert problem.retryable, problem
        assert {problem.code, problem.type} <= PASSING_ERRORS, problem


def test_what_the_web_process_may_be_asked_again_passes() -> None:
    """But for errors of operators' own tools, which no answer tells."""
    own: set[type[RetryableError]] = {*RetryableError.__subclasses__(), NoWorker}
    kinds = own - {StoreUnavailable, BalancerUnavailable}
    assert {kind.code for kind in kinds} <= PASSING_ERRORS


def test_a_computation_that_took_too_long_passes_once_and_a_crash_never() -> None:
    slow = of_scoring.ran_too_long(5.0)
    assert {slow.code, slow.type} == TEXTS_ERRORS
    assert TEXTS_ERRORS < PASSING_ERRORS
    assert of_scoring.engine_crashed(1).code not in PASSING_ERRORS
