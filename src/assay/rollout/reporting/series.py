"""What both arms did over time, out of the figures of journalled verdicts: numbers for plots.

A verdict counts from its stage's start, so each point says what was known by then, and lines begin anew with
each stage. Figures are read, never trusted: what is missing or no finite number leaves a gap.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Unit = Literal["share", "ms", "change"]
Checks = Mapping[str, Mapping[str, Any]]
"""Figures by the check's name."""
Values = tuple[float | None, ...]

MAX_POINTS: Final = 300
"""Of one chart. Beyond twice as many, every other point is dropped: a screen has no more columns."""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve. `arm`: ``stable`` or ``candidate``. `style`: ``main``, ``thin`` or ``dotted``: they differ
    by more than colour."""

    name: str
    arm: str
    style: str = "main"


@dataclass(frozen=True, slots=True)
class ChartKind:
    """What a chart shows and where its values stand in a verdict. `values`: one for each line; None: gap."""

    key: str
    title: str
    unit: Unit
    lines: tuple[Line, ...]
    values: Callable[[Checks], Values]


@dataclass(frozen=True, slots=True)
class Point:
    """`at_s`: seconds since 1970. `stage`: number in the plan; a curve is not drawn across stages."""

    at_s: float
    stage: int
    values: Values


@dataclass(slots=True)
class Series:
    """Points of one chart, in time order, thinned as they grow."""

    kind: ChartKind
    points: list[Point] = field(default_factory=list)

    def add(self, at_s: float, stage: int, checks: Checks) -> None:
        values = self.kind.values(checks)
        if all(value is None for value in values):
            return
        self.points.append(Point(at_s, stage, values))
        if len(self.points) > 2 * MAX_POINTS:
            self.points = [*self.points[:-1:2], self.points[-1]]


def figures_by_name(checks: Iterable[Mapping[str, Any]]) -> Checks:
    """For `Series.add`."""
    return {
        str(check.get("name")): check["figures"] for check in checks if isinstance(check.get("figures"), dict)
    }


def _number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _at(data: object, *path: str | int) -> object:
    """The value at a path of keys and places; None when there is none."""
    for step in path:
        if isinstance(step, str) and isinstance(data, dict):
            data = data.get(step)
        elif isinstance(step, int) and isinstance(data, (list, tuple)) and -len(data) <= step < len(data):
            data = data[step]
        else:
            return None
    return data


def _share(part: object, whole: object) -> float | None:
    some, all_ = _number(part), _number(whole)
    return None if some is None or not all_ else some / all_


def _failed(checks: Checks) -> Values:
    figures = checks.get("user_errors")
    return tuple(
        _share(_at(figures, arm, "failed"), _at(figures, arm, "requests")) for arm in ("stable", "candidate")
    )


def _waited(checks: Checks) -> Values:
    """Of the cache class in which the candidate answered most."""
    classes = _at(checks.get("user_latency"), "classes")
    found = list(classes.values()) if isinstance(classes, dict) else []
    most = max(found, key=lambda item: _number(_at(item, "candidate", "requests")) or 0.0, default=None)
    return tuple(
        _number(_at(most, arm, "p50_p95_p99_ms", place))
        for place in (1, 0, 2)
        for arm in ("stable", "candidate")
    )


def _computed(checks: Checks) -> Values:
    figures = checks.get("computing_time")
    return tuple(
        _number(_at(figures, f"{arm}_ms", place)) for place in (1, 0) for arm in ("stable", "candidate")
    )


def _failed_for_now(checks: Checks) -> Values:
    figures = checks.get("passing_errors")
    return tuple(
        _share(_at(figures, f"{arm}_only"), _at(figures, "pairs")) for arm in ("stable", "candidate")
    )


def _changed(checks: Checks) -> Values:
    figures = checks.get("scores")
    flips = [_number(_at(model, "prediction_flips")) for model in _models(figures)]
    return (
        _share(_at(figures, "changed"), _at(figures, "scores")),
        _share(sum(flip for flip in flips if flip is not None), _at(figures, "scores")) if flips else None,
    )


def _moved(checks: Checks) -> Values:
    """Of the model that moved farthest."""
    models = _models(checks.get("scores"))
    quantiles = [
        [_number(_at(model, "abs_delta_p50_p90_p99_max", place)) for model in models] for place in (2, 3)
    ]
    return tuple(max((value for value in values if value is not None), default=None) for values in quantiles)


def _models(figures: object) -> list[object]:
    models = _at(figures, "models")
    return list(models.values()) if isinstance(models, dict) else []


def _of_both(*names_and_styles: tuple[str, str]) -> tuple[Line, ...]:
    return tuple(
        Line(f"{arm} {name}".strip(), arm, style)
        for name, style in names_and_styles
        for arm in ("stable", "candidate")
    )


CHARTS: Final = (
    ChartKind("errors", "Users' requests that failed", "share", _of_both(("", "main")), _failed),
    ChartKind(
        "latency",
        "How long users waited",
        "ms",
        _of_both(("p95", "main"), ("p50", "thin"), ("p99", "dotted")),
        _waited,
    ),
    ChartKind(
        "computing",
        "Time to compute the same requests",
        "ms",
        _of_both(("p95", "main"), ("p50", "thin")),
        _computed,
    ),
    ChartKind(
        "passing",
        "Compared requests that failed in one arm only",
        "share",
        _of_both(("", "main")),
        _failed_for_now,
    ),
    ChartKind(
        "drift",
        "Scores that changed",
        "share",
        (Line("changed scores", "candidate"), Line("changed predictions", "candidate", "dotted")),
        _changed,
    ),
    ChartKind(
        "delta",
        "How far scores moved, in the model that moved most",
        "change",
        (Line("99 of 100 moved by no more", "candidate"), Line("largest move", "candidate", "dotted")),
        _moved,
    ),
)
