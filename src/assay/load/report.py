"""What came of a run: counted while it goes on, told at its end."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from assay.load.plan import LoadPlan
from assay.load.summary import Summary, summarise
from assay.load.verify import Verdict

EXAMPLES: Final = 10
"""How many lost and wrong answers are told in words."""
_LAG_NOTICED_S: Final = 0.005
"""Below it, a lag is the grain of timers (1 ms) and of a loop that has other answers to read."""
_LAG_SHARE: Final = 0.1


def _seconds() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Tally:
    """Grows while a run goes on; may be read at any time by whoever runs in the same loop.

    `due` = `sent` + `skipped`; `sent` = `in_flight` + `lost` + `answered`.
    """

    due: int = 0
    sent: int = 0
    skipped: int = 0
    """Due when as many as the plan's `connections` were in flight already: never sent."""
    in_flight: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    """Of answers that arrived whole, by HTTP status; the last attempt counts."""
    told_to_wait: Counter[int] = field(default_factory=Counter)
    """429 and 503 with Retry-After, of every attempt."""
    retries: Counter[str] = field(default_factory=Counter)
    """Attempts that were followed by another one, by what came of them."""
    errors: Counter[str] = field(default_factory=Counter)
    """Answers that are errors, by code."""
    cell_errors: Counter[str] = field(default_factory=Counter)
    """Single cells that are errors, in answers with status 200."""
    lost_by: Counter[str] = field(default_factory=Counter)
    """refused, reset, timeout, truncated, malformed."""
    wrong: int = 0
    compared: int = 0
    """Scores that were compared with what they must be."""
    unknown: int = 0
    """Scores of which nobody knows what they must be: neither right nor wrong."""
    examples: list[str] = field(default_factory=list)
    ok_s: array[float] = field(default_factory=_seconds)
    all_s: array[float] = field(default_factory=_seconds)
    lags_s: array[float] = field(default_factory=_seconds)

    @property
    def lost(self) -> int:
        return self.lost_by.total()

    @property
    def answered(self) -> int:
        return self.statuses.total()

    @property
    def ok(self) -> int:
        """Answers with status 200."""
        return self.statuses[200]

    def count(self, status: int | None, verdict: Verdict, latency_s: float, target: str) -> None:
        """The end of one request. `status`: None when no whole answer came."""
        self.all_s.append(latency_s)
        if verdict.lost is not None:
            self.lost_by[verdict.lost] += 1
            self._example(f"lost ({verdict.lost}): {target}")
            return
        assert status is not None
        self.statuses[status] += 1
        self.cell_errors.update(verdict.cell_errors)
        self.compared += verdict.compared
        self.unknown += verdict.unknown
        if verdict.error is not None:
            self.errors[verdict.error] += 1
        if status == 200:
            self.ok_s.append(latency_s)
        if verdict.wrong:
            self.wrong += 1
            self._example(f"wrong: {verdict.wrong[0]}")

    def _example(self, text: str) -> None:
        if len(self.examples) < EXAMPLES:
            self.examples.append(text)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """The whole run. Latencies run from the moment a request was due to the last byte of its last answer;
    None where there is nothing to summarise."""

    plan: LoadPlan
    tally: Tally
    elapsed_s: float
    """From the start until the last request was due, or the run was stopped."""
    finished_s: float
    """From the start until the last answer was there."""
    ok_latency: Summary | None
    """Of answers with status 200."""
    all_latency: Summary | None
    """Of everything sent, whatever came of it: what is lost counts with the time until it was given up,
    so that time-outs cannot make a server look fast."""
    lag: Summary | None
    """How late requests left: the generator's own fault, a part of each latency."""

    @classmethod
    def of(cls, plan: LoadPlan, tally: Tally, elapsed_s: float, finished_s: float) -> LoadReport:
        return cls(
            plan,
            tally,
            elapsed_s,
            finished_s,
            ok_latency=summarise(tally.ok_s),
            all_latency=summarise(tally.all_s),
            lag=summarise(tally.lags_s),
        )

    @property
    def lost(self) -> int:
        return self.tally.lost

    @property
    def wrong(self) -> int:
        return self.tally.wrong

    @property
    def due_per_s(self) -> float:
        return self.tally.due / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def ok_per_s(self) -> float:
        """Answers with status 200, until the last was there."""
        return self.tally.ok / self.finished_s if self.finished_s else 0.0

    @property
    def fell_behind(self) -> bool:
        """The generator was late often enough that the latencies tell of it as well as of the server."""
        if self.lag is None:
            return False
        slowest_s = self.all_latency.p99_s if self.all_latency else 0.0
        return self.lag.p99_s > max(_LAG_NOTICED_S, _LAG_SHARE * slowest_s)

    def warnings(self) -> Iterator[str]:
        """Why the figures must not be taken at their word."""
        tally = self.tally
        if tally.skipped:
            yield (
                f"{tally.skipped} of {tally.due} requests were never sent: {self.plan.connections} were in "
                "flight already. The true latencies are worse; allow more connections or lower the rate."
            )
        if self.fell_behind and self.lag is not None:
            yield (
                f"The generator itself fell behind: 1 in 100 requests left {self.lag.p99_s * 1000:.1f} ms "
                "late or more. Lower the rate, or let several generators run on other cores."
            )
        if not tally.ok:
            yield "No answer had status 200."

    def document(self) -> dict[str, Any]:
        """As JSON values; seconds throughout."""
        tally = self.tally
        return {
            "plan": self.plan.document(),
            "elapsed_s": self.elapsed_s,
            "finished_s": self.finished_s,
            "due": tally.due,
            "sent": tally.sent,
            "skipped": tally.skipped,
            "answered": _by_name(tally.statuses),
            "told_to_wait": _by_name(tally.told_to_wait),
            "retries": _by_name(tally.retries),
            "errors": _by_name(tally.errors),
            "cell_errors": _by_name(tally.cell_errors),
            "lost": _by_name(tally.lost_by),
            "wrong": tally.wrong,
            "compared": tally.compared,
            "unknown": tally.unknown,
            "examples": tally.examples,
            "due_per_s": self.due_per_s,
            "ok_per_s": self.ok_per_s,
            "ok_latency": self.ok_latency and asdict(self.ok_latency),
            "all_latency": self.all_latency and asdict(self.all_latency),
            "lag": self.lag and asdict(self.lag),
            "fell_behind": self.fell_behind,
            "warnings": list(self.warnings()),
        }


def _by_name(counts: Counter[Any]) -> dict[str, int]:
    return {str(name): counts[name] for name in sorted(counts)}
