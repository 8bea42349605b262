"""Does the candidate take as long as the stable arm for the very same requests?

Two clocks answer. The whole answer's time, measured here, has everything in it: queues, the wiki, the
network, so that a fetch of 50 ms hides a computation that went from 3 to 6. The processor time of the
scoring alone, as each arm tells it (`assay.serving.score_headers.COST_HEADER`), has nothing else in it, but
only what the arm's own clock sees: a worker that sleeps costs no processor time. So both are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from assay.rollout.guards import GuardOptions
from assay.rollout.judging.check import Check
from assay.rollout.judging.looks import Look, first_alarm, look_sizes
from assay.rollout.judging.statistics import Array, excess_p, paired_shift, paired_slower_p, quantiles
from assay.rollout.samples import Pair

FIRST_LOOK: Final = 20
"""Pairs before chance is asked for the first time: with fewer, no outcome is unlikely enough."""
_LEAST_MS: Final = 1e-3
"""Shorter times are taken for this one, since a clock's tick may say 0."""


def computing_time_check(
    earlier: Sequence[Pair], now: Sequence[Pair], guards: GuardOptions, least: int, alpha: float
) -> Check:
    """Time until the answer to the same request, computed anew. Wilcoxon's signed-rank test on the logarithm
    of candidate / (tolerated time of the stable arm): the request's own size, and bursts that hit both,
    cancel out."""
    timed, ours = _Timed.whole(earlier), _Timed.whole(now)
    both = timed.joined(ours)
    over = both.over(guards.latency_ratio, guards.latency_slack_ms)
    alarm = first_alarm(alpha, look_sizes(FIRST_LOOK, len(over)), lambda size: paired_slower_p(over[:size]))
    ratio = guards.latency_ratio
    return _told("computing_time", "to answer", both, len(ours.at_s) >= least, alarm, ratio)


def processor_time_check(
    earlier: Sequence[Pair], now: Sequence[Pair], guards: GuardOptions, least: int, alpha: float
) -> Check:
    """Processor time to compute the same texts. Two tests, each of half of `alpha`: Wilcoxon's as above, for
    what is slower with most texts; and for what is slower with some texts only, the sign test on pairs far
    from the ratio that is usual (and tolerated): equal arms lie as often far above it as far below."""
    timed, ours = _Timed.processor(earlier), _Timed.processor(now)
    both = timed.joined(ours)
    ratio, slack_ms = guards.processor_ratio, guards.processor_slack_ms
    over = both.over(ratio, slack_ms)

    def some_p(size: int) -> float:
        slower, faster = both.far(size, ratio, slack_ms)
        return excess_p(slower, slower + faster, 0.5)

    sizes = look_sizes(FIRST_LOOK, len(over))
    alarm = first_alarm(alpha / 2, sizes, lambda size: paired_slower_p(over[:size]))
    alarm = alarm or first_alarm(alpha / 2, sizes, some_p)
    slower, faster = both.far(len(over), ratio, slack_ms)
    more = {"far_slower": slower, "far_faster": faster}
    return _told("processor_time", "to compute", both, len(ours.at_s) >= least, alarm, ratio, **more)


class _Timed:
    """Times of pairs that both arms told, as columns."""

    def __init__(self, at_s: Array, stable: Array, candidate: Array) -> None:
        self.at_s = at_s
        self.stable = stable
        self.candidate = candidate

    @classmethod
    def whole(cls, pairs: Sequence[Pair]) -> _Timed:
        return cls._of([(pair.at_s, pair.stable_ms, pair.candidate_ms) for pair in pairs])

    @classmethod
    def processor(cls, pairs: Sequence[Pair]) -> _Timed:
        return cls._of([(pair.at_s, pair.stable_cpu_ms, pair.candidate_cpu_ms) for pair in pairs])

    @classmethod
    def _of(cls, rows: Sequence[tuple[float, float | None, float | None]]) -> _Timed:
        known = [row for row in rows if None not in row]
        columns = np.array(known, dtype=np.float64).reshape(len(known), 3).T
        return cls(columns[0], *(np.maximum(one, _LEAST_MS) for one in columns[1:]))

    def joined(self, later: _Timed) -> _Timed:
        pairs = (
            (self.at_s, later.at_s),
            (self.stable, later.stable),
            (self.candidate, later.candidate),
        )
        return _Timed(*(np.concatenate(pair) for pair in pairs))

    def over(self, ratio: float, slack_ms: float) -> Array:
        """Logarithm of each candidate's time relative to what is tolerated."""
        over: Array = np.log(self.candidate) - np.log(self.stable * ratio + slack_ms)
        return over

    def far(self, size: int, ratio: float, slack_ms: float) -> tuple[int, int]:
        """Of the first so many pairs: in how many the candidate took longer, and in how many it took shorter,
        than usual by more than the square of `ratio`, and `slack_ms`."""
        if not size:
            return 0, 0
        stable, candidate = self.stable[:size], self.candidate[:size]
        usual = stable * np.clip(np.median(candidate / stable), 1.0, ratio)
        far = ratio * ratio
        slower, faster = candidate > usual * far + slack_ms, usual > candidate * far + slack_ms
        return int(slower.sum()), int(faster.sum())


def _told(
    name: str, what: str, timed: _Timed, is_enough: bool, alarm: Look | None, tolerated: float, **more: int
) -> Check:
    count = len(timed.at_s)
    if not count:
        return Check(name, "no_data", f"no request was timed in both arms {what}", {"pairs": 0})
    ratio = float(np.exp(paired_shift(np.log(timed.candidate / timed.stable))))
    figures: dict[str, Any] = {
        "pairs": count,
        "ratio": ratio,
        "tolerated_ratio": tolerated,
        "stable_ms": quantiles(timed.stable, (0.5, 0.95)),
        "candidate_ms": quantiles(timed.candidate, (0.5, 0.95)),
        **more,
        **alarm_figures(alarm),
    }
    sentence = f"the candidate takes {ratio:.2f} times as long {what} the same {count} requests"
    if more:
        sentence += f", far longer for {more['far_slower']}, far shorter for {more['far_faster']}"
    if alarm:
        return Check(name, "bad", sentence, figures, float(timed.at_s[alarm.size - 1]))
    return Check(name, "good" if is_enough else "no_data", sentence, figures)


def alarm_figures(alarm: Look | None) -> dict[str, Any]:
    """For a check's figures."""
    return {"alarm": None if alarm is None else {"size": alarm.size, "p": alarm.p, "level": alarm.level}}


def tolerated(stable_ms: Array, guards: GuardOptions) -> Array:
    """Milliseconds that the candidate's answer may take where the stable arm's takes `stable_ms`."""
    return stable_ms * guards.latency_ratio + guards.latency_slack_ms
