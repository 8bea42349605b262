"""One request from start to end: look up, have computed what is missing, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from assay.clock import Deadline
from assay.errors import BadParameter, DeadlineExceeded, EngineUnavailable, Overloaded, SourceUnavailable
from assay.models.model import Model
from assay.revisions.called import called
from assay.revisions.problem import Problem
from assay.revisions.types import Revision
from assay.scoring.cache import ScoreCache
from assay.scoring.claims import Claims, LocalClaims
from assay.scoring.computations import Computations
from assay.scoring.engine import Engine
from assay.scoring.fetch import Fetched, fetch, not_now
from assay.scoring.group import Wanted
from assay.scoring.identity import identity
from assay.scoring.key import ScoreKey, injection_digest
from assay.scoring.options import MAX_REVISIONS
from assay.scoring.problems import computation_abandoned, deadline_passed
from assay.scoring.request import Cell, Injection, Job, Scored, ScoreRequest
from assay.scoring.score import check_injection
from assay.scoring.unsaved import Unsaved, unsaved_revision
from assay.scoring.wikis import Wiki, Wikis
from assay.telemetry import CACHE_LOOKUPS, CELLS, Metrics, span

Table = Mapping[int, Mapping[str, Cell]]
"""The answer: cells by revision id and model name."""


class ScoringService:
    """Answers `ScoreRequest`s for the registered wikis, with one engine and one cache.

    `claims`: shared with other processes; None: this one is alone.
    """

    def __init__(
        self,
        wikis: Wikis,
        engine: Engine,
        cache: ScoreCache,
        metrics: Metrics,
        claims: Claims | None = None,
    ) -> None:
        self.wikis = wikis
        self.engine = engine
        self.cache = cache
        self._metrics = metrics
        self._claims = claims or LocalClaims()
        self._computations = Computations(engine, cache, self._claims, metrics)

    async def score(
        self,
        request: ScoreRequest,
        deadline: Deadline,
        at_hand: Mapping[int, Revision] = MappingProxyType({}),
    ) -> Table:
        """A cell for each revision and model of the request.

        `at_hand`: revisions that the caller has just fetched from the wiki; they are not fetched again.
        Raises `UnknownWiki`, `UnknownModel`, `BadInjection`; `Overloaded` or `DeadlineExceeded` when
        every cell would say so.
        """
        wiki = self.wikis.named(request.wiki)
        models = wiki.select(request.models)
        if len(request.rev_ids) > MAX_REVISIONS:
            raise BadParameter(f"Too many values for 'revids' parameter.  Max of {MAX_REVISIONS}.")
        for injection in request.injection.values():
            check_injection(wiki.nodes, injection)
        wanted = [
            Wanted(_key(wiki, model, rev_id, request), request.features, request.explain, request.bulk)
            for rev_id in request.rev_ids
            for model in models
        ]
        cells = await self._cached(wanted)
        while missing := [cell for cell in wanted if cell not in cells]:
            cells.update(await self._computed(wiki, missing, request, deadline, at_hand))
        return self._table(request, cells)

    async def aclose(self) -> None:
        """Let computations under way finish, then close engine, cache and sources."""
        await self._computations.all_done()
        await self.engine.aclose()
        await self._claims.aclose()
        await self.cache.aclose()
        for wiki in self.wikis.values():
            await wiki.source.aclose()

    # -- cells ---------------------------------------------------------------------------------------

    async def _cached(self, wanted: Sequence[Wanted]) -> dict[Wanted, Cell]:
        plain = {cell.key: cell for cell in wanted if not cell.features and not cell.explain}
        with span("cache", keys=len(plain)):
            scores = await self.cache.get_many(plain) if plain else {}
        if scores:
            self._metrics.count(CACHE_LOOKUPS, wanted[0].key.wiki, "hit", by=len(scores))
        return {plain[key]: Scored(score, is_cached=True) for key, score in scores.items()}

    async def _computed(
        self,
        wiki: Wiki,
        missing: Sequence[Wanted],
        request: ScoreRequest,
        deadline: Deadline,
        at_hand: Mapping[int, Revision],
    ) -> dict[Wanted, Cell]:
        """One round: begin what nobody computes, wait for all; a cell that another request's shorter
        deadline cut off is left out and asked for again."""
        mine = [cell for cell in missing if cell not in self._computations]
        self._metrics.count(CACHE_LOOKUPS, wiki.name, "miss", by=len(mine))
        self._metrics.count(CACHE_LOOKUPS, wiki.name, "shared", by=len(missing) - len(mine))
        if mine:
            self._computations.begin(wiki, mine, request, deadline, at_hand)
        futures = {cell: self._computations[cell] for cell in missing}
        if not all(future.done() for future in futures.values()):
            await asyncio.wait(futures.values(), timeout=deadline.remaining_s())
        owned = set(mine)
        cells: dict[Wanted, Cell] = {}
        for wanted, future in futures.items():
            cell = future.result() if future.done() else deadline_passed(wanted.key.rev_id)
            if wanted in owned or deadline.passed or not _cut_off(cell):
                cells[wanted] = cell
        return cells

    def _table(self, request: ScoreRequest, cells: Mapping[Wanted, Cell]) -> Table:
        if cells and all(_has_code(cell, Overloaded.code) for cell in cells.values()):
            raise Overloaded("The server is overloaded; try again in a few seconds.", delay_s=2.0)
        if cells and all(_has_code(cell, EngineUnavailable.code) for cell in cells.values()):
            raise EngineUnavailable("Nothing can be scored just now; try again shortly.", delay_s=2.0)
        if cells and all(_cut_off(cell) for cell in cells.values()):
            raise DeadlineExceeded(
                "Nothing could be scored in time: the wiki or this server is slow. Try again, with fewer "
                "revisions."
            )
        table: dict[int, dict[str, Cell]] = {
            rev_id: dict.fromkeys(request.models, computation_abandoned(rev_id)) for rev_id in request.rev_ids
        }
        for wanted, cell in cells.items():
            table[wanted.key.rev_id][wanted.key.model] = cell
            self._count(wanted.key.wiki, wanted.key.model, cell)
        return table

    def _count(self, wiki: str, model: str, cell: Cell) -> None:
        self._metrics.count(CELLS, wiki, model, cell.code if isinstance(cell, Problem) else "scored")

    # -- revisions -----------------------------------------------------------------------------------

    async def recent(self, wiki: Wiki, limit: int, deadline: Deadline) -> Sequence[int]:
        """Ids of the latest edits, newest first. Raises `SourceUnavailable`."""
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                return list(await wiki.source.recent(limit, deadline))[:limit]
        except TimeoutError as error:
            raise SourceUnavailable(f"{wiki.name} did not answer in time; try again.") from error

    async def fetch(
        self, wiki: Wiki, rev_ids: Sequence[int], deadline: Deadline, *, pasts: bool = False
    ) -> Fetched:
        """Each id with its revision or problem, whatever the source does; counted and timed.

        `pasts`: with those of page and actor, if one of the wiki's models reads them: for `score_revision`.
        """
        pasts = pasts and bool(wiki.reading_pasts)
        return await fetch(wiki, rev_ids, deadline, self._metrics, pasts=pasts)

    async def unsaved(self, wiki: Wiki, told: Unsaved, deadline: Deadline) -> Revision:
        """The revision that the text would become, for `score_revision`; a parent told by its id is fetched.

        Raises `BadParameter` when the wiki has no such parent, `SourceUnavailable` or `DeadlineExceeded`.
        """
        parent = None
        if isinstance(told.parent, int):
            found = (await self.fetch(wiki, [told.parent], deadline)).found[told.parent]
            if isinstance(found, Problem) and found.retryable:
                raise not_now(found, deadline)
            if isinstance(found, Problem):
                raise BadParameter(f"Could not use revision {told.parent} as the parent. {found.message}")
            parent = found
        return unsaved_revision(told, parent, deadline.clock.now().replace(microsecond=0))

    async def score_revision(
        self,
        wiki: Wiki,
        models: Sequence[Model],
        revision: Revision,
        injection: Injection,
        deadline: Deadline,
        *,
        features: bool = True,
        explain: bool = True,
        told: bool = True,
    ) -> Mapping[str, Cell]:
        """Cells for a revision that the caller has already, be it one that no wiki holds.

        `told`: as of `Job`. Neither looked up nor kept nor shared: pages ask with ever new injections, and
        what is not saved has no id to be known by. Raises `BadInjection`, `Overloaded`, `DeadlineExceeded`.
        """
        wiki.select([model.name for model in models])
        check_injection(wiki.nodes, injection)
        job = Job(wiki.name, tuple(m.name for m in models), revision, injection, features, explain, told=told)
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                cells = await self.engine.score(job, deadline)
        except TimeoutError as error:  # an engine looks at the deadline only when the job's turn has come
            name = called(revision.id).capitalize()
            raise DeadlineExceeded(f"{name} was not scored in time; try again.") from error
        for model, cell in cells.items():
            self._count(wiki.name, model, cell)
        return cells


def _key(wiki: Wiki, model: Model, rev_id: int, request: ScoreRequest) -> ScoreKey:
    injection = injection_digest(request.injection.get(rev_id, {}))
    return ScoreKey(wiki.name, model.name, identity(model), rev_id, injection)


def _cut_off(cell: Cell) -> bool:
    return _has_code(cell, DeadlineExceeded.code)


def _has_code(cell: Cell, code: str) -> bool:
    return isinstance(cell, Problem) and cell.code == code
