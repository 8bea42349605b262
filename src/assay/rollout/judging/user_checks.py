"""Users' own requests, as the load balancer logged them: an observer that neither arm can deceive.

Within a stage the balancer hands requests out by fixed weights, whatever they are, so that two equal arms get
samples of one crowd, bursts and all. Answers from the cache and computed ones are compared apart: a candidate
with new models begins with a cold cache, and would seem slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from assay.rollout.guards import GuardOptions
from assay.rollout.judging.check import Check
from assay.rollout.judging.looks import Look, first_alarm, look_sizes
from assay.rollout.judging.statistics import (
    Array,
    Flags,
    Table,
    excess_p,
    quantiles,
    rise_p,
    shift,
    slower_p,
    surplus_bound,
    wilson,
)
from assay.rollout.judging.time_checks import alarm_figures, tolerated
from assay.rollout.plan import Stage
from assay.rollout.samples import Arm, Observed

FIRST_ERROR_LOOK: Final = 4
"""Candidate's requests before errors are tested: when all of so few fail, waiting for more hurts users."""
FIRST_LATENCY_LOOK: Final = 20
_LEAST_STABLE: Final = 20
"""Stable arm's requests without which it is no arm to compare with."""
_CLASSES: Final = ("untold", "computed", "cached")
_CLASS_OF: Final = {None: 0, False: 1, True: 2}

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Users:
    """Observed requests as columns, once for all checks. `stable`, `candidate`: places of the arms' requests
    in `seen`; `cache_class`: places in `_CLASSES`."""

    seen: Sequence[Observed]
    stable: Places
    candidate: Places
    ms: Array
    is_failed: Flags
    cache_class: Places

    @classmethod
    def of(cls, seen: Sequence[Observed], stable: Arm, candidate: Arm) -> Self:
        codes = {stable.slot: 1, candidate.slot: 2}
        arm = np.array([codes.get(item.slot, 0) for item in seen], dtype=np.int64)
        status = np.array([item.status for item in seen], dtype=np.int64)
        return cls(
            seen,
            np.flatnonzero(arm == 1),
            np.flatnonzero(arm == 2),
            np.array([item.ms for item in seen], dtype=np.float64),
            (status == 0) | (status >= 500),
            np.array([_CLASS_OF[item.is_cached] for item in seen], dtype=np.int64),
        )


def release_names_check(users: Users, stable: Arm, candidate: Arm, least: int) -> Check:
    """Each answer must name the release of the slot that gave it. One that names another was scored by the
    wrong release, which is the founding outage. Failures, which the balancer may answer itself, need not, nor
    answers that nobody waited for."""
    answers = users.candidate[~users.is_failed[users.candidate]]
    named = len(answers) if candidate.release else 0
    wrong: list[int] = []
    for arm, places in ((stable, users.stable), (candidate, users.candidate)):
        answered = places[~users.is_failed[places]] if arm.release else ()
        seen = ((int(place), users.seen[place]) for place in answered)
        wrong += [place for place, one in seen if one.has_answer and one.release != arm.release]
    figures = {"candidate_answers": named, "wrong": len(wrong)}
    if wrong:
        first = users.seen[min(wrong)]
        said = first.release or "no release"
        sentence = f"{len(wrong)} answers name another release than their slot's: {first.slot} named {said}"
        return Check("release_names", "bad", f"{sentence} for {first.target}"[:400], figures, first.at_s)
    sentence = f"{named} answers of the candidate name its release"
    return Check("release_names", "good" if named and named >= least else "no_data", sentence, figures)


def table_of(users: Users) -> Table:
    """How many requests of a whole stage failed."""
    stable, candidate = users.is_failed[users.stable], users.is_failed[users.candidate]
    return Table(int(stable.sum()), len(stable), int(candidate.sum()), len(candidate))


def user_errors_check(
    users: Users, earlier: Sequence[Table], guards: GuardOptions, stage: Stage, alpha: float
) -> Check:
    """Share of users' requests that fail. Bad: `_errors_alarm`. Good needs the stage's least requests, and an
    upper bound of the surplus with which the next weight hurts at most `harm_share` of all users."""
    now = table_of(users)
    alarm = _errors_alarm(users, earlier, guards, alpha)
    bound = _surplus_bound([*earlier, now])
    harm = bound * stage.next_weight / 100
    figures = {
        "stable": _arm_figures(now.stable, now.stable_failed),
        "candidate": _arm_figures(now.candidate, now.candidate_failed),
        "surplus_bound": bound,
        "harm_bound": harm,
        **alarm_figures(alarm),
    }
    sentence = (
        f"{now.candidate_failed} of {now.candidate} users' requests failed in the candidate, "
        f"{now.stable_failed} of {now.stable} in the stable arm"
    )
    if alarm:
        since_s = users.seen[users.candidate[alarm.size - 1]].at_s
        return Check("user_errors", "bad", sentence, figures, since_s)
    if harm > guards.harm_share:
        sentence += f": {stage.next_weight} % of users may yet hurt {100 * harm:.1f} % of all"
        return Check("user_errors", "no_data", sentence, figures)
    is_enough = now.candidate and now.candidate >= stage.least_observed
    return Check("user_errors", "good" if is_enough else "no_data", sentence, figures)


def _arm_figures(requests: int, failed: int) -> dict[str, Any]:
    return {"requests": requests, "failed": failed, "interval": wilson(failed, requests)}


