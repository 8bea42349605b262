"""Words, stories, series and plots of the page: what they show, and what garbled figures do to them."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.clock import FakeClock
from assay.rollout import plot
from assay.rollout.follow import Follower
from assay.rollout.journal import Entry, Journal, read_journal
from assay.rollout.pages import Pages, lasted
from assay.rollout.series import CHARTS, MAX_POINTS, Series, figures_by_name
from assay.rollout.view import MAX_FIGURES, document
from assay.rollout.wording import CONTROLLER, MAX_TEXT, outcome, who, words
from rollout.arms import Defect
from rollout.told import NOON, Teller, verdicts, whole

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)
KINDS = [
    "started",
    "stage",
    "weights",
    "verdict",
    "aborted",
    "rolling_back",
    "paused",
    "resumed",
    "done",
    "note",
]
FIELDS = ["by", "reason", "text", "weights", "checks", "stage", "candidate", "data_centre", "served", "kind"]


def entry(kind: str, /, **data: Any) -> Entry:
    return Entry(1, datetime(2026, 11, 26, tzinfo=UTC), kind, data, "", "")


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (
            "stage",
            {"number": 3, "data_centre": "eqiad", "kind": "weight", "weight": 5},
            "stage 3: eqiad, 5 % of users",
        ),
        (
            "stage",
            {"number": 1, "data_centre": "eqiad", "kind": "shadow", "weight": 0},
            "stage 1: eqiad, shadow",
        ),
        (
            "weights",
            {"data_centre": "eqiad", "weights": {"blue": 95, "green": 5}},
            "weights in eqiad: blue 95 %, green 5 %",
        ),
        ("paused", {"reason": "lunch"}, "paused: lunch"),
        ("resumed", {}, "resumed: no reason told"),
        ("rolling_back", {"reason": "shape: x"}, "decided to roll back: shape: x"),
        ("done", {"served": 9, "failed": None}, "done: 9 requests served by the candidate, unknown failed"),
        ("rolled_back", {}, "rolled back"),
        ("note", {"text": "a\n b"}, "note: a b"),
        ("note", {}, "note"),
    ],
)
def test_an_entry_in_words(kind: str, data: dict[str, Any], said: str) -> None:
    assert words(entry(kind, **data)) == said


def test_a_verdict_in_words_names_what_is_bad_or_what_is_missing() -> None:
    checks = [
        {"name": n, "status": s, "sentence": f"{n} it is"} for n, s in (("a", "good"), ("b", "no_data"))
    ]
    assert words(entry("verdict", checks=checks)) == "verdict good: a; no data: b"
    bad = [*checks, {"name": "c", "status": "bad", "sentence": "worse"}]
    assert words(entry("verdict", checks=bad)) == "verdict bad: c: worse"
    assert [outcome(some) for some in (checks[:1], checks, bad, [])] == ["good", "no_data", "bad", "no_data"]


def test_who_acted() -> None:
    assert who(entry("paused", by="ada")) == "ada"
    assert who(entry("paused")) == who(entry("paused", by="")) == CONTROLLER


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_entry_has_words_of_bounded_length(kind: str, data: dict[str, Any]) -> None:
    assert 0 < len(words(entry(kind, **data))) <= MAX_TEXT
    assert 0 < len(who(entry(kind, **data))) <= MAX_TEXT


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from([*FIELDS, "number"]), JSON), st.lists(JSON, max_size=4))
def test_any_information_in_a_journal_can_be_shown(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any], checks: list[Any]
) -> None:
    data, checks = (
        json.loads(json.dumps(x).replace("NaN", "1").replace("-Infinity", "2").replace("Infinity", "3"))
        for x in (data, checks)
    )
    folder, clock = tmp_path_factory.mktemp("journal"), FakeClock(NOON)
    with Journal(folder, clock) as journal:
        teller = Teller(journal, clock)
        teller.start()
        for kind in ("weights", "verdict", "note", "action"):
            journal.append(kind, _writable(data))
        journal.append(
            "verdict",
            {"stage": data.get("stage"), "checks": checks}
            if _is_writable([checks, data.get("stage")])
            else {},
        )
    follower = Follower(folder)
    with follower.refreshed() as (reading, stories):
        told = document(reading, stories, stories[-1], follower.page())
    assert reading.problem is None
    assert "codfw" in Pages("").render(told, version="v", before=None)
    json.dumps(told)


def _is_writable(value: Any) -> bool:
    """orjson writes no integers beyond 64 bits, and no lone surrogates."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def _writable(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if _is_writable(value)}


# -- series ------------------------------------------------------------------------------------------


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


# -- plots -------------------------------------------------------------------------------------------


def chart(points: list[tuple[float, int, list[float | None]]], unit: str = "share") -> dict[str, Any]:
    lines = [{"name": arm, "arm": arm, "style": "main"} for arm in ("stable", "candidate")]
    told = [{"at_s": at_s, "stage": stage, "values": values} for at_s, stage, values in points]
    return {"key": "k", "title": "t", "unit": unit, "lines": lines, "points": told}


def test_curves_break_at_gaps_and_stages() -> None:
    points = [
        (0, 1, [0.1, 0.2]),
        (1, 1, [0.1, None]),
        (2, 1, [0.1, 0.2]),
        (3, 1, [0.1, 0.2]),
        (4, 2, [0.1, 0.2]),
    ]
    laid = plot.plot(chart(points), str)  # type: ignore[arg-type]
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


# -- the whole ---------------------------------------------------------------------------------------


def test_figures_that_are_shown_are_few_and_short(tmp_path: Path) -> None:
    clock = FakeClock(NOON)
    figures = {f"k{number}": {"deep": ["x" * 300] * 2} for number in range(1000)}
    with Journal(tmp_path, clock) as journal:
        Teller(journal, clock).start()
        check = {"name": "n" * 999, "status": "odd", "sentence": "s" * 9999, "figures": figures}
        journal.append("verdict", {"stage": 0, "checks": [check] * 3})
    follower = Follower(tmp_path)
    with follower.refreshed() as (reading, stories):
        told = document(reading, stories, stories[-1], follower.page())
    (shown, *_) = told["rollout"]["verdict"]["checks"]
    assert (shown["status"], len(shown["figures"])) == ("no_data", MAX_FIGURES)
    assert len(json.dumps(told)) < 60_000


def test_stages_that_were_left_have_times_that_add_up(tmp_path: Path) -> None:
    whole(tmp_path, FakeClock(NOON))
    follower = Follower(tmp_path)
    with follower.refreshed() as (reading, stories):
        rollout = document(reading, stories, stories[-1], ())["rollout"]
    entries = read_journal(tmp_path)
    stages = rollout["stages"]
    assert stages[0]["began_s"] == entries[0].at_s == rollout["started_s"]
    assert stages[-1]["ended_s"] == entries[-1].at_s == rollout["ended_s"]
    assert all(stage["state"] == "done" for stage in stages)
    assert all(one["ended_s"] == other["began_s"] for one, other in pairwise(stages))


@pytest.mark.parametrize(
    ("seconds", "said"), [(-1, "0.0 s"), (0.71, "0.7 s"), (60, "60 s"), (121, "2 min"), (7300, "2 h 1 min")]
)
def test_spans_are_told_in_fitting_units(seconds: float, said: str) -> None:
    assert lasted(seconds) == said
