"""The words of preflight: a check, what it says, and the report of all. Nothing here knows what is checked.

On 2016-08-01 a canary's checks were bound to groups of hosts that it was not in, so that none ran and all
were well. Here whatever was not proved is a failure: a group without checks, a check that applies to
nothing, one that was left out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from assay.errors import worded

DEFAULT_LIMIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Passed:
    """`said`: what was proved, with figures. `warnings`: what an operator should know and may accept."""

    said: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """`said`: what is wrong. `todo`: what to do about it."""

    said: str
    todo: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Not checked, which is a failure unless the operator asked for it (`waived`). `said`: why not."""

    said: str
    todo: str
    waived: bool = False


Outcome = Passed | Failed | Skipped


@dataclass(frozen=True, slots=True)
class Check:
    """`name`: stable, for machines. `subject`: what it applies to. `advice`: what to do when it ends in a way
    that it did not foresee, or not within `limit_s` seconds."""

    name: str
    subject: str
    run: Callable[[], Awaitable[Outcome]]
    advice: str
    limit_s: float = DEFAULT_LIMIT_S


@dataclass(frozen=True, slots=True)
class Group:
    """Checks of one kind. `advice`: what to do when there are none."""

    name: str
    checks: Sequence[Check]
    advice: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one check, `name` being ``group.check``."""

    name: str
    subject: str
    outcome: Outcome
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        return isinstance(self.outcome, Passed) or (isinstance(self.outcome, Skipped) and self.outcome.waived)


@dataclass(frozen=True, slots=True)
class Report:
    """All results, in the order of the groups. `release`: of the processes that were checked."""

    release: str
    results: tuple[Result, ...]
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """A report of nothing is not good."""
        return bool(self.results) and all(result.is_good for result in self.results)

    @property
    def exit_status(self) -> int:
        return 0 if self.is_good else 1

    def __getitem__(self, name: str) -> Result:
        """The first of that name. Raises `KeyError`."""
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(name)


async def run(groups: Sequence[Group], release: str) -> Report:
    """All checks, at the same time, each within its own limit; none keeps another from being told."""
    started_s = time.perf_counter()
    parts = await asyncio.gather(*(_run_group(group) for group in groups))
    results = tuple(result for part in parts for result in part)
    return Report(release, results, time.perf_counter() - started_s)


async def _run_group(group: Group) -> Sequence[Result]:
    if not group.checks:
        outcome = Failed("nothing was checked: this applies to nothing here", group.advice)
        return [Result(group.name, "nothing", outcome)]
    return await asyncio.gather(*(_run(group.name, check) for check in group.checks))


async def _run(group: str, check: Check) -> Result:
    name = f"{group}.{check.name}"
    if not check.subject:
        return Result(name, "nothing", Failed("the check applies to nothing", check.advice))
    started_s = time.perf_counter()
    try:
        async with asyncio.timeout(check.limit_s) as limit:
            outcome = await check.run()
    except Exception as error:  # whatever it is, the other checks go on
        outcome = Failed(_sentence(error, check.limit_s, is_over=limit.expired()), check.advice)
    return Result(name, check.subject, outcome, time.perf_counter() - started_s)


def _sentence(error: Exception, limit_s: float, *, is_over: bool) -> str:
    if is_over:
        return f"no outcome within {limit_s:g} s"
    return f"the check itself failed: {worded(error)}"
