"""Charts laid out: curves, scales and what is said of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.rollout.reporting import plot


def chart(points: list[tuple[float, int, list[float | None]]], unit: str = "share") -> dict[str, Any]:
    lines = [{"name": arm, "arm": arm, "style": "main"} for arm in ("stable", "candidate")]
    told = [{"at_s": at_s, "stage": stage, "values": values} for at_s, stage, values in points]
    return {"key": "k", "title": "t", "unit": unit, "lines": lines, "points": told}


def test_curves_break_at_gaps_and_stages() -> None:
    points: list[tuple[float, int, list[float | None]]] = [
        (0, 1, [0.1, 0.2]),
        (1, 1, [0.1, None]),
        (2, 1, [0.1, 0.2]),
        (3, 1, [0.1, 0.2]),
        (4, 2, [0.1, 0.2]),
    ]
    laid = plot.plot(chart(points), str)
    assert laid is not None
    stable, candidate = laid.curves
    assert [len(run.split()) for run in stable.runs] == [4]
    assert len(stable.dots) == 1
    assert [len(run.split()) for run in candidate.runs] == [2]
    assert len(candidate.dots) == 2
    assert len(laid.bounds) == 1
    assert laid.summary == "0 to 4; at last stable 10 %, candidate 20 %"


def test_without_points_there_is_no_plot() -> None:
    assert plot.plot(chart([]), str) is None


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e12) | st.none()), min_size=1, max_size=30),
    st.sampled_from(["share", "ms", "change"]),
)
def test_everything_lies_within_the_frame(points: list[tuple[float, float | None]], unit: str) -> None:
    points = sorted(points, key=lambda point: point[0])
    laid = plot.plot(
        chart([(at_s, 0, [value, 0.0]) for at_s, value in points], unit), lambda at_s: f"{at_s:.0f}"
    )
    assert laid is not None
    places = [
        tuple(map(float, place.split(",")))
        for curve in laid.curves
        for run in curve.runs
        for place in run.split()
    ]
    for x, y in [*places, *(dot for curve in laid.curves for dot in curve.dots)]:
        assert plot.LEFT - 0.1 <= x <= plot.WIDTH - plot.RIGHT + 0.1
        assert plot.TOP - 0.1 <= y <= plot.HEIGHT - plot.BOTTOM + 0.1
    rows = [row.at for row in laid.rows]
    assert 3 <= len(rows) <= 8
    assert all(low > high for low, high in pairwise(rows))
    assert len({row.text for row in laid.rows}) == len(rows)


def test_a_chart_fills_its_frame_with_round_scales() -> None:
    laid = plot.plot(chart([(0, 1, [0.0, 0.2]), (10, 1, [0.3, 0.1]), (20, 2, [0.1, 0.1])]), str)
    assert laid is not None
    stable, candidate = laid.curves
    left, middle, right = plot.LEFT, (plot.LEFT + plot.WIDTH - plot.RIGHT) / 2, plot.WIDTH - plot.RIGHT
    bottom, span = plot.HEIGHT - plot.BOTTOM, plot.HEIGHT - plot.TOP - plot.BOTTOM
    assert [(row.text, row.at) for row in laid.rows] == [
        (f"{10 * number} %", bottom - span * number / 4) for number in range(5)
    ]
    assert [(column.text, column.at) for column in laid.columns] == [
        ("0", left),
        ("10.0", middle),
        ("20", right),
    ]
    assert stable.runs == (f"{left:.1f},{bottom:.1f} {middle},{bottom - span * 3 / 4}",)
    assert stable.dots == ((right, bottom - span / 4),)
    assert laid.bounds == (round((middle + right) / 2, 1),)
    assert (stable.last, candidate.last) == ("10 %", "10 %")


@pytest.mark.parametrize(
    ("unit", "rows"),
    [("share", ["0 %", "0.5 %", "1 %"]), ("ms", ["0", "0.5", "1"]), ("change", ["0", "0.0005", "0.001"])],
)
def test_nothing_looks_like_nothing(unit: str, rows: list[str]) -> None:
    laid = plot.plot(chart([(5, 0, [0.0, None])], unit), str)
    assert laid is not None
    assert [row.text for row in laid.rows] == rows
    assert [column.text for column in laid.columns] == ["5"], "one moment is one time"
    assert laid.curves[1].last == ""
    assert laid.summary.endswith(f"at last stable {plot.words(0.0, unit)}")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.12345, "share", "12.3 %"),
        (99.94, "ms", "99.9 ms"),
        (100.4, "ms", "100 ms"),
        (12345.6, "ms", "12,346 ms"),
        (0.0012345, "change", "0.00123"),
        (123.4, "change", "123"),
    ],
)
def test_a_value_in_words(value: float, unit: str, said: str) -> None:
    assert plot.words(value, unit) == said
