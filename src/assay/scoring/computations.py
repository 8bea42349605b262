"""What this process computes just now: once for all who want it, here and in other web processes.

The first to ask claims a group of cells; the others wait for the same result, in this process by futures and,
through `assay.scoring.claims`, in others. A computation belongs to nobody's request, so a client that hangs
up takes nothing from those who wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from assay.clock import Deadline
from assay.errors import EngineUnavailable, Overloaded
from assay.revisions.problem import Problem
from assay.revisions.types import Revision
from assay.scoring.cache import ScoreCache
from assay.scoring.claims import Claims
from assay.scoring.engine import Engine
from assay.scoring.fetch import Fetched, fetch
from assay.scoring.group import Futures, Group, Wanted, grouped, is_lasting, tell
from assay.scoring.problems import computation_abandoned, deadline_passed, engine_away, overloaded
from assay.scoring.request import Cell, Scored, ScoreRequest
from assay.scoring.wikis import Wiki
from assay.telemetry import Metrics, logger, span


class Computations:
    """Cells under way. `engine`, `cache` and `claims` stay the caller's to close."""

    def __init__(self, engine: Engine, cache: ScoreCache, claims: Claims, metrics: Metrics) -> None:
        self._engine = engine
        self._cache = cache
        self._claims = claims
        self._metrics = metrics
        self._begun: Futures = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = logger(__name__)

    def __contains__(self, wanted: Wanted) -> bool:
        return wanted in self._begun

    def __getitem__(self, wanted: Wanted) -> asyncio.Future[Cell]:
        return self._begun[wanted]

    def begin(
        self,
        wiki: Wiki,
        wanted: Sequence[Wanted],
        request: ScoreRequest,
        deadline: Deadline,
        at_hand: Mapping[int, Revision],
    ) -> None:
        """Cells of `request` that nobody computes here yet. `at_hand`: revisions that need not be fetched."""
        loop = asyncio.get_running_loop()
        futures = {cell: loop.create_future() for cell in wanted}
        self._begun.update(futures)
        task = loop.create_task(self._work(grouped(wiki, futures, request, deadline), at_hand))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def all_done(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _settle(self, group: Group, cells: Mapping[Wanted, Cell]) -> None:
        """Answer what is still open. Another request may have begun the same cell anew by now: that one is
        not ours to answer."""
        for wanted, cell in cells.items():
            if not group.futures[wanted].done():
                del self._begun[wanted]
                group.futures[wanted].set_result(cell)

    # -- ours and others' ----------------------------------------------------------------------------

    async def _work(self, groups: Sequence[Group], at_hand: Mapping[int, Revision]) -> None:
        """Compute what is ours, wait for what other processes compute."""
        try:
            won = await self._claims.take([group.id for group in groups])
            others = [group for group in groups if group.id not in won]
            await asyncio.gather(
                self._compute([group for group in groups if group.id in won], at_hand),
                *(self._await_other(group, at_hand) for group in others),
            )
        finally:  # whatever happened, nobody may wait for ever
            left = [group for group in groups if not group.is_settled]
            for group in left:
                self._settle(group, group.all(computation_abandoned(group.rev_id)))
            await self._claims.settle(dict.fromkeys(group.id for group in left))

    async def _await_other(self, group: Group, at_hand: Mapping[int, Revision]) -> None:
        """What the process that holds the claim tells; its place is taken when it tells nothing."""
        while not group.deadline.passed:
            told = await self._claims.wait(group.id, group.deadline.remaining_s())
            if told is not None and (cells := group.read(told)) is not None:
                self._settle(group, cells)
                return
            if not group.deadline.passed and await self._claims.take([group.id]):
                await self._compute([group], at_hand)
                return
        self._settle(group, group.all(deadline_passed(group.rev_id)))

    async def _compute(self, groups: Sequence[Group], at_hand: Mapping[int, Revision]) -> None:
        """Groups of one wiki whose claims are ours."""
        if not groups:
            return
        wiki, deadline = groups[0].wiki, groups[0].deadline
        rev_ids = [group.rev_id for group in groups]
        models = {wanted.key.model for group in groups for wanted in group.futures}
        pasts = not models.isdisjoint(wiki.reading_pasts)
        fetched = await fetch(wiki, rev_ids, deadline, self._metrics, pasts=pasts, at_hand=at_hand)
        await asyncio.gather(*(self._compute_one(group, fetched) for group in groups))

    async def _compute_one(self, group: Group, fetched: Fetched) -> None:
        revision = fetched.found[group.rev_id]
        if isinstance(revision, Problem):
            cells = group.all(revision)
        else:
            cells = await self._cells(group, revision)
        passing = group.wiki.reading_pasts if group.rev_id in fetched.short else frozenset()
        await self._keep({wanted: cell for wanted, cell in cells.items() if wanted.key.model not in passing})
        await self._claims.settle({group.id: tell(cells)}, is_lasting=is_lasting(cells))
        self._settle(group, cells)

    async def _cells(self, group: Group, revision: Revision) -> dict[Wanted, Cell]:
        try:
            with span("engine", wiki=group.wiki.name, revision=revision.id):
                return group.by_name(await self._engine.score(group.job(revision), group.deadline))
        except Overloaded:
            return group.all(overloaded(revision.id))
        except EngineUnavailable:
            return group.all(engine_away(revision.id))
        except Exception:  # an engine's defect must cost its own revision only
            self._log.exception("engine failed", wiki=group.wiki.name, revision=revision.id)
            return group.all(computation_abandoned(revision.id))

    async def _keep(self, cells: Mapping[Wanted, Cell]) -> None:
        """What was computed is answered even when it cannot be kept."""
        scores = {wanted.key: cell.score for wanted, cell in cells.items() if isinstance(cell, Scored)}
        try:
            await self._cache.set_many(scores)
        except Exception:  # a store's defect must cost time only
            self._log.exception("scores were not kept")
