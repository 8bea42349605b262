"""The verdict on a candidate: a pure function of what was seen in a stage.

Each check is good, bad, or without data; no data is never good. A verdict depends on the evidence alone, not
on how often it was asked for (`assay.rollout.judging.looks`), and what was bad once stays bad as evidence is
added (but for memory, of which later samples may show that it was filling and is full).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Self

from assay.rollout.guards import GuardOptions
from assay.rollout.judging.check import Check
from assay.rollout.judging.drift import DeclaredDrift, OperatingPoints, is_declared, scores_check
from assay.rollout.judging.leak import memory_check
from assay.rollout.judging.pair_checks import (
    lost_check,
    passing_check,
    shape_check,
    statuses_check,
    values_check,
)
from assay.rollout.judging.statistics import Table
from assay.rollout.judging.time_checks import computing_time_check, processor_time_check
from assay.rollout.judging.user_checks import (
    Users,
    release_names_check,
    table_of,
    user_errors_check,
    user_latency_check,
)
from assay.rollout.plan import Stage
from assay.rollout.samples import Arm, Evidence, MemorySeen, Pair

ALPHA_SHARES: Final = MappingProxyType(
    {
        "user_errors": 0.5,
        "passing_errors": 0.1,
        "computing_time": 0.1,
        "processor_time": 0.1,
        "scores": 0.1,
        "user_latency": 0.1,
    }
)
"""How a stage's false alarms are divided among its statistical checks. Most goes to users' errors, which are
rare and hard to tell from chance; times have a tolerance that keeps equal arms far from an alarm anyway."""
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


@dataclass(frozen=True, slots=True)
class Earlier:
    """What later stages of the same data centre need of one that is over; small enough to keep."""

    pairs: tuple[Pair, ...]
    table: Table
    memory: tuple[MemorySeen, ...]


def earlier(evidence: Evidence, data_centre: str, *, stable: Arm, candidate: Arm) -> Earlier:
    """Of a stage's whole evidence, when it is over."""
    seen = _Seen.of(evidence, data_centre, stable, candidate)
    return Earlier(tuple(seen.pairs), table_of(seen.users), tuple(seen.memory))


def judge(
    evidence: Evidence,
    stage: Stage,
    guards: GuardOptions,
    *,
    stable: Arm,
    candidate: Arm,
    declared: Sequence[DeclaredDrift] = (),
    operating_points: OperatingPoints = _NO_POINTS,
    before: Sequence[Earlier] = (),
) -> Verdict:
    """What the evidence of a stage says. Samples of other data centres are left out.

    `evidence`: since the stage began; in time order. `declared`: the candidate's expected drift.
    `operating_points`: probabilities at which users act; none: predictions only. `before`: the earlier stages
    of this rollout in this data centre, each apart because the weights differed. They count towards no
    minimum, but what is slow, rare or leaking shows sooner with them.
    """
    seen = _Seen.of(evidence, stage.data_centre, stable, candidate)
    past = list(_joined(item.memory for item in before))
    newest_s = seen.pairs[-1].at_s if seen.pairs else 0.0
    scores_alpha = _alpha(stage, "scores")
    return Verdict(
        (
            *_pair_checks(seen.pairs, before, stage, guards, declared),
            scores_check(seen.pairs, guards, declared, operating_points, stage.least_pairs, scores_alpha),
            *_user_checks(seen.users, before, stage, guards, stable, candidate),
            memory_check(past, seen.memory, newest_s, guards, stable, candidate),
        )
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What concerns one data centre."""

    pairs: list[Pair]
    users: Users
    memory: list[MemorySeen]

    @classmethod
    def of(cls, evidence: Evidence, centre: str, stable: Arm, candidate: Arm) -> Self:
        observed = [item for item in evidence.observed if item.data_centre == centre]
        return cls(
            [pair for pair in evidence.pairs if pair.data_centre == centre],
            Users.of(observed, stable, candidate),
            [item for item in evidence.memory if item.data_centre == centre],
        )


def _alpha(stage: Stage, check: str) -> float:
    return stage.alpha * ALPHA_SHARES[check]


def _pair_checks(
    pairs: Sequence[Pair],
    before: Sequence[Earlier],
    stage: Stage,
    guards: GuardOptions,
    declared: Sequence[DeclaredDrift],
) -> tuple[Check, ...]:
    least, past = stage.least_pairs, list(_joined(item.pairs for item in before))
    return (
        shape_check(pairs),
        statuses_check(pairs, guards),
        lost_check(past, pairs, guards, stage.least_texts),
        values_check(pairs, lambda pair: is_declared(declared, pair)),
        passing_check(past, pairs, guards, least, _alpha(stage, "passing_errors")),
        computing_time_check(past, pairs, guards, least, _alpha(stage, "computing_time")),
        processor_time_check(past, pairs, guards, least, _alpha(stage, "processor_time")),
    )


def _user_checks(
    users: Users,
    before: Sequence[Earlier],
    stage: Stage,
    guards: GuardOptions,
    stable: Arm,
    candidate: Arm,
) -> tuple[Check, ...]:
    least, tables = stage.least_observed, [item.table for item in before]
    return (
        release_names_check(users, stable, candidate, least),
        user_errors_check(users, tables, guards, stage, _alpha(stage, "user_errors")),
        user_latency_check(users, guards, least, _alpha(stage, "user_latency")),
    )


_joined = itertools.chain.from_iterable
