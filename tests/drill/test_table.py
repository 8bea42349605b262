"""The drill's table, and what counts as right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.drill.defects import DEFECTS
from assay.drill.run import Row
from assay.drill.table import COLUMNS, faults, markdown, summary
from assay.drill.users import Incident

HARMLESS, HARMFUL = (next(d for d in DEFECTS if d.name == name) for name in ("nothing", "slow"))
STALE = next(d for d in DEFECTS if d.name == "stale")
THROUGH = Row(HARMLESS, None, "", 100, 500, 4000, (), "", 200.0, 0.0, 202.0)
REFUSED = Row(STALE, "start", "its digest is not", 0, 0, 90, (), "refused", 2.0, 0.0, 4.0)
CAUGHT = Row(HARMFUL, "standby shadow", "slow", 0, 0, 900, (), "computing_time", 30.0, 0.0, 33.0)
HURT = (Incident(1.0, "main", "500 internal error: /v3/scores/"),)


def test_what_is_as_it_should_be_is_told_in_one_line_each() -> None:
    text = markdown([THROUGH, CAUGHT])
    assert text.splitlines()[0] == "| " + " | ".join(COLUMNS) + " |"
    assert "| went through |" in text
    assert "| standby shadow | computing_time | 0 % |" in text
    assert summary([THROUGH, CAUGHT]).startswith("2 of 2 rollouts ended as they should")
    assert list(faults([THROUGH, CAUGHT, replace(REFUSED, reason=STALE.refusal)])) == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (replace(CAUGHT, caught=None), "it went through"),
        (replace(CAUGHT, weight=5), "5 % of users had it"),
        (replace(CAUGHT, caught="standby 1 %"), "must be caught in shadow at the latest, not in standby 1 %"),
        (replace(CAUGHT, caught="start"), "must be caught in shadow at the latest, not in start"),
        (replace(CAUGHT, defect=STALE), "must be caught in start at the latest, not in standby shadow"),
        (replace(REFUSED, reason="no such command"), "not in start: no such command"),
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
