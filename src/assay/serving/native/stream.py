"""The work of one streamed answer: chunks of revisions, a few at a time, at the reader's speed.

Each chunk has a place and a cost in the client's quota, a deadline and the bulk lane of its own. No chunk is
begun before the lines of an earlier one are taken, so a reader that is slow, or gone, holds up the work.
While the quota is spent the stream pauses; it does not fail. What the lines are:
`assay.serving.native.streams`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from assay.clock import Clock, Deadline
from assay.errors import EngineUnavailable, Overloaded, RetryableError
from assay.models.model import Model
from assay.revisions.problem import Problem
from assay.scoring.problems import computation_abandoned
from assay.scoring.request import Cell, ScoreRequest
from assay.scoring.service import Table
from assay.serving.cells import cell_document
from assay.serving.options import StreamOptions
from assay.serving.quota import QuotaSpent
from assay.serving.refusals import native_error
from assay.telemetry import logger

_FIRST_PAUSE_S: Final = 0.25
_REFUSED: Final = (Overloaded.code, EngineUnavailable.code)
"""Of cells that nobody has begun to compute."""

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants. `rev_ids`: unique. `in_order`: as asked, else as they are done."""

    wiki: str
    models: Mapping[str, Model]
    rev_ids: tuple[int, ...]
    features: bool = False
    explain: bool = False
    in_order: bool = False

    def chunk(self, rev_ids: tuple[int, ...]) -> ScoreRequest:
        return ScoreRequest(
            self.wiki, rev_ids, tuple(self.models), {}, self.features, self.explain, bulk=True
        )


class Score(Protocol):
    """`ScoringService.score`."""

    async def __call__(self, request: ScoreRequest, deadline: Deadline, /) -> Table: ...


class Admit(Protocol):
    """A place for so many revisions in the client's quota. Raises `QuotaSpent`."""

    def __call__(self, cost: int, /) -> AbstractAsyncContextManager[None]: ...


