"""What the page says in words of its own."""

from __future__ import annotations

from typing import Any

import pytest

from assay.rollout.reporting.pages import clock_time, headline, iso, lasted, moment


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0.0 s"),
        (0.71, "0.7 s"),
        (10, "10 s"),
        (60, "60 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h 0 min"),
        (7300, "2 h 1 min"),
    ],
)
def test_spans_are_told_in_fitting_units(seconds: float, said: str) -> None:
    assert lasted(seconds) == said


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("running", "Running: codfw 5 %"),
        ("paused", "Paused at codfw 5 %"),
        ("rolling_back", "Rolling back at codfw 5 %"),
        ("rolled_back", "Rolled back at codfw 5 %"),
        ("done", "Done"),
        ("ended", "No longer watched"),
    ],
)
def test_the_headline_says_where_a_rollout_stands(status: str, said: str) -> None:
    stages = [{"data_centre": "codfw", "kind": "weight"}]
    assert headline({"rollout": {"status": status, "stage": "codfw 5 %", "stages": stages}}) == said


def test_the_headline_names_who_is_watched_until_that_ends() -> None:
    stages = [{"data_centre": name, "kind": "watch"} for name in ("codfw", "eqiad")]
    told: dict[str, Any] = {"rollout": {"status": "running", "stage": "codfw watch", "stages": stages}}
    assert headline(told) == "Watching codfw, eqiad"
    told["rollout"]["status"] = "ended"
    assert headline(told) == "No longer watched"
    assert headline({"rollout": None}) == "No rollout yet"


def test_times_are_utc() -> None:
    assert moment(1.5) == "1970-01-01 00:00:01"
    assert clock_time(86399.0) == "23:59:59"
    assert iso(1.5) == "1970-01-01T00:00:01.500+00:00"
