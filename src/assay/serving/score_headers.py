"""What an answer's headers tell of how its scores were had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assay.scoring.request import Cell, Scored
from assay.scoring.service import Table

CACHE_HEADER: Final = "X-Cache"
"""``hit`` when every score of an answer came from the cache, else ``miss``: whoever compares the speed of two
releases must compare like with like."""
COST_HEADER: Final = "Server-Timing"
"""Processor time of an answer's computation (``cpu;dur=`` milliseconds), for the operator's own clients only:
strangers need not know what a text of theirs costs us."""


def score_headers(table: Table, *, tells_cost: bool) -> dict[str, str]:
    """`tells_cost`: the client is the operator's own."""
    headers = {CACHE_HEADER: "hit" if _is_cached(table) else "miss"}
    if tells_cost and (cpu_s := _cpu_s(table)) is not None:
        headers[COST_HEADER] = f"cpu;dur={1000 * cpu_s:.3f}"
    return headers


def _is_cached(table: Table) -> bool:
    """Whether nothing had to be computed. A problem is never cached."""
    return all(isinstance(cell, Scored) and cell.is_cached for row in table.values() for cell in row.values())


def _cpu_s(table: Table) -> float | None:
    """Processor seconds of all its jobs, one for each revision; None unless every one of them was computed
    for this answer alone."""
    costs = [_cost(row) for row in table.values()]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known and len(known) == len(costs) else None


def _cost(row: Mapping[str, Cell]) -> float | None:
    scored = [cell.cpu_s for cell in row.values() if isinstance(cell, Scored)]
    known = {cpu_s for cpu_s in scored if cpu_s is not None}
    return known.pop() if len(known) == 1 and None not in scored else None
