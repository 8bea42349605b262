"""What a threshold query finds in a label's table, with counts and confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.models.statistics.confusion import FIELDS, Confusion
from assay.models.statistics.intervals import Interval, intervals_95
from assay.models.statistics.query import Query, Row
from assay.models.statistics.threshold_table import ThresholdTable


@dataclass(frozen=True, slots=True)
class Measured:
    """What a label's threshold table rests on. `rows`, `trues`: of the sample. `population_rate`: None when
    unknown."""

    rows: int
    trues: int
    population_rate: float | None
    table: ThresholdTable

    @classmethod
    def of(cls, statistics: Mapping[str, Any], label: str) -> Measured:
        """From a bundle's statistics document, which must have the label."""
        population = statistics["rates"].get("population")
        return cls(
            rows=statistics["counts"]["n"],
            trues=statistics["counts"]["labels"][label],
            population_rate=None if population is None else population[label],
            table=ThresholdTable.of(statistics["thresholds"][label]),
        )

    def counts(self, row: Row) -> Confusion:
        """Rows of the sample at a cut. Exact: recall and fpr are shares of known counts, told to six
        digits."""
        falses = self.rows - self.trues
        tp, fp = round((row["recall"] or 0.0) * self.trues), round((row["fpr"] or 0.0) * falses)
        return Confusion(tp, fp, falses - fp, self.trues - tp)


@dataclass(frozen=True, slots=True)
class Cut:
    """A threshold with what it does. `counts`: of the sample; `statistics`: of the population, if its rate
    is known."""

    threshold: float
    statistics: Row
    intervals_95: Mapping[str, Interval | None]
    counts: Confusion


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found. `cut`: the best row that meets its condition; None when none does: then `nearest`
    is the row that comes closest to it (None, too, when the table is empty)."""

    cut: Cut | None
    nearest: Cut | None


def answer(query: Query, measured: Measured) -> Answer:
    best = measured.table.best(query)
    if best is not None:
        return Answer(_cut(best, measured), None)
    closest = _closest(query, measured.table)
    return Answer(None, None if closest is None else _cut(closest, measured))


def _closest(query: Query, table: Sequence[Row]) -> Row | None:
    """By the condition first, then by what was to be best."""
    towards = 1 if query.at_least else -1
    better = 1 if query.maximum else -1
    ranked = [
        (towards * condition, better * (row[query.target] or 0.0), index)
        for index, row in enumerate(table)
        if (condition := row[query.condition]) is not None
    ]
    return table[max(ranked)[2]] if ranked else None


def _cut(row: Row, measured: Measured) -> Cut:
    counts = measured.counts(row)
    threshold = row["threshold"]
    assert threshold is not None
    statistics = {field: row[field] for field in FIELDS}
    return Cut(threshold, statistics, intervals_95(counts, measured.population_rate), counts)
