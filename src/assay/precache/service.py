"""The follower: streams in, scores out, and positions stored behind it.

::

    stream ─► reader ─► ledger: known already? ─► backlog ─► worker: asks Assay, judges, tells ─► ledger
                                                    ▲ again, later │                                │
                                                    └──────────────┘              position ─► cursor (disk)
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final, TypeVar

from assay.clock import Clock
from assay.events import Change, NoEdit, Rules, Wanted, revision_score
from assay.precache.asking import Answer, Assay, Away, Failed, Refused
from assay.precache.backlog import Backlog, Task
from assay.precache.cursor import Cursor
from assay.precache.following import Following, all_saved
from assay.precache.judge import Again, Cells, first_error, judge, may_pass
from assay.precache.options import PrecacheOptions
from assay.precache.patience import Patience, Stopping
from assay.precache.seldom import Seldom
from assay.precache.sink import Event
from assay.precache.standing import Standing
from assay.precache.stream import Followed, Malformed, Stream, Told
from assay.precache.telling import Telling
from assay.precache.witnesses import Witness, Witnesses
from assay.tasks import end
from assay.telemetry import (
    PRECACHE_EDITS,
    PRECACHE_EVENTS,
    PRECACHE_LAG_SECONDS,
    PRECACHE_PENDING,
    PRECACHE_REJECTED,
    PRECACHE_RETRIES,
    Metrics,
    logger,
)

T = TypeVar("T")
_LOGGED_CHARACTERS: Final = 300


class Follower:
    """`streams`: by name, each with its cursor. Raises `ConfigurationError` when one cannot be read."""

    def __init__(
        self,
        options: PrecacheOptions,
        rules: Rules,
        streams: Mapping[str, tuple[Stream, Cursor]],
        assay: Assay,
        telling: Telling,
        patience: Patience,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._options = options
        self._rules = rules
        self._assay = assay
        self._telling = telling
        self._patience = patience
        self._metrics = metrics
        self._clock = clock
        self._backlog = Backlog(options.pending)
        self._again: set[asyncio.Task[None]] = set()
        self._checking = asyncio.Lock()
        self._is_checked = False
        self._standing = Standing(options.batch)
        self._malformed = {name: Seldom(clock) for name in streams}
        self._log = logger(__name__)
        self._following = [Following(name, *pair, options.remembered) for name, pair in streams.items()]
        self._witnesses = self._told_before()

    async def run(self) -> None:
        """Until `Patience.stop`. Raises `ConfigurationError` when Assay does not know a model of the rules,
        OSError when the last position cannot be stored, or nobody reads standard output."""
        readers = [asyncio.create_task(self._read(one)) for one in self._following]
        savers = [asyncio.create_task(one.save_on()) for one in self._following]
        workers = [asyncio.create_task(self._work()) for _ in range(self._options.parallel)]
        stopping = asyncio.create_task(self._patience.stopping())
        try:
            await asyncio.wait([stopping, *readers, *savers, *workers], return_when=asyncio.FIRST_COMPLETED)
            self._patience.stop()
            await end([*readers, *self._again])
            await self._backlog.close()
            await asyncio.wait(workers, timeout=self._options.drain_timeout_s)
        finally:
            await end([stopping, *readers, *workers, *self._again])
            await all_saved(self._following, savers)
            await self._close()
        ended = [task for task in (*readers, *savers, *workers) if not task.cancelled()]
        if failures := [failure for task in ended if (failure := task.exception()) is not None]:
            raise failures[0]

    async def _close(self) -> None:
        for one in self._following:
            await one.stream.aclose()
        await self._assay.aclose()
        await self._telling.aclose()

    def _told_before(self) -> Witnesses:
        """As far as the positions' files remember."""
        witnesses, models = Witnesses(), self._rules.models
        for one in self._following:
            for database, rev_id in one.ledger.mark().done:
                if (wiki := self._rules.called(database)) in models:
                    witnesses.told(Wanted(wiki, models[wiki]), rev_id)
        return witnesses

    # -- in ------------------------------------------------------------------------------------------

    async def _read(self, one: Following) -> None:
        async with aclosing(one.stream.follow(one.position)) as stream:
            async for followed in stream:
                await self._take(one, followed)

    async def _take(self, one: Following, followed: Followed) -> None:
        told = followed.told
        wanted = self._rules.wanted(told) if isinstance(told, Change) else None
        is_known = isinstance(told, Change) and one.ledger.knows(told.identity)
        if told is not None:
            self._note(one, told, is_wanted=wanted is not None, is_known=is_known)
        if not isinstance(told, Change) or wanted is None or is_known:
            one.ledger.pass_by(followed.position)
            one.passed()
            return
        ticket = one.ledger.enter(told.identity, followed.position)
        await self._backlog.put(Task(told, wanted, one.ledger, ticket, self._standing.answers))
        self._metrics.set(PRECACHE_PENDING, self._backlog.size)

    def _note(self, one: Following, told: Told, *, is_wanted: bool, is_known: bool) -> None:
        if isinstance(told, Malformed):
            kind = "malformed"
            if events := self._malformed[one.name].due():
                reason = told.reason[:_LOGGED_CHARACTERS]
                self._log.warning("malformed event", stream=one.name, reason=reason, events=events)
        elif isinstance(told, NoEdit):
            kind = told.reason
        else:
            kind = "repeated" if is_known else "edit" if is_wanted else "unwanted"
        self._metrics.count(PRECACHE_EVENTS, one.name, kind)

    # -- through -------------------------------------------------------------------------------------

    async def _work(self) -> None:
        try:
            await self._check()
            while batch := await self._next():
                await self._do(batch)
                await self._backlog.tried(batch)
        except Stopping:
            return

    async def _next(self) -> list[Task]:
        """What to ask for, once it is time to."""
        if pause_s := self._standing.pause_s():
            await self._patience.wait(pause_s)
        return await self._backlog.take(1 if self._standing.is_bad else self._options.batch)

    async def _check(self) -> None:
        """That Assay knows what will be asked of it; once."""
        async with self._checking:
            if not self._is_checked:
                await self._until_answered(lambda: self._assay.check(self._rules.models))
                self._is_checked = True

    async def _until_answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Assay's answer, whenever it comes. Raises `Stopping`, `Refused` for what will not change, and
        `Failed` for what others need not wait for."""
        failures = 0
        while True:
            try:
                return await ask()
            except Away as away:
                failures += 1
                self._metrics.count(PRECACHE_RETRIES, "away")
                self._log.warning("Assay is away", reason=str(away), failures=failures, asked_s=away.delay_s)
                await self._patience.after(failures, away.delay_s)

    async def _do(self, batch: Sequence[Task]) -> None:
        wanted = batch[0].wanted
        rev_ids = tuple(dict.fromkeys(task.change.rev_id for task in batch))
        try:
            answer = await self._until_answered(
                lambda: self._assay.scores(wanted.wiki, wanted.models, rev_ids)
            )
        except Refused as refused:
            if len(rev_ids) > 1:  # singly, so that one edit does not take others with it
                for task in batch:
                    await self._do([task])
                return
            self._note_refusal(batch[0], refused)
            answer = _without_scores(batch[0], refused.error)
        except Failed as failed:
            self._note_failure(batch, failed)
            if len(rev_ids) > 1:
                await self._in_halves(batch)
                return
            for task in batch:  # tried as long as one with retryable errors
                task.is_suspect = not self._standing.is_bad
            answer = _without_scores(batch[0], failed.error)
            await self._ask_a_witness(batch[0])
        else:
            await self._note_answer(batch, answer)
        await self._told(batch, answer)

    async def _note_answer(self, batch: Sequence[Task], answer: Answer) -> None:
        """Errors alone say nothing of Assay. Where they may pass and nobody else gets a score, it is not
        known either whether the edits, their wiki or Assay's way to it are the reason."""
        for task in batch:
            task.is_suspect = False
        if self._witnesses.scored(batch[0].wanted, answer.cells):
            self._standing.answered()
            return
        self._standing.heard()
        if any(may_pass(answer.cells.get(task.change.rev_id, {}), task.wanted.models) for task in batch):
            await self._ask_a_witness(batch[0], most=1)

    def _note_refusal(self, task: Task, refused: Refused) -> None:
        wiki, rev_id = task.wanted.wiki, task.change.rev_id
        self._metrics.count(PRECACHE_REJECTED, wiki)
        self._log.error("edit refused", wiki=wiki, rev_id=rev_id, reason=str(refused))

    def _note_failure(self, batch: Sequence[Task], failed: Failed) -> None:
        """That Assay fails on a suspect again says nothing of the others, which are not to wait for that."""
        if not batch[0].is_suspect:
            self._standing.failed(failed.delay_s)
        self._log_if_bad(failed)

    def _log_if_bad(self, failed: Failed) -> None:
        if self._standing.is_bad:
            self._log.warning("Assay fails on everything", reason=str(failed))

    async def _in_halves(self, batch: Sequence[Task]) -> None:
        """Until the edit that Assay fails on is alone, and the others are told. When it fails on everything,
        there is no such edit."""
        self._metrics.count(PRECACHE_RETRIES, "failed")
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if self._standing.is_bad:
                for task in half:
                    await self._backlog.put_back(task)
            else:
                await self._do(half)

    async def _ask_a_witness(self, task: Task, most: float = math.inf) -> None:
        """An edit got no score, and nobody had one since it was tried before: on a quiet wiki that could stay
        so for ever. So an edit that got through before is asked for again. Where that proves nothing, another
        one is, each once, `most` of them: then it stays as unknown as it was."""
        asked: set[Witness] = set()
        while self._standing.answers <= task.answers and len(asked) < most:
            witness = self._witnesses.of(task.wanted.wiki, task.change.rev_id, asked)
            if witness is None or await self._has_told(witness):
                return
            asked.add(witness)

    async def _has_told(self, witness: Witness) -> bool:
        """Whether Assay works or does not, by this witness."""
        if pause_s := self._standing.pause_s():
            await self._patience.wait(pause_s)
        try:
            answer = await self._until_answered(lambda: self._ask_anew(witness))
        except Refused:
            self._witnesses.refused(witness)
            return False
        except Failed as failed:
            self._witnesses.failed(witness)
            self._standing.failed(failed.delay_s)
            self._log_if_bad(failed)
            return True
        if is_scored := self._witnesses.answered(witness, answer.cells.get(witness.rev_id, {})):
            self._standing.answered()
        return is_scored

    async def _ask_anew(self, witness: Witness) -> Answer:
        wanted = witness.wanted
        return await self._assay.scores(wanted.wiki, wanted.models, [witness.rev_id], anew=True)

    async def _told(self, batch: Sequence[Task], answer: Answer) -> None:
        done = [task for task in batch if self._is_done(task, answer)]
        if done:
            now = self._clock.now()
            await self._telling.tell([self._event(task, answer, now) for task in done])
            self._finish(done, self._clock.now())

    def _is_done(self, task: Task, answer: Answer) -> bool:
        """Whether it is to be told; else it is asked for again, later. As long as nobody gets a score, that
        is not the edit's doing: it is not given up, and the time does not count."""
        is_up = self._count_attempt(task)
        cells = answer.cells.get(task.change.rev_id, {})
        verdict = judge(
            cells,
            task.wanted.models,
            attempts=task.attempts,
            tried_s=task.tried_s,
            lag_attempts=self._options.lag_attempts,
            give_up_s=self._options.give_up_s if is_up else math.inf,
        )
        if isinstance(verdict, Again):
            self._note_again(task, verdict, cells)
            again = asyncio.create_task(self._later(task, verdict.delay_s))
            self._again.add(again)
            again.add_done_callback(self._again.discard)
            return False
        return True

    def _count_attempt(self, task: Task) -> bool:
        """Whether anybody got a score since the last one. An outage in between does not count, nor what the
        edit waited for its turn: only the pause that it was given, and a request's time."""
        now_s, is_up = self._clock.monotonic_s(), self._standing.answers > task.answers
        if is_up and task.attempts:
            most_s = task.delay_s + self._options.request_timeout_s
            task.tried_s += min(now_s - task.last_s, most_s)
        task.last_s, task.answers = now_s, self._standing.answers
        task.attempts += 1
        return is_up

    def _note_again(self, task: Task, again: Again, cells: Cells) -> None:
        """Each edit once: a wiki that is away for an hour would fill the log with the same. None while Assay
        fails on everything, which is logged as such."""
        self._metrics.count(PRECACHE_RETRIES, again.reason)
        task.delay_s = again.delay_s
        if not task.is_noted and not self._standing.is_bad:
            task.is_noted = True
            log = self._log.info if again.reason == "lag" else self._log.warning
            log(
                "edit not scored yet",
                wiki=task.wanted.wiki,
                rev_id=task.change.rev_id,
                reason=first_error(cells, task.wanted.models)[:_LOGGED_CHARACTERS],
                again_in_s=again.delay_s,
            )

    async def _later(self, task: Task, delay_s: float) -> None:
        with contextlib.suppress(Stopping):
            await self._patience.wait(delay_s)
            await self._backlog.put_back(task)

    # -- out -----------------------------------------------------------------------------------------

    def _event(self, task: Task, answer: Answer, now: datetime) -> Event:
        cells = answer.cells.get(task.change.rev_id, {})
        for name in task.wanted.models:
            error = cells.get(name, {}).get("error")
            self._metrics.count(PRECACHE_EDITS, task.wanted.wiki, name, "failed" if error else "scored")
            if error:
                self._log.warning(
                    "edit without score",
                    wiki=task.wanted.wiki,
                    rev_id=task.change.rev_id,
                    model=name,
                    attempts=task.attempts,
                    reason=str(error.get("message"))[:_LOGGED_CHARACTERS],
                )
        return revision_score(task.change, cells, answer.versions, now)

    def _finish(self, done: Sequence[Task], now: datetime) -> None:
        for task in done:
            if isinstance(task.change.timestamp, datetime):
                lag_s = max(0.0, (now - task.change.timestamp).total_seconds())
                self._metrics.observe(PRECACHE_LAG_SECONDS, lag_s, task.wanted.wiki)
            task.ledger.close(task.ticket)
        self._backlog.gone(len(done))
        self._metrics.set(PRECACHE_PENDING, self._backlog.size)
        for one in self._following:
            one.told()


def _without_scores(task: Task, error: Mapping[str, Any]) -> Answer:
    """No cell of the edit was to be had."""
    return Answer({task.change.rev_id: {name: {"error": error} for name in task.wanted.models}}, {})
