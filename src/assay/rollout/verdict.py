"""The verdict on a candidate: a pure function of what was seen in a stage.

Each check is good, bad, or without data; no data is never good. A verdict depends on the evidence alone, not
on how often it was asked for (`assay.rollout.looks`), and what was bad once stays bad as evidence is added
(but for memory, of which later samples may show that it was filling and is full).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from assay.rollout.check import Check
from assay.rollout.drift import DeclaredDrift, OperatingPoints, is_declared, scores_check
from assay.rollout.guards import GuardOptions
from assay.rollout.leak import memory_check
from assay.rollout.pair_checks import (
    computing_time_check,
    lost_check,
    passing_check,
    shape_check,
    statuses_check,
    values_check,
)
from assay.rollout.plan import Stage
from assay.rollout.samples import Arm, Evidence, Observed, Pair
from assay.rollout.user_checks import release_names_check, user_errors_check, user_latency_check

SERIES: Final = 5
"""Statistical checks among which a stage's false alarms are divided: passing errors, computing time, declared
drift, users' errors, users' latency."""
_NO_POINTS: Final[OperatingPoints] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of a stage, in a fixed order."""

    checks: tuple[Check, ...] = ()

    @property
    def bad(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.status == "bad")

    def missing(self, required: Sequence[str]) -> tuple[str, ...]:
        """Of the required checks, those that are not good; one that was not made is not good."""
        good = {check.name for check in self.checks if check.status == "good"}
        return tuple(name for name in required if name not in good)

    @property
    def reason(self) -> str:
        """What is bad, for people; empty when nothing is."""
        return "; ".join(f"{check.name}: {check.sentence}" for check in self.bad)

    @property
    def bad_since_s(self) -> float | None:
        """When the first sample came that made a check bad; None when nothing is bad, or no sample did."""
        return min((check.bad_since_s for check in self.bad if check.bad_since_s is not None), default=None)

    def as_data(self) -> list[dict[str, Any]]:
        """As JSON values, for the journal."""
        return [check.as_data() for check in self.checks]

    @classmethod
    def from_data(cls, data: Sequence[Mapping[str, Any]]) -> Verdict:
        """What `as_data` wrote. Raises `KeyError` when something is missing."""
        return cls(tuple(Check.from_data(item) for item in data))


def judge(
    evidence: Evidence,
    stage: Stage,
    guards: GuardOptions,
    *,
    stable: Arm,
    candidate: Arm,
    declared: Sequence[DeclaredDrift] = (),
    operating_points: OperatingPoints = _NO_POINTS,
) -> Verdict:
    """What the evidence of a stage says. Samples of other data centres are left out.

    `evidence`: since the stage began, or since earlier with the same weights; in time order. `declared`: the
    candidate's expected drift. `operating_points`: probabilities at which users act; none: predictions only.
    """
    centre, alpha = stage.data_centre, stage.alpha / SERIES
    pairs = [pair for pair in evidence.pairs if pair.data_centre == centre]
    observed = [item for item in evidence.observed if item.data_centre == centre]
    memory = [item for item in evidence.memory if item.data_centre == centre]
    return Verdict(
        (
            *_pair_checks(pairs, stage, guards, declared, alpha),
            scores_check(pairs, guards, declared, operating_points, stage.least_pairs, alpha),
            *_user_checks(observed, stage, guards, stable, candidate),
            memory_check(memory, guards, stable, candidate),
        )
    )


def _pair_checks(
    pairs: Sequence[Pair],
    stage: Stage,
    guards: GuardOptions,
    declared: Sequence[DeclaredDrift],
    alpha: float,
) -> tuple[Check, ...]:
    return (
        shape_check(pairs),
        statuses_check(pairs, guards),
        lost_check(pairs, guards),
        values_check(pairs, lambda pair: is_declared(declared, pair)),
        passing_check(pairs, guards, stage.least_pairs, alpha),
        computing_time_check(pairs, guards, stage.least_pairs, alpha),
    )


def _user_checks(
    observed: Sequence[Observed], stage: Stage, guards: GuardOptions, stable: Arm, candidate: Arm
) -> tuple[Check, ...]:
    least, alpha = stage.least_observed, stage.alpha / SERIES
    return (
        release_names_check(observed, stable, candidate, least),
        user_errors_check(observed, guards, stable, candidate, least, alpha),
        user_latency_check(observed, guards, stable, candidate, least, alpha),
    )
