"""Small charts as inline SVG: no scripts, no outside files, readable by screen readers, light and dark.

Colours are CSS variables of the page (``--s0`` … ``--s5``, ``--ink``, ``--grid``); lines also differ by
dashes, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH, HEIGHT = 340, 300
_LEFT, _TOP, _RIGHT, _BOTTOM = 46, 12, 12, 44
_TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
_DASHES: Final = ("", "6 3", "2 3", "9 3 2 3", "1 2", "12 4")
MAX_POINTS: Final = 120
"""Points drawn of one line; more cannot be seen at this size."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart. `points`: (x, y), both 0 to 1, in order of drawing. `dots`: mark each point."""

    name: str
    points: Sequence[tuple[float, float]]
    dots: bool = False


def chart(title: str, x_name: str, y_name: str, lines: Sequence[Line], *, diagonal: bool = False) -> str:
    """A chart of lines in the unit square. `diagonal`: also draw x = y, faintly."""
    described = f"{title}. Across: {x_name}, 0 to 1. Up: {y_name}, 0 to 1. " + " ".join(
        _told(line) for line in lines
    )
    body = [*_frame(x_name, y_name)]
    if diagonal:
        body.append(_path([(0.0, 0.0), (1.0, 1.0)], "faint", ""))
    for number, line in enumerate(lines):
        body.append(_path(_thinned(line.points), f"s{number % 6}", _DASHES[number % 6]))
        if line.dots:
            body.extend(_dot(x, y, number) for x, y in line.points)
    body.extend(_legend(lines))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(described)}">'
        f"<title>{escape(title)}</title>{''.join(body)}</svg>"
    )


def bars(title: str, values: Sequence[tuple[str, float]]) -> str:
    """Horizontal bars, largest first as given, each with its name and value."""
    row = 20
    height = row * len(values) + 8
    top = max((value for _, value in values), default=1.0) or 1.0
    body = []
    for i, (name, value) in enumerate(values):
        y = 4 + i * row
        width = round(230 * value / top, 1)
        body.append(
            f'<text x="322" y="{y + 14}" class="end">{escape(_shortened(name))}</text>'
            f'<rect x="330" y="{y + 3}" width="{width}" height="{row - 6}" class="f0"/>'
            f'<text x="{330 + width + 5:.1f}" y="{y + 14}">{value:.3f}</text>'
        )
    told = "; ".join(f"{name} {value:.3f}" for name, value in values)
    return (
        f'<svg viewBox="0 0 620 {height}" role="img" aria-label="{escape(f"{title}: {told}")}">'
        f"<title>{escape(title)}</title>{''.join(body)}</svg>"
    )


def _frame(x_name: str, y_name: str) -> list[str]:
    parts = []
    for tick in _TICKS:
        x, y = _place(tick, tick)
        left, bottom = _place(0, 0)
        right, top = _place(1, 1)
        parts.append(
            f'<path class="grid" d="M{left} {y}H{right}M{x} {bottom}V{top}"/>'
            f'<text x="{left - 5}" y="{y + 4}" class="end">{tick:g}</text>'
            f'<text x="{x}" y="{bottom + 15}" class="mid">{tick:g}</text>'
        )
    middle_x, middle_y = _place(0.5, 0.5)
    parts.append(f'<text x="{middle_x}" y="{HEIGHT - 10}" class="mid">{escape(x_name)}</text>')
    turned = f'transform="rotate(-90 12 {middle_y})"'
    parts.append(f'<text x="12" y="{middle_y}" class="mid" {turned}>{escape(y_name)}</text>')
    return parts


def _place(x: float, y: float) -> tuple[float, float]:
    return (
        round(_LEFT + x * (WIDTH - _LEFT - _RIGHT), 1),
        round(HEIGHT - _BOTTOM - y * (HEIGHT - _TOP - _BOTTOM), 1),
    )


def _path(points: Sequence[tuple[float, float]], name: str, dashes: str) -> str:
    drawn = " ".join(f"{x},{y}" for x, y in (_place(*point) for point in points))
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline class="line {name}" points="{drawn}"{dash}/>'


def _dot(x: float, y: float, number: int) -> str:
    at_x, at_y = _place(x, y)
    return f'<circle cx="{at_x}" cy="{at_y}" r="3" class="f{number % 6}"/>'


def _legend(lines: Sequence[Line]) -> list[str]:
    if len(lines) < 2:
        return []
    parts = []
    for number, line in enumerate(lines):
        y = HEIGHT - _BOTTOM - 14 * (len(lines) - number)
        dash = f' stroke-dasharray="{_DASHES[number % 6]}"' if _DASHES[number % 6] else ""
        parts.append(
            f'<path class="line s{number % 6}" d="M{WIDTH - 110} {y}h26"{dash}/>'
            f'<text x="{WIDTH - 78}" y="{y + 4}">{escape(line.name)}</text>'
        )
    return parts


def _told(line: Line) -> str:
    """A line in words: three of its points."""
    if not line.points:
        return f"{line.name}: nothing."
    picked = [line.points[i] for i in sorted({0, len(line.points) // 2, len(line.points) - 1})]
    return f"{line.name}: " + ", ".join(f"({x:.2f}, {y:.2f})" for x, y in picked) + "."


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    step = max(1, len(points) // MAX_POINTS)
    kept = list(points[::step])
    return kept if not points or kept[-1] == points[-1] else [*kept, points[-1]]


def _shortened(name: str) -> str:
    name = name.removeprefix("feature.")
    return name if len(name) <= 50 else f"{name[:24]}…{name[-25:]}"
