"""What a label's statistics become at each cut, and the best cut under a condition.

ORES rounded thresholds to three digits; here every row is exact at an observed score. Of many distinct
scores at most `MAX_ROWS` are kept: the lowest and the highest, and in between rows that are evenly far apart
in recall plus false-positive rate, so that neighbours differ by little in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from assay.errors import BadParameter
from assay.models.confusion import FIELDS, Confusion
from assay.models.dataset import Array, Floats, Indices

MAX_ROWS: Final = 400
"""Per label. Neighbouring rows then differ by at most 0.005 in recall plus false-positive rate (or hold one
score between them that many rows share)."""

Row = Mapping[str, float | None]


@dataclass(frozen=True, eq=False)
class Cuts:
    """All distinct scores, ascending, with how many rows of either kind score at least so much."""

    threshold: Floats
    tp: Indices
    fp: Indices

    @classmethod
    def of(cls, truth: Array, score: Floats) -> Cuts:
        """From n truth values and n scores."""
        order = np.argsort(-score, kind="stable")
        ordered, hits = score[order], truth[order].astype(np.int64)
        last_of_equals = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
        tp = np.cumsum(hits)[last_of_equals]
        return cls(ordered[last_of_equals][::-1], tp[::-1], (last_of_equals + 1 - tp)[::-1])

    def confusion(self, i: int) -> Confusion:
        """Counts when every score from `threshold[i]` on is a match."""
        tp, fp = int(self.tp[i]), int(self.fp[i])
        return Confusion(tp, fp, int(self.fp[0]) - fp, int(self.tp[0]) - tp)


class ThresholdTable(list[Row]):
    """A label's rows of ``threshold`` and `FIELDS`, to be asked often; told as the list that it is, and not
    changed once it was asked.

    One query is one pass of numpy over a column: 0.01 ms for `MAX_ROWS` rows, where a look at each row in
    Python takes 0.1 ms. Columns, and the order of rows by each statistic, are made when first needed.
    """

    @classmethod
    def of(cls, rows: Iterable[Row]) -> ThresholdTable:
        """The rows themselves, if they are a table already."""
        return rows if isinstance(rows, cls) else cls(rows)

    def best(self, query: Query) -> Row | None:
        """The whole row of the best cut; None when none meets the condition.

        Of equals the highest threshold for a maximum, the lowest for a minimum, as in ORES.
        """
        if not self:
            return None
        found = self._column(query.condition)
        met = found >= query.value if query.at_least else found <= query.value  # NaN is neither
        ranks = np.where(met, self._ranks(query.target, maximum=query.maximum), -1)
        best = int(ranks.argmax())
        return self[best] if ranks[best] >= 0 else None

    def _column(self, name: str) -> Floats:
        """[rows]; NaN for None."""
        if name not in self._columns:
            values = (row[name] for row in self)
            self._columns[name] = np.array([np.nan if value is None else value for value in values], float)
        return self._columns[name]

    def _ranks(self, target: str, *, maximum: bool) -> Indices:
        """[rows] The higher the better, -1 where the statistic is not defined. Of rows that are equal in
        threshold, too, the first is better."""
        key = target, maximum
        if key not in self._ranked:
            sign = 1.0 if maximum else -1.0
            values, threshold = self._column(target), self._column("threshold")
            ranks = np.empty(len(self), np.int64)
            ranks[np.lexsort((-np.arange(len(self)), sign * threshold, sign * values))] = np.arange(len(self))
            ranks[np.isnan(values) | np.isnan(threshold)] = -1
            self._ranked[key] = ranks
        return self._ranked[key]

    @cached_property
    def _columns(self) -> dict[str, Floats]:
        return {}

    @cached_property
    def _ranked(self) -> dict[tuple[str, bool], Indices]:
        return {}


def table(truth: Array, score: Floats, population_rate: float | None) -> ThresholdTable:
    """Ascending by threshold; empty when there are no rows."""
    if not len(score):
        return ThresholdTable()
    cuts = Cuts.of(truth, score)
    return ThresholdTable(
        {"threshold": float(cuts.threshold[i]), **cuts.confusion(i).scaled(population_rate).statistics()}
        for i in _kept(cuts)
    )


def _kept(cuts: Cuts) -> list[int]:
    n = len(cuts.threshold)
    if n <= MAX_ROWS:
        return list(range(n))
    way = cuts.tp / max(int(cuts.tp[0]), 1) + cuts.fp / max(int(cuts.fp[0]), 1)
    wanted = np.linspace(way[0], way[-1], MAX_ROWS)
    nearest = np.searchsorted(-way, -wanted).clip(0, n - 1)
    return sorted({0, n - 1, *nearest.tolist()})


_QUERY: Final = re.compile(
    r"(?P<aim>maximum|minimum) (?P<target>!?[a-z]\w*) @ (?P<condition>!?[a-z]\w*) (?P<sign>>=|<=) "
    r"(?P<value>[-+]?(?:\d*\.\d+|\d+))",
    re.ASCII,
)
_MAX_QUERY_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Query:
    """``maximum recall @ precision >= 0.9``: the best `target` among rows that meet a condition."""

    maximum: bool
    target: str
    condition: str
    at_least: bool
    value: float

    @classmethod
    def parse(cls, text: str) -> Query:
        """Raises `BadParameter` when `text` is no query, or names a statistic that does not exist."""
        match = _QUERY.fullmatch(text.strip().lower()) if len(text) <= _MAX_QUERY_CHARS else None
        if match is None:
            raise BadParameter(
                f"{text[:_MAX_QUERY_CHARS]!r} is no threshold query; "
                "write for example 'maximum recall @ precision >= 0.9'"
            )
        for name in (match["target"], match["condition"]):
            if name not in FIELDS:
                raise BadParameter(f"there is no statistic {name!r}; there are: {', '.join(FIELDS)}")
        return cls(
            match["aim"] == "maximum",
            match["target"],
            match["condition"],
            match["sign"] == ">=",
            float(match["value"]),
        )


def optima(document: Mapping[str, Any], query: Query) -> dict[str, Any]:
    """The best threshold of each label of a statistics document, and their averages, as ORES told them.

    micro weighs labels by how frequent they are; both averages are None when a label has no such cut.
    """
    best = {name: ThresholdTable.of(rows).best(query) for name, rows in document["thresholds"].items()}
    labels = {name: None if row is None else row["threshold"] for name, row in best.items()}
    rates = document["rates"].get("population", document["rates"]["sample"])
    known = [(value, rates[name]) for name, value in labels.items() if value is not None]
    complete = len(known) == len(labels)
    weight = sum(rate for _, rate in known)
    return {
        "micro": sum(value * rate for value, rate in known) / weight if complete and weight else None,
        "macro": sum(value for value, _ in known) / len(known) if complete and known else None,
        "labels": labels,
    }
