"""What a label's statistics become at each cut, and the best cut under a condition.

ORES rounded thresholds to three digits; here every row is exact at an observed score. Of many distinct
scores at most `MAX_ROWS` are kept: the lowest and the highest, and in between rows that are evenly far apart
in recall plus false-positive rate, so that neighbours differ by little in both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


def table(truth: Array, score: Floats, population_rate: float | None) -> list[dict[str, float | None]]:
    """Rows of ``threshold`` and `FIELDS`, ascending by threshold; empty when there are no rows."""
    if not len(score):
        return []
    cuts = Cuts.of(truth, score)
    return [
        {"threshold": float(cuts.threshold[i]), **cuts.confusion(i).scaled(population_rate).statistics()}
        for i in _kept(cuts)
    ]


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

    def best(self, rows: Sequence[Row]) -> Row | None:
        """The whole row of the best cut; None when none meets the condition.

        Of equals the highest threshold for a maximum, the lowest for a minimum, as in ORES.
        """
        candidates = [
            (target, threshold, row)
            for row in rows
            if (target := row[self.target]) is not None
            and (threshold := row["threshold"]) is not None
            and self._met(row[self.condition])
        ]
        if not candidates:
            return None
        choose = max if self.maximum else min
        return choose(candidates, key=lambda candidate: candidate[:2])[2]

    def _met(self, found: float | None) -> bool:
        if found is None:
            return False
        return found >= self.value if self.at_least else found <= self.value


def optima(document: Mapping[str, Any], query: Query) -> dict[str, Any]:
    """The best threshold of each label of a statistics document, and their averages, as ORES told them.

    micro weighs labels by how frequent they are; both averages are None when a label has no such cut.
    """
    best = {name: query.best(rows) for name, rows in document["thresholds"].items()}
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
