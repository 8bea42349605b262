"""Rows as a drill makes them."""

from __future__ import annotations

from typing import Any

from assay.drill.defects import DEFECTS, Defect
from assay.drill.row import Row


def defect(name: str) -> Defect:
    return next(it for it in DEFECTS if it.name == name)


def row(name: str, **changes: Any) -> Row:
    """Of one that users asked through, and that ended as it should."""
    plain: dict[str, Any] = {
        "began_s": 0.0,
        "caught": None,
        "reason": "",
        "weight": 100,
        "served": 500,
        "by": "",
        "caught_s": 200.0,
        "safety_s": 0.0,
        "took_s": 202.0,
        "asked": 4000,
    }
    return Row(defect(name), **plain | changes)


THROUGH = row("nothing")
REFUSED = row("stale", caught="start", reason=defect("stale").by[0], weight=0, served=0, by="refused")
CAUGHT = row(
    "slow",
    caught="standby shadow",
    reason="computing_time: the candidate takes 2.0 times as long",
    weight=0,
    served=0,
    by="computing_time",
    caught_s=30.0,
    took_s=33.0,
    asked=900,
)
