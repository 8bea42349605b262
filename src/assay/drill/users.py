"""The users of the drill: they ask both data centres all the time, and every answer is judged.

Right is what the stable release says, or what a declared retraining says; anything else, an error, a score
that is missing, or no answer, is an incident. Users ask once: whatever a retry would hide counts.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from assay.load import Answered, Expectations, LoadPlan, fresh_revisions, run
from assay.load.requests import Kind
from assay.load.verify import judge
from assay.scoring.synthetic import TEST_WIKI

_WITHOUT_END_S: Final = 24 * 3600.0
"""A drill takes minutes, on a slow machine more than an hour."""
_MIX: Final[Mapping[Kind, float]] = {"scores": 4.0, "revision": 2.0, "cell": 6.0}
_FRESH_SHARE: Final = 0.3
"""Of the requests: for revisions that no cache knows, of the test wiki."""


@dataclass(frozen=True, slots=True)
class Front:
    """Where the users of a data centre ask, and how many times a second."""

    data_centre: str
    url: str
    rate_per_s: float


@dataclass(frozen=True, slots=True)
class Incident:
    """One wrong or failed answer. `at_s`: seconds since 1970, when it was due."""

    at_s: float
    data_centre: str
    what: str


@dataclass(slots=True)
class Users:
    """`expected`: sets of scores of which every answer must be one. `asked_s`: when requests were due."""

    fronts: Sequence[Front]
    wiki: str
    models: tuple[str, ...]
    revisions: Sequence[int]
    expected: list[Expectations]
    asked_s: list[float] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """While the block runs, and until all that was asked has an end."""
        stop = asyncio.Event()
        async with AsyncExitStack() as stack:
            group = await stack.enter_async_context(asyncio.TaskGroup())
            stack.callback(stop.set)
            for number, front in enumerate(self.fronts):
                group.create_task(self._ask(front, number, stop, is_fresh=False))
                group.create_task(self._ask(front, number, stop, is_fresh=True))
            yield

    def asked(self, since_s: float, until_s: float) -> int:
        """How many requests were due in that time."""
        ordered = sorted(self.asked_s)
        return bisect_left(ordered, until_s) - bisect_left(ordered, since_s)

    def hurt(self, since_s: float, until_s: float) -> list[Incident]:
        """The incidents of requests that were due in that time."""
        return [incident for incident in self.incidents if since_s <= incident.at_s < until_s]

    async def _ask(self, front: Front, seed: int, stop: asyncio.Event, *, is_fresh: bool) -> None:
        rate = front.rate_per_s * (_FRESH_SHARE if is_fresh else 1 - _FRESH_SHARE)
        plan = LoadPlan(
            urls=(front.url,),
            wiki=TEST_WIKI if is_fresh else self.wiki,
            revisions=fresh_revisions(datetime.now(UTC))[seed * 10**6 :] if is_fresh else self.revisions,
            models=() if is_fresh else self.models,
            rate_per_s=rate,
            duration_s=_WITHOUT_END_S,
            mix={"scores": 1.0} if is_fresh else _MIX,
            seed=seed,
        )
        began_s = time.time()

        def count(answered: Answered) -> None:
            at_s = began_s + answered.due_s
            self.asked_s.append(at_s)
            if (what := self.fault(answered)) is not None:
                self.incidents.append(Incident(at_s, front.data_centre, what))

        await run(plan, stop=stop, on_answer=count, expected=self.expected[0])

    def fault(self, answered: Answered) -> str | None:
        """What is wrong with an answer, in words; None when nothing is."""
        if answered.status is None or answered.body is None:
            return f"no answer ({answered.verdict.lost}): {answered.request.target}"
        faults: list[str] = []
        for expected in self.expected:
            verdict = judge(answered.request, answered.status, answered.body, expected)
            told = (verdict.lost, verdict.error, *verdict.wrong, *verdict.cell_errors)
            faults = [str(fault) for fault in told if fault is not None]
            if not faults:
                return None
        return f"{answered.status} {faults[0]}: {answered.request.target}"
