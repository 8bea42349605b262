"""What queries find in a table that was measured."""

from __future__ import annotations

import numpy as np
import pytest

from assay.models.dataset import Floats
from assay.models.statistics.measured import Measured, answer
from assay.models.statistics.query import Query
from assay.models.statistics.threshold_table import ThresholdTable
from assay.models.statistics.thresholds import table

RNG = np.random.default_rng(5)
TRUTH = RNG.random(400) < 0.3
SCORE: Floats = np.round(np.clip(TRUTH * 0.3 + RNG.random(400) * 0.7, 0, 1), 3).astype(np.float64)
MEASURED = Measured(400, int(TRUTH.sum()), 0.05, table(TRUTH, SCORE, 0.05))


def test_counts_are_those_of_the_sample() -> None:
    for row in MEASURED.table:
        counts = MEASURED.counts(row)
        assert row["threshold"] is not None
        assert counts.tp == int((TRUTH & (row["threshold"] <= SCORE)).sum())
        assert counts.fp == int((~TRUTH & (row["threshold"] <= SCORE)).sum())
        assert counts.n == 400


def test_a_cut_that_can_be_had_is_the_best_row() -> None:
    query = Query.parse("maximum recall @ precision >= 0.2")
    found = answer(query, MEASURED)
    assert found.nearest is None
    assert found.cut is not None
    assert found.cut.statistics["recall"] == (MEASURED.table.best(query) or {})["recall"]


@pytest.mark.parametrize(
    ("text", "field", "best"),
    [("maximum recall @ precision >= 1.5", "precision", max), ("minimum fpr @ recall <= -1", "recall", min)],
)
def test_what_cannot_be_had_comes_as_near_as_possible(text: str, field: str, best: object) -> None:
    found = answer(Query.parse(text), MEASURED)
    assert found.cut is None
    assert found.nearest is not None
    values = [value for row in MEASURED.table if (value := row[field]) is not None]
    assert found.nearest.statistics[field] == (max(values) if best is max else min(values))


def test_an_empty_table_has_nothing() -> None:
    found = answer(Query.parse("maximum recall @ precision >= 0.5"), Measured(0, 0, None, ThresholdTable()))
    assert (found.cut, found.nearest) == (None, None)
