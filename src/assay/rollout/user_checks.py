"""Users' own requests, as the load balancer logged them: an observer that neither arm can deceive.

Within a stage the balancer hands requests out by fixed weights, whatever they are, so that two equal arms get
samples of one crowd, bursts and all. Answers from the cache and computed ones are compared apart: a candidate
with new models begins with a cold cache, and would seem slow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from assay.rollout.check import Check
from assay.rollout.guards import GuardOptions
from assay.rollout.looks import first_alarm, look_sizes
from assay.rollout.pair_checks import alarm_figures, tolerated
from assay.rollout.samples import Arm, Observed
from assay.rollout.statistics import Array, excess_p, quantiles, rise_p, shift, slower_p, wilson

FIRST_ERROR_LOOK: Final = 4
"""Candidate's requests before errors are tested: when all of so few fail, waiting for more hurts users."""
FIRST_LATENCY_LOOK: Final = 20
_LEAST_STABLE: Final = 20
"""Stable arm's requests without which it is no arm to compare with."""
_CLASSES: Final = {True: "cached", False: "computed", None: "untold"}


def release_names_check(observed: Sequence[Observed], stable: Arm, candidate: Arm, least: int) -> Check:
    """Each answer must name the release of the slot that gave it. One that names another was scored by the
    wrong release, which is the founding outage. Failures that the balancer itself answers name none."""
    names = {arm.slot: arm.release for arm in (stable, candidate)}
    named, wrong = 0, []
    for seen in observed:
        if not names.get(seen.slot) or seen.is_failed:
            continue
        named += seen.slot == candidate.slot
        if seen.release != names[seen.slot]:
            wrong.append(seen)
    figures = {"candidate_answers": named, "wrong": len(wrong)}
    if wrong:
        first = wrong[0]
        said = first.release or "no release"
        sentence = f"{len(wrong)} answers name another release than their slot's: {first.slot} named {said}"
        return Check("release_names", "bad", f"{sentence} for {first.target}"[:400], figures, first.at_s)
    sentence = f"{named} answers of the candidate name its release"
    return Check("release_names", "good" if named and named >= least else "no_data", sentence, figures)


def user_errors_check(
    observed: Sequence[Observed], guards: GuardOptions, stable: Arm, candidate: Arm, least: int, alpha: float
) -> Check:
    """Share of users' requests that fail. Fisher's exact test against the stable arm in the same time; where
    that has no users, the exact binomial test against `failed_share_alone`."""
    slots = [seen.slot for seen in observed]
    failed = np.array([seen.is_failed for seen in observed], dtype=np.int64)
    of_candidate = np.flatnonzero([slot == candidate.slot for slot in slots])
    of_stable = np.flatnonzero([slot == stable.slot for slot in slots])
    candidate_failed = np.concatenate(([0], np.cumsum(failed[of_candidate])))
    stable_failed = np.concatenate(([0], np.cumsum(failed[of_stable])))
    is_alone = len(of_stable) < _LEAST_STABLE

    def p_value(size: int) -> float:
        more = int(candidate_failed[size])
        if is_alone:
            return excess_p(more, size, guards.failed_share_alone)
        others = int(np.searchsorted(of_stable, of_candidate[size - 1]))
        fewer = int(stable_failed[others])
        if not others or more / size - fewer / others < guards.failed_share_rise:
            return 1.0
        return rise_p(fewer, others, more, size)

    n, m = len(of_stable), len(of_candidate)
    alarm = first_alarm(alpha, look_sizes(FIRST_ERROR_LOOK, m), p_value)
    fewer, more = int(stable_failed[-1]), int(candidate_failed[-1])
    figures = {
        "stable": {"requests": n, "failed": fewer, "interval": wilson(fewer, n)},
        "candidate": {"requests": m, "failed": more, "interval": wilson(more, m)},
        **alarm_figures(alarm),
    }
    sentence = f"{more} of {m} users' requests failed in the candidate, {fewer} of {n} in the stable arm"
    if alarm:
        since_s = observed[of_candidate[alarm.size - 1]].at_s
        return Check("user_errors", "bad", sentence, figures, since_s)
    return Check("user_errors", "good" if m and m >= least else "no_data", sentence, figures)


def user_latency_check(
    observed: Sequence[Observed], guards: GuardOptions, stable: Arm, candidate: Arm, least: int, alpha: float
) -> Check:
    """Time of users' answers by cache class: Mann–Whitney's U test of the candidate's times, brought back by
    what is tolerated, against the stable arm's. Good needs classes that hold half of `least` in both arms."""
    classes: dict[str, Any] = {}
    faults, since_s, judged = [], [], 0
    for is_cached, name in _CLASSES.items():
        seen = [item for item in observed if item.is_cached is is_cached and item.slot and not item.is_failed]
        figures, alarm_s = _latency_of(seen, guards, stable, candidate, alpha / len(_CLASSES))
        if figures["stable"]["requests"] and figures["candidate"]["requests"]:
            classes[name] = figures
        if min(figures["stable"]["requests"], figures["candidate"]["requests"]) >= _LEAST_STABLE:
            judged += figures["candidate"]["requests"]
        if alarm_s is not None:
            since_s.append(alarm_s)
            faults.append(f"{name} answers take {figures['ratio']:.2f} times as long")
    if faults:
        return Check("user_latency", "bad", "; ".join(faults), {"classes": classes}, min(since_s))
    if not judged or 2 * judged < least:
        sentence = f"only {judged} answers of the candidate can be compared in time"
        return Check("user_latency", "no_data", sentence, {"classes": classes})
    sentence = ", ".join(f"{name} {figures['ratio']:.2f}" for name, figures in classes.items())
    return Check(
        "user_latency", "good", f"times relative to the stable arm: {sentence}", {"classes": classes}
    )


def _latency_of(
    seen: Sequence[Observed], guards: GuardOptions, stable: Arm, candidate: Arm, alpha: float
) -> tuple[dict[str, Any], float | None]:
    """Figures of one class, and when it became bad."""
    ms = np.array([item.ms for item in seen], dtype=np.float64)
    of_candidate = np.flatnonzero([item.slot == candidate.slot for item in seen])
    of_stable = np.flatnonzero([item.slot == stable.slot for item in seen])
    own, others = ms[of_candidate], ms[of_stable]
    allowed = tolerated(others, guards)

    def p_value(size: int) -> float:
        before = int(np.searchsorted(of_stable, of_candidate[size - 1]))
        return slower_p(allowed[:before], own[:size]) if before >= _LEAST_STABLE else 1.0

    alarm = first_alarm(alpha, look_sizes(FIRST_LATENCY_LOOK, len(own)), p_value)
    figures = {
        "stable": _times(others),
        "candidate": _times(own),
        "ratio": _ratio(others, own),
        "tolerated_ratio": guards.latency_ratio,
        **alarm_figures(alarm),
    }
    return figures, seen[of_candidate[alarm.size - 1]].at_s if alarm else None


def _times(ms: Array) -> dict[str, Any]:
    return {"requests": len(ms), "p50_p95_p99_ms": quantiles(ms, (0.5, 0.95, 0.99))}


def _ratio(stable: Array, candidate: Array) -> float | None:
    """Hodges and Lehmann's, of logarithms; None when an arm has no times."""
    if not len(stable) or not len(candidate):
        return None
    return float(np.exp(shift(np.log(np.maximum(stable, 1e-3)), np.log(np.maximum(candidate, 1e-3)))))