class Stream:
    """One answer under way. `draining`: set when the server is asked to end."""

    def __init__(
        self,
        asked: Asked,
        score: Score,
        admit: Admit,
        options: StreamOptions,
        clock: Clock,
        draining: asyncio.Event,
    ) -> None:
        self._asked = asked
        self._score = score
        self._admit = admit
        self._options = options
        self._clock = clock
        self._draining = draining
        size = options.chunk
        self._waiting = deque(
            asked.rev_ids[start : start + size] for start in range(0, len(asked.rev_ids), size)
        )
        self._under_way: dict[asyncio.Task[Table], tuple[int, ...]] = {}
        self._scored = 0
        self._failed = 0
        self._log = logger(__name__)

    async def parts(self) -> AsyncGenerator[list[Line]]:
        """Lines to be written together. What was not begun when it is closed is never begun."""
        yield [self._first_line()]
        ending = asyncio.ensure_future(self._draining.wait())
        refused: QuotaSpent | None = None
        paused_s = 0.0
        try:
            while not self._draining.is_set() and (self._under_way or self._waiting):
                refused = await self._begin()
                if self._under_way:
                    paused_s = 0.0
                    yield self._lines(await self._next(ending))
                elif refused is not None:
                    paused_s += refused.retry_s
                    if paused_s > self._options.pause_limit_s:
                        break
                    yield [_pause_line(refused)]
                    await asyncio.wait([ending], timeout=refused.retry_s)
            if self._under_way:
                done, _ = await asyncio.wait(self._under_way, timeout=self._options.drain_s)
                yield self._lines([task for task in self._under_way if task in done])
            yield [self._last_line(refused)]
        finally:
            ending.cancel()
            for task in self._under_way:
                task.cancel()

    # -- chunks --------------------------------------------------------------------------------------

    async def _begin(self) -> QuotaSpent | None:
        """Fill the window. The refusal, when the quota leaves no place for the next chunk."""
        while self._waiting and len(self._under_way) < self._options.window:
            rev_ids = self._waiting[0]
            admitted = asyncio.get_running_loop().create_future()
            task = asyncio.create_task(self._chunk(rev_ids, admitted))
            try:
                await asyncio.wait([task, admitted], return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                task.cancel()
                raise
            if task.done() and isinstance(refused := task.exception(), QuotaSpent):
                return refused
            self._waiting.popleft()
            self._under_way[task] = rev_ids
        return None

    async def _chunk(self, rev_ids: tuple[int, ...], admitted: asyncio.Future[None]) -> Table:
        """In a task of its own from the first step on, so that its place is given back whenever it ends."""
        async with self._admit(len(rev_ids)):
            admitted.set_result(None)
            return await self._table(rev_ids)

    async def _table(self, rev_ids: tuple[int, ...]) -> Table:
        """A cell for each revision and model, whatever happens. Who is refused by a full queue waits and asks
        again."""
        deadline = Deadline.after(self._options.chunk_timeout_s, self._clock)
        table: dict[int, Mapping[str, Cell]] = {}
        left, pause_s = rev_ids, _FIRST_PAUSE_S
        while True:
            found, delay_s = await self._ask(left, deadline)
            table.update(found)
            left = tuple(rev_id for rev_id in left if _is_refused(found[rev_id]))
            pause_s = max(2 * pause_s, delay_s)
            if not left or pause_s > deadline.remaining_s():
                return {rev_id: table[rev_id] for rev_id in rev_ids}
            await asyncio.sleep(pause_s)

    async def _ask(self, rev_ids: tuple[int, ...], deadline: Deadline) -> tuple[Table, float]:
        """Cells, and the seconds after which asking again for the refused ones makes sense."""
        try:
            return await self._score(self._asked.chunk(rev_ids), deadline), 0.0
        except RetryableError as error:
            problem = Problem(error.code, type(error).__name__, str(error), retryable=True)
            return {rev_id: dict.fromkeys(self._asked.models, problem) for rev_id in rev_ids}, error.delay_s
        except Exception:  # a defect must cost its own chunk only
            self._log.exception("chunk failed", wiki=self._asked.wiki)
            abandoned = {rev_id: computation_abandoned(rev_id) for rev_id in rev_ids}
            return {
                rev_id: dict.fromkeys(self._asked.models, cell) for rev_id, cell in abandoned.items()
            }, 0.0

    async def _next(self, ending: asyncio.Future[Any]) -> list[asyncio.Task[Table]]:
        """The chunks whose turn it is; none when the server is asked to end before."""
        wanted = list(self._under_way)
        if self._asked.in_order:
            wanted = wanted[:1]
        done, _ = await asyncio.wait([*wanted, ending], return_when=asyncio.FIRST_COMPLETED)
        return [task for task in wanted if task in done]

    # -- lines ---------------------------------------------------------------------------------------

    def _first_line(self) -> Line:
        models = {
            name: {"version": model.version, "digest": model.digest}
            for name, model in self._asked.models.items()
        }
        return {"wiki": self._asked.wiki, "models": models, "revisions": len(self._asked.rev_ids)}

    def _lines(self, tasks: Sequence[asyncio.Task[Table]]) -> list[Line]:
        found: list[Line] = []
        for task in tasks:
            del self._under_way[task]
            for rev_id, cells in task.result().items():
                failed = any(isinstance(cell, Problem) for cell in cells.values())
                self._failed += failed
                self._scored += not failed
                scores = {name: cell_document(cell, self._asked.models[name]) for name, cell in cells.items()}
                found.append({"revision": rev_id, "scores": scores})
        return found

    def _last_line(self, refused: QuotaSpent | None) -> Line:
        counts = {"scored": self._scored, "failed": self._failed}
        left = [*self._under_way.values(), *self._waiting]
        if not left:
            return {"done": True, **counts}
        error = native_error(
            "draining", "This server is going away; ask for the remaining revisions again.", True
        )
        if refused is not None and not self._draining.is_set():
            error = native_error(refused.code, str(refused), True)
        remaining = [rev_id for rev_ids in left for rev_id in rev_ids]
        return {"done": False, "error": error, **counts, "remaining": remaining}


def _is_refused(cells: Mapping[str, Cell]) -> bool:
    return any(isinstance(cell, Problem) and cell.code in _REFUSED for cell in cells.values())


def _pause_line(refused: QuotaSpent) -> Line:
    return {"pause": native_error(refused.code, str(refused), True), "retry_s": refused.retry_s}
