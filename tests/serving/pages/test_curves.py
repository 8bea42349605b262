"""Geometry of the chart of thresholds."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assay.serving.pages import curves

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "threshold": st.floats(0, 1),
            **{name: st.none() | st.floats(0, 1) for name, _ in curves.CURVES},
        }
    ),
    min_size=1,
    max_size=30,
).map(lambda rows: sorted(rows, key=lambda row: row["threshold"] or 0.0))


@given(ROWS)
def test_lines_stay_within_the_chart_and_never_go_back(table: list[dict[str, Any]]) -> None:
    for curve in curves.curves(table):
        for run in curve.runs:
            points = [tuple(map(float, point.split(","))) for point in run.split()]
            assert [x for x, _ in points] == sorted(x for x, _ in points)
            assert all(curves.LEFT <= x <= curves.WIDTH - curves.RIGHT for x, _ in points)
            assert all(curves.TOP <= y <= curves.HEIGHT - curves.BOTTOM for _, y in points)


@given(ROWS)
def test_a_line_breaks_where_nothing_is_defined(table: list[dict[str, Any]]) -> None:
    for curve in curves.curves(table):
        defined = [row[curve.name] is not None for row in table]
        stretches = sum(now and not before for before, now in zip([False, *defined], defined, strict=False))
        assert len(curve.runs) == stretches


@given(ROWS, st.floats(0, 1))
def test_the_row_of_a_threshold_matches_the_same_scores(table: list[dict[str, Any]], at: float) -> None:
    chosen = table[curves.row_at(table, at)]["threshold"]
    assert chosen >= at or chosen == table[-1]["threshold"]
    assert not [row for row in table if at <= row["threshold"] < chosen]


def test_the_slider_stands_below_the_chart() -> None:
    style = (files("assay.serving.pages") / "static" / "models.css").read_text("utf-8")
    inner = curves.WIDTH - curves.LEFT - curves.RIGHT
    told = re.findall(r"calc\(100% \* (\d+) / (\d+)", style)
    assert told == [(str(inner), str(curves.WIDTH)), (str(curves.LEFT), str(curves.WIDTH))]
