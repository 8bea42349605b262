"""Two simulated arms behind a balancer, with a fixed seed: what a rollout would see of them.

Not kind to the verdict: latencies are lognormal over sizes of texts that are lognormal too, load comes in
bursts that slow everything down and make some requests fail in either arm, and processes' memos fill.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from assay.rollout.judging.statistics import Array, Flags
from assay.rollout.judging.verdict import Earlier, Verdict, earlier, judge
from assay.rollout.options import DataCentreSettings, RolloutOptions
from assay.rollout.plan import Plan, Stage, make_plan
from assay.rollout.samples import Arm, CellPair, Evidence, MemorySeen, Observed, Pair, SeenCell

STABLE, CANDIDATE = Arm("blue", "spring-000000000001"), Arm("green", "summer-000000000002")
MODELS = ("damaging", "goodfaith")
MIB = 1024 * 1024
USERS_PER_S = 50.0
PAIRS_PER_S = 10.0
STAGES_PER_CENTRE = 8
SWEEP_TEXTS = 10
_WINDOW_S = 2.0
_SWEPT = 10**6
"""Their revisions' ids begin there."""
_START_S = 10_000.0
"""From the start of one stage to the next: more than any lasts."""


def options(**changes: object) -> RolloutOptions:
    """Two data centres, one of them active, and default thresholds."""
    centre = DataCentreSettings("/run/haproxy.sock", "http://127.0.0.1:8080", {})
    centres = {"eqiad": centre, "codfw": replace(centre, is_active=False)}
    return replace(RolloutOptions(data_centres=centres), **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong with the candidate; nothing, by default. Shares are of requests or texts."""

    slow: float = 1.0
    """Times as long to compute."""
    slow_texts: float = 1.0
    """Share of texts for which it is `slow`."""
    cpu_ms: float = 25.0
    """Median processor time of a text; of small pages a few milliseconds."""
    fetch_ms: float = 0.0
    """Median time that the wiki takes for a revision, in either arm."""
    crash_share: float = 0.0
    passing_share: float = 0.0
    """Further requests that fail with 503."""
    user_share: float = 0.0
    """Users' requests that fail with 503 where compared ones do not."""
    error_share: float = 0.0
    """Further requests that fail with 500."""
    leak_bytes: int = 0
    """Per job."""
    changed_model: str = ""
    changed_share: float = 1.0
    shape_fault: str = ""
    shape_share: float = 1.0
    wrong_release_share: float = 0.0
    cache_differs_share: float = 0.0
    """Of answers from the cache."""


SOUND = Defect()


def load(rng: np.random.Generator, at_s: Array) -> Array:
    """Factor on all times, at least 1: every ten windows or so a burst of up to five windows."""
    windows = int(at_s[-1] // _WINDOW_S) + 1
    factor = np.exp(np.abs(rng.normal(0, 0.15, windows)))
    for start in np.flatnonzero(rng.random(windows) < 0.04):
        factor[start : start + rng.integers(1, 6)] *= rng.uniform(1.5, 4)
    return np.asarray(factor[(at_s // _WINDOW_S).astype(int)])


def failing(rng: np.random.Generator, factor: Array) -> Flags:
    """Whether each request fails for now: one in two thousand, one in a hundred during a burst."""
    fails: Flags = rng.random(len(factor)) < np.where(factor > 1.6, 0.01, 0.0005)
    return fails


def observed(rng: np.random.Generator, stage: Stage, defect: Defect, count: int) -> tuple[Observed, ...]:
    """`count` users' requests, handed out by the stage's weight."""
    at_s = np.cumsum(rng.exponential(1 / USERS_PER_S, count))
    factor = load(rng, at_s)
    is_candidate = rng.random(count) < stage.weight / 100
    is_cached = rng.random(count) < 0.6
    slow = np.where(rng.random(count) < defect.slow_texts, defect.slow, 1.0)
    computing = rng.lognormal(np.log(25), 0.9, count) * np.where(is_candidate, slow, 1.0)
    ms = factor * np.where(is_cached, rng.lognormal(np.log(1.5), 0.5, count), 3 + computing)
    fails = failing(rng, factor) | is_candidate & (
        rng.random(count) < max(defect.passing_share, defect.user_share)
    )
    status = np.where(fails, 503, 200)
    status[is_candidate & (rng.random(count) < defect.error_share)] = 500
    is_wrong = is_candidate & (rng.random(count) < defect.wrong_release_share)
    columns = zip(at_s, is_candidate, is_cached, ms, status, is_wrong, strict=True)
    return tuple(
        Observed(
            _START_S * stage.number + float(moment),
            stage.data_centre,
            (CANDIDATE if candidate else STABLE).slot,
            (CANDIDATE if candidate and not wrong else STABLE).release,
            int(code),
            float(took),
            bool(cached) if code == 200 else None,
            "GET",
            "/v3/scores/enwiki/1",
        )
        for moment, candidate, cached, took, code, wrong in columns
    )


def pairs(rng: np.random.Generator, stage: Stage, defect: Defect, count: int) -> tuple[Pair, ...]:
    """`count` requests for one revision each, asked of both arms at about the same time."""
    at_s = np.cumsum(rng.exponential(1 / PAIRS_PER_S, count))
    factor = load(rng, at_s)
    size = rng.lognormal(np.log(defect.cpu_ms), 0.9, count)
    fetching = defect.fetch_ms * rng.lognormal(0, 0.4, (2, count))
    slow = np.where(rng.random(count) < defect.slow_texts, defect.slow, 1.0)
    cpu = [size * rng.lognormal(0, 0.15, count) * times for times in (1.0, slow)]
    times = [3 + fetching[arm] + cpu[arm] * factor * rng.lognormal(0, 0.3, count) for arm in range(2)]
    status = [np.where(failing(rng, factor), 503, 200) for _ in range(2)]
    status[1][rng.random(count) < defect.passing_share] = 503
    status[1][rng.random(count) < defect.error_share] = 500
    chance = rng.random((count, 4))
    scores = rng.beta(0.5, 2, count)
    moments = _START_S * stage.number + at_s
    return tuple(
        _pair(
            stage,
            float(moments[i]),
            i,
            (int(status[0][i]), int(status[1][i])),
            float(scores[i]),
            (float(times[0][i]), float(times[1][i])),
            (float(cpu[0][i]), float(cpu[1][i])),
            chance[i],
            defect,
        )
        for i in range(count)
    )


def swept(rng: np.random.Generator, stage: Stage, defect: Defect, texts: int) -> tuple[Pair, ...]:
    """Requests for several texts each, until so many were asked for; besides, not timed."""
    count = -(-texts // SWEEP_TEXTS)
    at_s = np.sort(rng.random(count)) * texts / PAIRS_PER_S / 4
    factor = load(rng, at_s) if count else at_s
    status = [np.where(failing(rng, factor), 503, 200) for _ in range(2)]
    status[1][rng.random(count) < defect.passing_share] = 503
    return tuple(
        Pair(
            _START_S * stage.number + float(at_s[i]),
            stage.data_centre,
            "/v3/scores/enwiki/",
            int(status[0][i]),
            int(status[1][i]),
            tuple(
                _cell(MODELS[0], _SWEPT + SWEEP_TEXTS * i + n, float(score), rng.random(4), defect)
                for n, score in enumerate(rng.beta(0.5, 2, SWEEP_TEXTS))
            )
            if status[0][i] == status[1][i] == 200
            else (),
            made_texts=SWEEP_TEXTS,
        )
        for i in range(count)
    )


def _pair(
    stage: Stage,
    at_s: float,
    number: int,
    status: tuple[int, int],
    score: float,
    times: tuple[float, float],
    cpu: tuple[float, float],
    chance: Array,
    defect: Defect,
) -> Pair:
    target = f"/v3/scores/enwiki/{number}"
    if status != (200, 200):
        return Pair(at_s, stage.data_centre, target, status[0], status[1])
    shapes = (
        (f"scores: {defect.shape_fault}",) if defect.shape_fault and chance[3] < defect.shape_share else ()
    )
    return Pair(
        at_s,
        stage.data_centre,
        target,
        status[0],
        status[1],
        tuple(_cell(model, number, score, chance, defect) for model in MODELS),
        shapes,
        stable_ms=times[0],
        candidate_ms=times[1],
        stable_cpu_ms=cpu[0],
        candidate_cpu_ms=cpu[1],
    )


def _cell(model: str, number: int, score: float, chance: Array, defect: Defect) -> CellPair:
    stable = seen(score)
    candidate = stable
    if chance[0] < defect.crash_share:
        candidate = SeenCell(error="engine_crashed")
    elif model == defect.changed_model and chance[1] < defect.changed_share:
        candidate = seen(min(1.0, score * 1.02 + 1e-4))
    elif chance[2] < 0.6 * defect.cache_differs_share:
        candidate = seen(1 - score)
    return CellPair("enwiki", model, number, stable, candidate)


def seen(score: float) -> SeenCell:
    """A score of a model with two labels."""
    return SeenCell("true" if score >= 0.5 else "false", {"true": score, "false": 1 - score})


def memory(
    rng: np.random.Generator, stage: Stage, defect: Defect, jobs: int, last_s: float
) -> tuple[MemorySeen, ...]:
    """Four processes of each arm, seen ten times until `last_s` while each arm does `jobs`; the candidate's
    began with the data centre's first stage, and their memos still fill; the stable arm's have been full for
    long."""
    before, began_s = 40 * (stage.number % STAGES_PER_CENTRE), _START_S * stage.number
    return tuple(
        MemorySeen(
            began_s + tick / 10 * (last_s - began_s),
            stage.data_centre,
            arm.slot,
            f"{arm.slot}-{number}",
            _resident(rng, start + jobs * tick // 40, leak),
            start + jobs * tick // 40,
        )
        for arm, leak, start in ((STABLE, 0, 5000 + before), (CANDIDATE, defect.leak_bytes, before))
        for number in range(4)
        for tick in range(11)
    )


def _resident(rng: np.random.Generator, jobs: int, leak_bytes: int) -> int:
    memos = 40 * MIB * (1 - np.exp(-jobs / 50))
    return int(200 * MIB + memos + rng.normal(0, 0.5 * MIB) + jobs * leak_bytes)


def evidence(rng: np.random.Generator, stage: Stage, defect: Defect = SOUND, larger: float = 1.0) -> Evidence:
    """What a stage sees until its least samples are there, `larger` times as many."""
    pair_count, user_count = counts(stage, larger)
    jobs = 2 * pair_count + int(0.4 * user_count * stage.weight / 100)
    users = observed(rng, stage, defect, user_count) if user_count else ()
    asked = pairs(rng, stage, defect, pair_count)
    missing = max(0, int(stage.least_texts * 1.05) - pair_count)
    both = sorted((*asked, *swept(rng, stage, defect, missing)), key=lambda pair: pair.at_s)
    return Evidence(users, tuple(both), memory(rng, stage, defect, jobs, both[-1].at_s))


def least_without(bound: float) -> int:
    """Samples without any that make `surplus_bound` no greater than `bound`."""
    return math.ceil(math.log(0.05) / math.log(1 - bound)) if bound < 1 else 1


def counts(stage: Stage, larger: float = 1.0) -> tuple[int, int]:
    """Pairs, and all users' requests, of which the candidate gets its weight."""
    pair_count = int(stage.least_pairs * larger * 1.1) + 1
    bound = 100 * options().guards.harm_share / stage.next_weight if stage.next_weight else 1.0
    needed = max(stage.least_observed, least_without(bound) if stage.weight else 0)
    return pair_count, int(needed * larger * 110 / stage.weight) + 1 if stage.weight else 0


def verdict_of(seen: Evidence, stage: Stage, **changes: object) -> Verdict:
    """With default thresholds."""
    guards = options().guards
    return judge(seen, stage, guards, stable=STABLE, candidate=CANDIDATE, **changes)  # type: ignore[arg-type]


def judged_stages(plan: Plan | None = None) -> Iterator[Stage]:
    """Those that look at evidence."""
    for stage in (plan or make_plan(options())).stages:
        if stage.kind != "preflight":
            yield stage


HELD = "held by "


@dataclass(frozen=True, slots=True)
class Caught:
    """Where a rollout ended. `stage`: None when the candidate went through. `check`: the first bad one; of a
    stage that was not good within its limit, the first that was not, after `HELD`.
    `samples`: what it had seen of the data centre by then, pairs or users' requests at the candidate.
    `served`: users' requests that the candidate had answered anywhere."""

    stage: Stage | None
    check: str = ""
    samples: int = 0
    served: int = 0


def run(
    rng: np.random.Generator,
    defect: Defect = SOUND,
    *,
    make: Callable[[np.random.Generator, Stage, Defect], Evidence] = evidence,
    stages: tuple[Stage, ...] | None = None,
) -> Caught:
    """One whole rollout: each stage lasts until it is good, bad, or at its limit."""
    past: dict[str, list[Earlier]] = {}
    served = 0
    for stage in stages or tuple(judged_stages()):
        seen, before = make(rng, stage, defect), past.setdefault(stage.data_centre, [])
        verdict = verdict_of(seen, stage, before=before)
        while not verdict.bad and (missing := verdict.missing(stage.required)):
            if _lasted_s(seen) > stage.limit_s:
                return _held(stage, missing[0], seen, before, served)
            more = make(rng, stage, defect)  # memory is seen once: jobs of a process only rise
            seen = Evidence(seen.observed + more.observed, seen.pairs + more.pairs, seen.memory)
            verdict = verdict_of(seen, stage, before=before)
        if verdict.bad:
            return _caught(stage, verdict, seen, before, served)
        before.append(earlier(seen, stage.data_centre, stable=STABLE, candidate=CANDIDATE))
        served += before[-1].table.candidate
    return Caught(None, served=served)


def _lasted_s(seen: Evidence) -> float:
    return max(len(seen.observed) / USERS_PER_S, len(seen.pairs) / PAIRS_PER_S)


def _held(stage: Stage, check: str, seen: Evidence, before: list[Earlier], served: int) -> Caught:
    by_users = sum(item.slot == CANDIDATE.slot for item in seen.observed)
    pairs = len(seen.pairs) + sum(len(item.pairs) for item in before)
    return Caught(stage, HELD + check, pairs, served + by_users)


def _caught(stage: Stage, verdict: Verdict, seen: Evidence, before: list[Earlier], served: int) -> Caught:
    first = min(verdict.bad, key=lambda check: check.bad_since_s or 0.0)
    since_s = first.bad_since_s or 0.0
    by_users = sum(item.at_s <= since_s and item.slot == CANDIDATE.slot for item in seen.observed)
    if first.name in ("release_names", "user_errors", "user_latency"):
        samples = by_users + sum(item.table.candidate for item in before)
    else:
        samples = sum(pair.at_s <= since_s for pair in (*_joined(item.pairs for item in before), *seen.pairs))
    return Caught(stage, first.name, samples, served + by_users)


_joined = itertools.chain.from_iterable
