"""Sends what is due when it is due, and waits for no answer before the next.

Time is the event loop's. Under uvloop its grain is a millisecond and stands still within one turn, so run
this on asyncio's own loop when latencies matter.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from assay.errors import EngineUnavailable
from assay.load.client import HttpClient
from assay.load.plan import LoadPlan
from assay.load.report import LoadReport, Tally
from assay.load.requests import Request, requests, target
from assay.load.retry import Lost, Outcome, Reply, pause_s, reason, told_to_wait
from assay.load.verify import Expectations, Verdict, breaks_rule, judge

Send = Callable[[str, str], Awaitable[Reply]]
"""One attempt: (node's URL, target) to a whole answer. Raises `Lost`."""

_WARMING_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Answered:
    """The end of one request. Moments are seconds since the run's start; `node`: the last one asked;
    `status` and `body`: None when no whole answer came."""

    request: Request
    node: str
    due_s: float
    sent_s: float
    done_s: float
    status: int | None
    body: bytes | None
    attempts: int
    verdict: Verdict

    def document(self) -> dict[str, Any]:
        """As JSON values; what is no UTF-8 in the body is replaced."""
        return {
            "target": self.request.target,
            "node": self.node,
            "due_s": self.due_s,
            "sent_s": self.sent_s,
            "done_s": self.done_s,
            "attempts": self.attempts,
            "status": self.status,
            "lost": self.verdict.lost,
            "wrong": self.verdict.wrong,
            "body": None if self.body is None else self.body.decode("utf-8", "replace"),
        }


async def run(
    plan: LoadPlan,
    *,
    stop: asyncio.Event | None = None,
    tally: Tally | None = None,
    expected: Expectations | None = None,
    on_answer: Callable[[Answered], None] | None = None,
    send: Send | None = None,
) -> LoadReport:
    """Put the load on, until the plan ends or `stop` is set; what is in flight then is waited for.

    `tally`: counts while it runs, for whoever watches. `expected`: None knows the test model's rule only.
    `send`: in place of HTTP. Raises `EngineUnavailable` when the cache cannot be warmed.
    """
    expected = expected or Expectations(knows_rule=not breaks_rule(plan.parameters))
    driver = _Driver(plan, tally or Tally(), expected, on_answer or _ignore)
    stop = stop or asyncio.Event()
    if send is not None:
        return await driver.run(send, stop)
    async with HttpClient(plan) as client:
        return await driver.run(client.send, stop)


class _Driver:
    def __init__(
        self, plan: LoadPlan, tally: Tally, expected: Expectations, on_answer: Callable[[Answered], None]
    ) -> None:
        self._plan, self._tally, self._expected, self._on_answer = plan, tally, expected, on_answer
        self._loop = asyncio.get_running_loop()
        self._start_s = 0.0

    async def run(self, send: Send, stop: asyncio.Event) -> LoadReport:
        if self._plan.cache == "warm":
            await _warm(self._plan, send)
        self._start_s = self._loop.time()
        async with asyncio.TaskGroup() as group:
            await self._send_all(send, stop, group)
            elapsed_s = self._now_s()
        return LoadReport.of(self._plan, self._tally, elapsed_s, self._now_s())

    async def _send_all(self, send: Send, stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        asked = requests(
            self._plan.wiki,
            self._plan.revisions,
            self._plan.models,
            self._plan.mix,
            per_request=self._plan.revisions_per_request,
            parameters=self._plan.parameters,
            seed=self._plan.seed,
        )
        for number, due_s in enumerate(self._plan.due_times()):
            if await self._stopped_before(due_s, stop):
                return
            request = next(asked)
            self._tally.due += 1
            self._tally.lags_s.append(self._now_s() - due_s)
            if self._tally.in_flight >= self._plan.connections:
                self._tally.skipped += 1
                continue
            self._tally.sent += 1
            self._tally.in_flight += 1
            group.create_task(self._answer(send, number, request, due_s))
        await self._stopped_before(self._plan.duration_s, stop)

    async def _stopped_before(self, due_s: float, stop: asyncio.Event) -> bool:
        """Wait until `due_s`, or until the run is stopped. A generator that is late still yields, or it would
        not read the answers that it waits for."""
        delay_s = due_s - self._now_s()
        if delay_s <= 0 or stop.is_set():
            await asyncio.sleep(0)
            return stop.is_set()
        try:
            async with asyncio.timeout(delay_s):
                return await stop.wait()
        except TimeoutError:
            return False

    async def _answer(self, send: Send, number: int, request: Request, due_s: float) -> None:
        sent_s = self._now_s()
        outcome, node, attempts = await self._last_outcome(send, number, request, due_s)
        done_s = self._now_s()
        if isinstance(outcome, Reply):
            status, body = outcome.status, outcome.body
            verdict = judge(request, status, body, self._expected)
        else:
            status, body, verdict = None, None, Verdict(lost=outcome.reason)
        self._tally.in_flight -= 1
        self._tally.count(status, verdict, done_s - due_s, request.target)
        self._on_answer(Answered(request, node, due_s, sent_s, done_s, status, body, attempts, verdict))

    async def _last_outcome(
        self, send: Send, number: int, request: Request, due_s: float
    ) -> tuple[Outcome, str, int]:
        nodes, last_s = self._plan.urls, due_s + self._plan.retry_for_s
        for attempt in itertools.count():
            node = nodes[(number + attempt) % len(nodes)]
            outcome = await self._attempt(send, node, request.target)
            if isinstance(outcome, Reply) and told_to_wait(outcome):
                self._tally.told_to_wait[outcome.status] += 1
            wait_s = pause_s(outcome, attempt, len(nodes)) if self._plan.retry else None
            if wait_s is None or self._now_s() + wait_s > last_s:
                break
            self._tally.retries[reason(outcome)] += 1
            await asyncio.sleep(wait_s)
        return outcome, node, attempt + 1

    async def _attempt(self, send: Send, node: str, target: str) -> Outcome:
        try:
            reply = await send(node, target)
        except Lost as lost:
            return lost
        if reply.was_resent:
            if not self._plan.retry:
                return Lost("reset")
            self._tally.retries["reset"] += 1
        return reply

    def _now_s(self) -> float:
        """Since the start."""
        return self._loop.time() - self._start_s


async def _warm(plan: LoadPlan, send: Send) -> None:
    """Ask every node for every revision that the run can reach; a few at a time, each answer waited for."""
    reach = min(len(plan.revisions), sum(1 for _ in plan.due_times()) * plan.revisions_per_request)
    size = plan.revisions_per_request
    parts = [plan.revisions[first : min(first + size, reach)] for first in range(0, reach, size)]
    targets = [target("scores", plan.wiki, part, plan.models, plan.parameters) for part in parts]
    work = iter([(node, asked) for node in plan.urls for asked in targets])

    async def warm() -> None:
        for node, asked in work:
            try:
                reply = await send(node, asked)
            except Lost as lost:
                raise EngineUnavailable(f"{node} could not be warmed: {lost.reason}") from None
            if reply.status != 200:
                raise EngineUnavailable(f"{node} could not be warmed: it answered {reply.status}")

    await asyncio.gather(*(warm() for _ in range(_WARMING_AT_ONCE)))


def _ignore(_: Answered) -> None:
    """Nobody asked to be told."""
