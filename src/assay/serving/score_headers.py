"""What an answer's headers tell of how its scores were had."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from assay.scoring.request import Cell, Scored

CACHE_HEADER: Final = "X-Cache"
"""``hit`` when every score of an answer came from the cache, else ``miss``: whoever compares the speed of two
releases must compare like with like."""
COST_HEADER: Final = "Server-Timing"
"""Processor time of an answer's computation (``cpu;dur=`` milliseconds), for the operator's own clients only:
strangers need not know what a text of theirs costs us."""


def score_headers(rows: Iterable[Collection[Cell]], *, tells_cost: bool) -> dict[str, str]:
    """`rows`: each revision's cells. `tells_cost`: the client is the operator's own."""
    kept = list(rows)
    headers = {CACHE_HEADER: "hit" if _is_cached(kept) else "miss"}
    if tells_cost and (cpu_s := _cpu_s(kept)) is not None:
        headers[COST_HEADER] = f"cpu;dur={1000 * cpu_s:.3f}"
    return headers


def _is_cached(rows: Sequence[Collection[Cell]]) -> bool:
    """Whether nothing had to be computed. A problem is never cached."""
    return all(isinstance(cell, Scored) and cell.is_cached for row in rows for cell in row)


def _cpu_s(rows: Sequence[Collection[Cell]]) -> float | None:
    """Processor seconds of all its jobs, one for each revision; None unless every one of them was computed
    for this answer alone."""
    costs = [_cost(row) for row in rows]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else None


def _cost(row: Collection[Cell]) -> float | None:
    scored = [cell.cpu_s for cell in row if isinstance(cell, Scored)]
    known = {cpu_s for cpu_s in scored if cpu_s is not None}
    return known.pop() if len(known) == 1 and None not in scored else None
