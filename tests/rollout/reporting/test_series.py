"""Series for charts: the values that a verdict has, and gaps where it has none."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assay.clock import FakeClock
from assay.rollout.journal import Journal
from assay.rollout.reporting.series import CHARTS, MAX_POINTS, Series, figures_by_name
from rollout.any_json import JSON
from rollout.arms import Defect
from rollout.told import NOON, Teller, verdicts


def test_every_chart_finds_its_figures_in_a_real_verdict(tmp_path: Path) -> None:
    clock = FakeClock(NOON)
    with Journal(tmp_path, clock) as journal:
        teller = Teller(journal, clock)
        stage = teller.plan.stages[5]
    figures = figures_by_name(verdicts(stage, Defect())[-1].as_data())
    for kind in CHARTS:
        values = kind.values(figures)
        assert len(values) == len(kind.lines), kind.key
        assert None not in values, kind.key


def test_values_are_those_of_the_verdict() -> None:
    figures: dict[str, dict[str, Any]] = {
        "user_errors": {"stable": {"requests": 100, "failed": 1}, "candidate": {"requests": 50, "failed": 5}},
        "user_latency": {
            "classes": {
                "cached": {"stable": {"requests": 9}, "candidate": {"requests": 2}},
                "computed": {
                    "stable": {"requests": 9, "p50_p95_p99_ms": [1, 2, 3]},
                    "candidate": {"requests": 8, "p50_p95_p99_ms": [4, 5, 6]},
                },
            }
        },
        "computing_time": {"stable_ms": [10, 20], "candidate_ms": [30, 40]},
        "passing_errors": {"pairs": 10, "stable_only": 1, "candidate_only": 2},
        "scores": {
            "scores": 200,
            "changed": 20,
            "models": {
                "a/b": {"prediction_flips": 1, "abs_delta_p50_p90_p99_max": [0, 0, 0.1, 0.2]},
                "a/c": {"prediction_flips": 3, "abs_delta_p50_p90_p99_max": [0, 0, 0.05, 0.9]},
            },
        },
    }
    assert {kind.key: kind.values(figures) for kind in CHARTS} == {
        "errors": (0.01, 0.1),
        "latency": (2.0, 5.0, 1.0, 4.0, 3.0, 6.0),
        "computing": (20.0, 40.0, 10.0, 30.0),
        "passing": (0.1, 0.2),
        "drift": (0.1, 0.02),
        "delta": (0.1, 0.9),
    }


@given(
    st.dictionaries(
        st.sampled_from(["user_errors", "user_latency", "computing_time", "passing_errors", "scores"]), JSON
    )
)
def test_garbled_figures_are_gaps(figures: dict[str, Any]) -> None:
    for kind in CHARTS:
        values = kind.values(figures)
        assert len(values) == len(kind.lines)
        assert all(value is None or math.isfinite(value) for value in values)


def test_a_long_series_is_thinned_but_keeps_its_ends() -> None:
    series = Series(CHARTS[0])
    figures = {"user_errors": {arm: {"requests": 10, "failed": 1} for arm in ("stable", "candidate")}}
    for second in range(10_000):
        series.add(float(second), 0, figures)
        assert len(series.points) <= 2 * MAX_POINTS
    assert series.points[0].at_s == 0.0
    assert series.points[-1].at_s == 9999.0
    times = [point.at_s for point in series.points]
    assert times == sorted(set(times))
