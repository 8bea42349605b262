"""Where the lines of a chart over all thresholds lie: plain geometry, drawn by ``thresholds.html``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

WIDTH: Final = 720
HEIGHT: Final = 380
LEFT: Final = 56
RIGHT: Final = 12
TOP: Final = 12
BOTTOM: Final = 34
TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
CURVES: Final = (
    ("precision", "Precision"),
    ("recall", "Recall"),
    ("filter_rate", "Filter rate"),
    ("match_rate", "Match rate"),
)
"""Statistics that are drawn, with their titles."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One statistic. `runs`: unbroken stretches as SVG points; a statistic may be undefined in between."""

    name: str
    title: str
    runs: Sequence[str]


def x_of(threshold: float) -> float:
    return round(LEFT + threshold * (WIDTH - LEFT - RIGHT), 1)


def y_of(share: float) -> float:
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def curves(table: Sequence[Mapping[str, Any]]) -> list[Curve]:
    """`table`: rows of statistics, ascending by threshold."""
    return [Curve(name, title, _runs(table, name)) for name, title in CURVES]


def row_at(table: Sequence[Mapping[str, Any]], threshold: float) -> int:
    """Which row tells what the threshold does: no score lies between it and the row's own threshold."""
    for index, row in enumerate(table):
        if row["threshold"] >= threshold:
            return index
    return len(table) - 1


def _runs(table: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    """As steps: from one row's threshold to the next, the next one's statistics hold."""
    runs: list[list[tuple[float, float]]] = [[]]
    for before, row in pairwise([None, *table]):
        assert row is not None
        if (share := row[name]) is None:
            runs.append([])
            continue
        if before is not None and runs[-1]:
            runs[-1].append((x_of(before["threshold"]), y_of(share)))
        runs[-1].append((x_of(row["threshold"]), y_of(share)))
    return [" ".join(f"{x:g},{y:g}" for x, y in run) for run in runs if run]
