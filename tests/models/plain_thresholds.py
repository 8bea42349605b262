"""The best row of a threshold table as ORES's rule has it in so many words: what the fast way is held to."""

from __future__ import annotations

from collections.abc import Sequence

from assay.models.statistics.query import Query, Row


def plainly_best(query: Query, rows: Sequence[Row]) -> Row | None:
    """A look at every row: ORES's rule in so many words."""

    def is_met(found: float | None) -> bool:
        return found is not None and (found >= query.value if query.at_least else found <= query.value)

    candidates = [
        (target, threshold, row)
        for row in rows
        if (target := row[query.target]) is not None
        and (threshold := row["threshold"]) is not None
        and is_met(row[query.condition])
    ]
    choose = max if query.maximum else min
    return choose(candidates, key=lambda candidate: candidate[:2])[2] if candidates else None
