"""Does the candidate's memory grow with each job it does, for ever?

A new process grows too: memos and pools fill, then it stays. So growth is bad only when all of this holds: it
is beyond an allowance; it goes on in the later half of the jobs, at no less than half of the earlier half's
pace; and that later pace is beyond the stable arm's in the same time. No chance is reckoned with, for memory
has no noise that a law describes; the allowance is wide instead.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from assay.rollout.guards import GuardOptions
from assay.rollout.judging.check import Check
from assay.rollout.samples import Arm, MemorySeen

MIB: Final = 1024 * 1024
STALE_S: Final = 60.0
"""A newest look at memory that is older than the newest compared request by more says nothing of now."""


@dataclass(frozen=True, slots=True)
class _Growth:
    """Of one arm: bytes that its processes grew by, and jobs meanwhile, in two halves by jobs."""

    processes: int
    early_bytes: int
    early_jobs: int
    late_bytes: int
    late_jobs: int

    @property
    def grown_bytes(self) -> int:
        return self.early_bytes + self.late_bytes

    @property
    def jobs(self) -> int:
        return self.early_jobs + self.late_jobs

    @property
    def early_pace(self) -> float:
        """Bytes per job."""
        return self.early_bytes / max(1, self.early_jobs)

    @property
    def late_pace(self) -> float:
        return self.late_bytes / max(1, self.late_jobs)

    def figures(self) -> dict[str, Any]:
        return {
            "processes": self.processes,
            "jobs": self.jobs,
            "grown_bytes": self.grown_bytes,
            "bytes_per_job": round(self.late_pace),
        }


def memory_check(
    before: Sequence[MemorySeen],
    now: Sequence[MemorySeen],
    newest_s: float,
    guards: GuardOptions,
    stable: Arm,
    candidate: Arm,
) -> Check:
    """Of the candidate's processes together, because each alone may do few jobs in a stage. `before`: of
    earlier stages; `now`: of this one, without which they let nothing go on. `newest_s`: when something else
    was seen last."""
    seen = [*before, *now]
    own = _growth((item for item in seen if item.slot == candidate.slot), guards)
    other = _growth((item for item in seen if item.slot == stable.slot), guards)
    figures = {"stable": other.figures(), "candidate": own.figures()}
    if own.jobs < guards.memory_least_jobs:
        sentence = (
            f"memory was seen over {own.jobs} jobs of the candidate, {guards.memory_least_jobs} are needed"
        )
        return Check("memory", "no_data", sentence, figures)
    sentence = (
        f"the candidate's {own.processes} processes grew by {own.grown_bytes / MIB:.0f} MiB over "
        f"{own.jobs} jobs, lately {own.late_pace / 1024:.0f} KiB a job, "
        f"the stable arm's by {other.late_pace / 1024:.0f}"
    )
    if _is_leak(own, other, guards):
        return Check("memory", "bad", sentence, figures, max(item.at_s for item in seen))
    last_s = max((item.at_s for item in now if item.slot == candidate.slot), default=None)
    if last_s is None or newest_s - last_s > STALE_S:
        sentence = "the candidate's processes do not tell their memory: some /metrics does not answer"
        return Check("memory", "no_data", sentence, figures)
    return Check("memory", "good", sentence, figures)


def _is_leak(own: _Growth, other: _Growth, guards: GuardOptions) -> bool:
    return (
        own.grown_bytes > own.processes * guards.memory_allowance_bytes
        and own.late_pace >= own.early_pace / 2
        and own.late_pace > max(0.0, other.late_pace) + guards.memory_bytes_per_job
    )


def _growth(seen: Iterable[MemorySeen], guards: GuardOptions) -> _Growth:
    by_process: dict[str, list[MemorySeen]] = {}
    for item in seen:
        if item.jobs_done >= guards.memory_warmup_jobs:
            by_process.setdefault(item.process, []).append(item)
    halves = [_halves(items) for items in by_process.values() if items[-1].jobs_done > items[0].jobs_done]
    return _Growth(
        len(halves), *(sum(column) for column in zip(*halves, strict=True)) if halves else (0, 0, 0, 0)
    )


def _halves(items: list[MemorySeen]) -> tuple[int, int, int, int]:
    """Bytes and jobs of the earlier half, and of the later one. Levels are medians of neighbours, because one
    reading may fall into the middle of a job."""
    jobs = [item.jobs_done for item in items]
    middle = bisect_left(jobs, (jobs[0] + jobs[-1]) / 2)
    start, half, end = (_level(items, place) for place in (0, middle, len(items) - 1))
    return half - start, jobs[middle] - jobs[0], end - half, jobs[-1] - jobs[middle]


def _level(items: list[MemorySeen], place: int) -> int:
    near = items[max(0, place - 1) : place + 2]
    return int(median(item.resident_bytes for item in near))