def _errors_alarm(users: Users, earlier: Sequence[Table], guards: GuardOptions, alpha: float) -> Look | None:
    """Of this stage alone, to be quick, or else with `earlier` stages as strata, whose looks are counted on
    from where they left off; each may spend half of `alpha`. An alarm's size counts this stage's requests."""
    test, requests = _ErrorTest(users, guards), len(users.candidate)
    alone = first_alarm(alpha / 2, look_sizes(FIRST_ERROR_LOOK, requests), test.p_value)
    past = sum(table.candidate for table in earlier)
    if alone or not past:
        return alone

    def joined_p(size: int) -> float:
        return test.p_value(size - past, earlier) if size > past else 1.0

    joined = first_alarm(alpha / 2, look_sizes(FIRST_ERROR_LOOK, past + requests), joined_p)
    return joined and replace(joined, size=joined.size - past)


class _ErrorTest:
    """Fisher's exact test of the candidate's failures against the stable arm's in the same time. Without
    users at the stable arm: exact binomial test against `failed_share_alone`."""

    def __init__(self, users: Users, guards: GuardOptions) -> None:
        self._guards = guards
        self._is_alone = len(users.stable) < _LEAST_STABLE
        self._before = np.searchsorted(users.stable, users.candidate)
        self._stable_failed = _up_to(users.is_failed[users.stable])
        self._candidate_failed = _up_to(users.is_failed[users.candidate])

    def p_value(self, size: int, strata: Sequence[Table] = ()) -> float:
        """Of the candidate's first `size` requests, together with `strata`."""
        failed = int(self._candidate_failed[size])
        if self._is_alone:
            return excess_p(failed, size, self._guards.failed_share_alone)
        others = int(self._before[size - 1])
        tables = [*strata, Table(int(self._stable_failed[others]), others, failed, size)]
        return rise_p(tables) if _rise(tables) >= self._guards.failed_share_rise else 1.0


def _up_to(is_failed: Flags) -> Places:
    """How many of the first 0, 1, 2, … failed."""
    return np.concatenate(([0], np.cumsum(is_failed)))


def _surplus_bound(tables: Sequence[Table]) -> float:
    """Upper bound of the surplus of the candidate's failures over what the stable arm's share makes likely,
    stage by stage."""
    failed, requests = sum(t.candidate_failed for t in tables), sum(t.candidate for t in tables)
    likely = sum(t.candidate * t.stable_failed / t.stable for t in tables if t.stable)
    return surplus_bound(failed, requests, likely / max(1, requests))


def _rise(tables: Sequence[Table]) -> float:
    """By how much the candidate's share of failures exceeds the stable arm's, with equal weights of
    strata."""
    compared = [table for table in tables if table.stable and table.candidate]
    surplus = [
        table.candidate_failed - table.candidate * table.stable_failed / table.stable for table in compared
    ]
    return sum(surplus) / max(1, sum(table.candidate for table in compared))


def user_latency_check(users: Users, guards: GuardOptions, least: int, alpha: float) -> Check:
    """Time of users' answers by cache class: Mann–Whitney's U test of the candidate's times against what is
    tolerated of the stable arm's. Good needs classes, large enough in both arms, that hold half of
    `least`."""
    classes: dict[str, Any] = {}
    faults, since_s, judged = [], [], 0
    for number, name in enumerate(_CLASSES):
        is_ours = (users.cache_class == number) & ~users.is_failed
        stable, candidate = users.stable[is_ours[users.stable]], users.candidate[is_ours[users.candidate]]
        if not len(stable) or not len(candidate):
            continue
        alarm = _slower(users.ms, stable, candidate, guards, alpha / len(_CLASSES))
        classes[name] = figures = _latency_figures(users.ms[stable], users.ms[candidate], guards, alarm)
        if min(len(stable), len(candidate)) >= _LEAST_STABLE:
            judged += len(candidate)
        if alarm:
            since_s.append(users.seen[candidate[alarm.size - 1]].at_s)
            faults.append(f"{name} answers take {figures['ratio']:.2f} times as long")
    if faults:
        return Check("user_latency", "bad", "; ".join(faults), {"classes": classes}, min(since_s))
    if not judged or 2 * judged < least:
        sentence = f"only {judged} answers of the candidate can be compared in time"
        return Check("user_latency", "no_data", sentence, {"classes": classes})
    ratios = ", ".join(f"{name} {figures['ratio']:.2f}" for name, figures in classes.items())
    sentence = f"times relative to the stable arm's: {ratios}"
    return Check("user_latency", "good", sentence, {"classes": classes})


def _slower(ms: Array, stable: Places, candidate: Places, guards: GuardOptions, alpha: float) -> Look | None:
    """The candidate's first so many times against the stable arm's until then."""
    own, allowed = ms[candidate], tolerated(ms[stable], guards)
    before = np.searchsorted(stable, candidate)

    def p_value(size: int) -> float:
        others = int(before[size - 1])
        return slower_p(allowed[:others], own[:size]) if others >= _LEAST_STABLE else 1.0

    return first_alarm(alpha, look_sizes(FIRST_LATENCY_LOOK, len(own)), p_value)


def _latency_figures(
    stable: Array, candidate: Array, guards: GuardOptions, alarm: Look | None
) -> dict[str, Any]:
    """`ratio`: Hodges and Lehmann's estimate, of logarithms."""
    logarithms = (np.log(np.maximum(ms, 1e-3)) for ms in (stable, candidate))
    return {
        "stable": {"requests": len(stable), "p50_p95_p99_ms": quantiles(stable, (0.5, 0.95, 0.99))},
        "candidate": {"requests": len(candidate), "p50_p95_p99_ms": quantiles(candidate, (0.5, 0.95, 0.99))},
        "ratio": float(np.exp(shift(*logarithms))),
        "tolerated_ratio": guards.latency_ratio,
        **alarm_figures(alarm),
    }
