"""Threshold queries: the best cut of a label under a condition, as ORES's clients ask for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assay.errors import BadParameter
from assay.models.confusion import FIELDS

Row = Mapping[str, float | None]
"""Of a label's table: ``threshold`` and `FIELDS`."""

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
