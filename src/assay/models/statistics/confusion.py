"""Counts of right and wrong at one cut, and the ten statistics that ORES derived from them.

Names and definitions are revscoring's (``scaled_prediction_statistics.py``), so that thresholds asked for by
existing clients mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FIELDS: Final = (
    "match_rate",
    "filter_rate",
    "precision",
    "!precision",
    "recall",
    "!recall",
    "accuracy",
    "fpr",
    "f1",
    "!f1",
)


@dataclass(frozen=True, slots=True)
class Confusion:
    """True and false positives and negatives of one label, as counts or scaled to a population."""

    tp: float
    fp: float
    tn: float
    fn: float

    def scaled(self, population_rate: float | None) -> Confusion:
        """As if the label made up `population_rate` of the rows; unchanged when None or one-sided."""
        if population_rate is None or not self.trues or not self.falses:
            return self
        n = self.n
        up = population_rate * n / self.trues
        down = (1 - population_rate) * n / self.falses
        return Confusion(self.tp * up, self.fp * down, self.tn * down, self.fn * up)

    @property
    def n(self) -> float:
        return self.tp + self.fp + self.tn + self.fn

    @property
    def trues(self) -> float:
        """Rows that have the label."""
        return self.tp + self.fn

    @property
    def falses(self) -> float:
        return self.fp + self.tn

    def statistics(self) -> dict[str, float | None]:
        """Every one of `FIELDS`; None where it would divide by zero."""
        precision, recall = _ratio(self.tp, self.tp + self.fp), _ratio(self.tp, self.trues)
        no_precision, no_recall = _ratio(self.tn, self.tn + self.fn), _ratio(self.tn, self.falses)
        return {
            "match_rate": _ratio(self.tp + self.fp, self.n),
            "filter_rate": _ratio(self.tn + self.fn, self.n),
            "precision": precision,
            "!precision": no_precision,
            "recall": recall,
            "!recall": no_recall,
            "accuracy": _ratio(self.tp + self.tn, self.n),
            "fpr": _ratio(self.fp, self.falses),
            "f1": _harmonic(precision, recall),
            "!f1": _harmonic(no_precision, no_recall),
        }


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _harmonic(a: float | None, b: float | None) -> float | None:
    return 2 * a * b / (a + b) if a is not None and b is not None and a + b > 0 else None
