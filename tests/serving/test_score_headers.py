"""What headers tell of how an answer was had: never more than is true of all of it."""

from __future__ import annotations

import pytest

from assay.models.model import Score
from assay.revisions.problem import text_deleted
from assay.scoring.request import Cell, Scored
from assay.serving.score_headers import CACHE_HEADER, COST_HEADER, score_headers

SCORE = Score(True, {True: 1.0, False: 0.0})
CACHED, UNTOLD, PROBLEM = Scored(SCORE, is_cached=True), Scored(SCORE), text_deleted(1)


def cost(cpu_s: float) -> Scored:
    return Scored(SCORE, cpu_s=cpu_s)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[CACHED, CACHED], [CACHED]], "hit"),
        ([[CACHED], [UNTOLD]], "miss"),
        ([[CACHED, PROBLEM]], "miss"),
    ],
)
def test_a_hit_is_one_for_every_score(rows: list[list[Cell]], said: str) -> None:
    assert score_headers(rows, tells_cost=True)[CACHE_HEADER] == said


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[cost(0.25), cost(0.25)], [cost(0.5)]], "cpu;dur=750.000"),  # a job's cells share its cost
        ([[cost(0.25), PROBLEM]], "cpu;dur=250.000"),
        ([[cost(0.25)], [CACHED]], None),
        ([[cost(0.25), CACHED]], None),
        ([[cost(0.25), cost(0.5)]], None),  # of two jobs: one of them was another request's
        ([[PROBLEM]], None),
        ([], None),
    ],
)
def test_a_cost_is_told_when_all_was_computed_for_this_answer(
    rows: list[list[Cell]], said: str | None
) -> None:
    assert score_headers(rows, tells_cost=True).get(COST_HEADER) == said
    assert COST_HEADER not in score_headers(rows, tells_cost=False)
