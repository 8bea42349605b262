"""Latencies in a few figures, all of them observed values and none an estimate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """Of `count` values, all in seconds."""

    count: int
    mean_s: float
    p50_s: float
    p90_s: float
    p99_s: float
    p99_9_s: float
    max_s: float


def percentile(ordered: Sequence[float], per_mille: int) -> float:
    """The smallest value that at least `per_mille` (1 to 1000) thousandths of `ordered` do not exceed
    (nearest rank). Integers, because 0.999 * 1000 is more than 999 in floating point."""
    return ordered[-(-len(ordered) * per_mille // 1000) - 1]


def summarise(values_s: Iterable[float]) -> Summary | None:
    """None when there are no values."""
    ordered = sorted(values_s)
    if not ordered:
        return None
    return Summary(
        count=len(ordered),
        mean_s=sum(ordered) / len(ordered),
        p50_s=percentile(ordered, 500),
        p90_s=percentile(ordered, 900),
        p99_s=percentile(ordered, 990),
        p99_9_s=percentile(ordered, 999),
        max_s=ordered[-1],
    )
