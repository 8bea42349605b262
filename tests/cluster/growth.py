"""Does memory grow? A slope with its 95 % interval, over all processes of a role, replaced ones included.

Each process's life is a line of its own with the slope of its role: least squares with one intercept a life,
over means of `BLOCK_S`, without the first `WARM_UP_S` of each life, in which caches fill and shared pages
are copied. What is left over follows itself in time, so the interval is widened as for an autoregressive
process of first order (effective sample size (1 - r) / (1 + r); Santer et al. 2000,
doi:10.1029/1999JD901105).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

BLOCK_S = 10.0
WARM_UP_S = 120.0
LEAST_BLOCKS = 6
"""Of a life that counts: a minute after its warm-up."""

Samples = Sequence[tuple[float, int]]
"""Of one process's life: seconds, and bytes."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Growth:
    """Bytes a second: the estimate, and the bounds of its 95 % interval. `lives`: processes that counted;
    `seconds`: of theirs after the warm-up."""

    slope: float
    low: float
    high: float
    lives: int
    seconds: float

    def verdict(self, limit: float) -> Literal["flat", "grows", "not decided"]:
        """`limit`: bytes a second that do not matter."""
        if self.high <= limit:
            return "flat"
        return "grows" if self.low > limit else "not decided"


def growth(lives: Sequence[Samples], warm_up_s: float = WARM_UP_S) -> Growth | None:
    """Of one role; None: no process lived long enough to say anything."""
    blocks = [found for life in lives if len(found := _blocks(life, warm_up_s)) >= LEAST_BLOCKS]
    if not blocks:
        return None
    times = [block[:, 0] - block[:, 0].mean() for block in blocks]
    sizes = [block[:, 1] - block[:, 1].mean() for block in blocks]
    spread = sum(float(t @ t) for t in times)
    slope = sum(float(t @ y) for t, y in zip(times, sizes, strict=True)) / spread
    left = [y - slope * t for t, y in zip(times, sizes, strict=True)]
    count = sum(map(len, left))
    effective = max(3.0, count * _independent(left))
    freedom = max(1.0, effective - len(blocks) - 1)
    error = math.sqrt(sum(float(e @ e) for e in left) / freedom / spread)
    reach = float(stats.t.ppf(0.975, freedom)) * error
    return Growth(slope, slope - reach, slope + reach, len(blocks), sum(len(e) for e in left) * BLOCK_S)


def _blocks(life: Samples, warm_up_s: float) -> Array:
    """Means of time and size over each `BLOCK_S` after the warm-up, shape (blocks, 2)."""
    begun_s = life[0][0] + warm_up_s
    by_block: dict[int, list[tuple[float, int]]] = {}
    for at_s, size in life:
        if at_s >= begun_s:
            by_block.setdefault(int((at_s - begun_s) / BLOCK_S), []).append((at_s, size))
    return np.array([np.mean(block, axis=0) for block in by_block.values()], dtype=np.float64).reshape(-1, 2)


def _independent(left: Sequence[Array]) -> float:
    """Share of the samples that tell something new, by what each has in common with the one before."""
    together = sum(float(e[1:] @ e[:-1]) for e in left)
    alone = sum(float(e @ e) for e in left)
    r = min(0.95, max(0.0, together / alone)) if alone else 0.0
    return (1 - r) / (1 + r)
