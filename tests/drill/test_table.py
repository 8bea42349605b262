"""The drill's table, and what counts as right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.drill.row import Row
from assay.drill.table import COLUMNS, faults, markdown, summary
from assay.drill.users import Incident
from drill.rows import CAUGHT, REFUSED, THROUGH, row

HURT = (Incident(1.0, "main", "500 internal error: /v3/scores/"),)


def test_what_is_as_it_should_be_is_told_in_one_line_each() -> None:
    text = markdown([THROUGH, CAUGHT])
    assert text.splitlines()[0] == "| " + " | ".join(COLUMNS) + " |"
    assert "| went through |" in text
    assert "| standby shadow | computing_time | 0 % |" in text
    assert summary([THROUGH, CAUGHT]).startswith("2 of 2 rollouts ended as they should")
    assert list(faults([THROUGH, CAUGHT, REFUSED])) == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (replace(CAUGHT, caught=None), "it went through"),
        (replace(CAUGHT, weight=5), "5 % of users had it"),
        (replace(CAUGHT, caught="standby 1 %"), "must be caught in shadow at the latest, not in standby 1 %"),
        (replace(CAUGHT, caught="start"), "must be caught in shadow at the latest, not in start"),
        (
            row("stale", caught="standby shadow", weight=0),
            "must be caught in start at the latest, not in standby",
        ),
        (
            replace(REFUSED, reason="no such command"),
            'must be caught by "another release\'s: its digest begins with", not, in start, by: no such',
        ),
        (
            row("feature", caught="standby shadow", reason="shape: a key more", weight=0),
            "must be caught by 'values' or 'scores', not, in standby shadow, by: shape: a key more",
        ),
        (
            row("nothing", served=0),
            "nothing went through, but not to all users: 0 of their requests at 100 %",
        ),
        (replace(CAUGHT, asked=0), "no user asked anything"),
        (replace(CAUGHT, is_over=False), "it did not end, in standby shadow"),
        (replace(CAUGHT, incidents=HURT), "1 user-visible errors: 500 internal error"),
        (replace(THROUGH, incidents=HURT), "1 user-visible errors"),
        (
            replace(THROUGH, caught="main 1 %", reason="slow"),
            "is harmless, but was stopped in main 1 %: slow",
        ),
    ],
)
def test_what_is_not_is_told(row: Row, told: str) -> None:
    assert not row.is_right
    (fault,) = faults([row])
    assert told in fault
    assert summary([row]).startswith("0 of 1")
