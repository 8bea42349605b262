"""Many rollouts of two equal arms, fast: one long day of requests, handed out to the arms anew for each.

The day, its bursts and failures stay as they are; chance is in which arm a request meets, which is how a
balancer makes two samples of one crowd. So tens of thousands of rollouts need not be simulated one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from assay.rollout.plan import Stage
from assay.rollout.samples import Evidence, Observed, Pair
from rollout.arms import (
    CANDIDATE,
    SOUND,
    STABLE,
    SWEEP_TEXTS,
    Defect,
    counts,
    memory,
    observed,
    pairs,
    swept,
)

T = TypeVar("T")
DAY = 60_000
PAIRS = 6_000


class Crowd:
    """Makes evidence in place of `rollout.arms.evidence`."""

    def __init__(self, rng: np.random.Generator, stages: Sequence[Stage], larger: float = 1.0) -> None:
        centres = {stage.data_centre: replace(stage, weight=0) for stage in stages}
        self._larger = larger
        self._users = {
            name: [_either(item) for item in observed(rng, stage, SOUND, DAY)]
            for name, stage in centres.items()
        }
        self._swept = {name: swept(rng, stage, SOUND, 1000) for name, stage in centres.items()}
        self._pairs = {
            name: [(pair, _swapped(pair)) for pair in pairs(rng, stage, SOUND, PAIRS)]
            for name, stage in centres.items()
        }

    def evidence(self, rng: np.random.Generator, stage: Stage, _: Defect = SOUND) -> Evidence:
        pair_count, count = counts(stage, self._larger)
        swept = max(0, int(stage.least_texts * 1.05) - pair_count)
        users = _drawn(rng, self._users[stage.data_centre], count, stage.weight / 100)
        asked = _drawn(rng, self._pairs[stage.data_centre], pair_count, 0.5)
        some = self._swept[stage.data_centre][: -(-swept // SWEEP_TEXTS)]
        asked += tuple(
            pair if form else _swapped(pair)
            for pair, form in zip(some, rng.random(len(some)) < 0.5, strict=True)
        )
        return Evidence(users, asked, memory(rng, stage, SOUND, 2 * pair_count, asked[-1].at_s))


def _drawn(rng: np.random.Generator, day: list[tuple[T, T]], count: int, share: float) -> tuple[T, ...]:
    """A part of the day, each item as its second form with the probability `share`."""
    start = int(rng.integers(0, len(day) - count + 1))
    forms = (rng.random(count) < share).tolist()
    return tuple([item[form] for item, form in zip(day[start : start + count], forms, strict=True)])


def _either(item: Observed) -> tuple[Observed, Observed]:
    stable = replace(item, slot=STABLE.slot, release=STABLE.release)
    return stable, replace(item, slot=CANDIDATE.slot, release=CANDIDATE.release)


def _swapped(pair: Pair) -> Pair:
    return replace(
        pair,
        stable_status=pair.candidate_status,
        candidate_status=pair.stable_status,
        stable_ms=pair.candidate_ms,
        candidate_ms=pair.stable_ms,
        stable_cpu_ms=pair.candidate_cpu_ms,
        candidate_cpu_ms=pair.stable_cpu_ms,
    )
