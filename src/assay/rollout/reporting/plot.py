"""The geometry of a chart: from points to what an SVG element needs. No markup, no colours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Final

WIDTH: Final = 480
HEIGHT: Final = 200
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 12, 28
"""Margins, for the scales' numbers."""
_TICKS: Final = 4
_LEAST_TOP: Final = {"share": 0.01, "ms": 1.0, "change": 1e-3}
"""The top of the scale when all values are smaller, so that nothing looks like something."""


@dataclass(frozen=True, slots=True)
class Tick:
    """`at`: where on its axis, in the picture's units."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """`runs`: unbroken stretches, each ready for a polyline's points. `dots`: stretches of a single point.
    `last`: the newest value in words; empty when there is none."""

    name: str
    arm: str
    style: str
    runs: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    last: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart laid out. `bounds`: where stages begin, but for the first. `summary`: all in a sentence."""

    key: str
    title: str
    curves: tuple[Curve, ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    bounds: tuple[float, ...]
    summary: str


def plot(chart: Mapping[str, Any], moment: Any) -> Plot | None:
    """Lay a chart of `assay.rollout.reporting.view` out; None when it has no points. `moment`: from seconds
    since 1970 to a clock time."""
    points: Sequence[Mapping[str, Any]] = chart["points"]
    if not points:
        return None
    unit, lines = chart["unit"], chart["lines"]
    start, end = points[0]["at_s"], points[-1]["at_s"]
    top = _top(max(value for point in points for value in point["values"] if value is not None), unit)
    step = _step(top)
    top = step * math.ceil(top / step - 1e-9)
    frame = _Frame(start, max(end - start, 1.0), top)
    curves = tuple(_curve(line, place, points, frame, unit) for place, line in enumerate(lines))
    told = ", ".join(f"{curve.name} {curve.last}" for curve in curves if curve.last)
    return Plot(
        chart["key"],
        chart["title"],
        curves,
        tuple(Tick(frame.y(step * n), _scale(step * n, unit)) for n in range(round(top / step) + 1)),
        tuple(Tick(frame.x(at_s), moment(at_s)) for at_s in _column_times(start, end)),
        tuple(round(frame.x(at_s), 1) for at_s in _stage_starts(points)),
        f"{moment(start)} to {moment(end)}; at last {told}",
    )


def words(value: float, unit: str) -> str:
    """A value for people."""
    if unit == "share":
        return f"{100 * value:.3g} %"
    return f"{value:,.0f} ms" if unit == "ms" and value >= 100 else f"{value:.3g}{' ms' * (unit == 'ms')}"


def _scale(value: float, unit: str) -> str:
    """A tick's number; milliseconds stand in the chart's title."""
    return f"{value:,.6g}" if unit == "ms" else words(value, unit)


@dataclass(frozen=True, slots=True)
class _Frame:
    start_s: float
    span_s: float
    top: float

    def x(self, at_s: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (at_s - self.start_s) / self.span_s, 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top, 1)


def _top(most: float, unit: str) -> float:
    return max(most * 1.05, _LEAST_TOP[unit])


def _step(top: float) -> float:
    """1, 2 or 5 times a power of ten, so that about `_TICKS` fit."""
    rough = top / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _curve(
    line: Mapping[str, str], place: int, points: Sequence[Mapping[str, Any]], frame: _Frame, unit: str
) -> Curve:
    stretches = list(_stretches(place, points, frame))
    values = [point["values"][place] for point in points if point["values"][place] is not None]
    return Curve(
        line["name"],
        line["arm"],
        line["style"],
        tuple(" ".join(f"{x},{y}" for x, y in run) for run in stretches if len(run) > 1),
        tuple(run[0] for run in stretches if len(run) == 1),
        words(values[-1], unit) if values else "",
    )


def _stretches(
    place: int, points: Sequence[Mapping[str, Any]], frame: _Frame
) -> Iterator[list[tuple[float, float]]]:
    """Points without a gap, within one stage."""
    for (_, is_gap), run in groupby(
        points, key=lambda point: (point["stage"], point["values"][place] is None)
    ):
        if not is_gap:
            yield [(frame.x(point["at_s"]), frame.y(point["values"][place])) for point in run]


def _column_times(start: float, end: float) -> Sequence[float]:
    return (start, (start + end) / 2, end) if end - start >= 2 else (start,)


def _stage_starts(points: Sequence[Mapping[str, Any]]) -> Iterator[float]:
    for before, point in pairwise(points):
        if before["stage"] != point["stage"]:
            yield (before["at_s"] + point["at_s"]) / 2
