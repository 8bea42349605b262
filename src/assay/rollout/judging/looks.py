"""When the evidence is looked at, so that looking often raises no more false alarms than was agreed.

Whoever tests at 1 % each second will be alarmed within the hour: by the law of the iterated logarithm, any
fixed level is crossed some time. Here the sizes of sample at which a test is made are fixed beforehand, each
half as large again as the one before, and the k-th look (from 0) may spend the share 1/((k+1)(k+2)) of the
false alarms; those shares sum to 1 however long the rollout lasts, so the union bound holds without an end
being known. It is the alpha spending of Lan and DeMets (Biometrika 70, 1983) with a Pocock-like beginning
and without their need for a planned maximum.

A look is a function of the first n samples alone. Judging more often, less often, or again after the
controller was killed comes to the same verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assay.rollout.judging.statistics import Flags

GROWTH = 1.5
"""A fault is noticed at most half as many samples late; the hundred-thousandth sample is the 21st look after
20."""


@dataclass(frozen=True, slots=True)
class Look:
    """A test that found something. `size`: samples it was made on. `level`: what `p` had to stay above."""

    size: int
    p: float
    level: float


def look_sizes(first: int, total: int) -> list[int]:
    """Sizes up to `total`, from `first` (at least 2) on; empty while there are fewer."""
    sizes = []
    size = first
    while size <= total:
        sizes.append(size)
        size = int(size * GROWTH)
    return sizes


def spent(alpha: float, number: int) -> float:
    """The level of look `number`, counted from 0; over all numbers they sum to `alpha`."""
    return alpha / ((number + 1) * (number + 2))


def first_alarm(alpha: float, sizes: list[int], p_value: Callable[[int], float]) -> Look | None:
    """The first look that finds its sample too unlikely; None when none does. `p_value`: of the first so many
    samples."""
    for number, size in enumerate(sizes):
        level = spent(alpha, number)
        if (p := p_value(size)) <= level:
            return Look(size, p, level)
    return None


def first_excess(happened: Sequence[bool] | Flags, share: float) -> int | None:
    """For what equal arms never do, so that no chance is asked: the place of the first sample up to which it
    happened to more than `share` of them. None when there is none."""
    counts = np.cumsum(np.asarray(happened, dtype=np.int64))
    places = np.flatnonzero(counts > share * np.arange(1, len(counts) + 1))
    return int(places[0]) if len(places) else None
