"""One request from start to end: look up, claim, fetch, compute, store, answer.

A score that several requests want at the same time is computed once: the first to ask claims it, the
others wait for the same result. The computation belongs to the service, not to the request that began
it, so a client that hangs up takes nothing from those who wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assay.clock import Deadline
from assay.errors import BadParameter, DeadlineExceeded, Overloaded
from assay.models.model import Model
from assay.revisions.problem import Problem, source_failed
from assay.revisions.types import Revision
from assay.scoring.cache import ScoreCache
from assay.scoring.engine import Engine
from assay.scoring.key import ScoreKey, injection_digest
from assay.scoring.problems import computation_abandoned, deadline_passed, overloaded
from assay.scoring.request import MAX_REVISIONS, Cell, Injection, Job, Scored, ScoreRequest
from assay.scoring.score import check_injection
from assay.scoring.wikis import Wiki, Wikis
from assay.telemetry import CACHE_LOOKUPS, CELLS, FETCH_SECONDS, FETCHED, Metrics, logger

Table = Mapping[int, Mapping[str, Cell]]
"""The answer: cells by revision id and model name."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One cell somebody computes. Answers with features or explanations are not those without."""

    key: ScoreKey
    features: bool
    explain: bool


Futures = dict[Claim, "asyncio.Future[Cell]"]
"""Claims with those who wait for them."""


class ScoringService:
    """Answers `ScoreRequest`s for the registered wikis, with one engine and one cache."""

    def __init__(self, wikis: Wikis, engine: Engine, cache: ScoreCache, metrics: Metrics) -> None:
        self.wikis = wikis
        self.engine = engine
        self._cache = cache
        self._metrics = metrics
        self._claimed: dict[Claim, asyncio.Future[Cell]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = logger(__name__)

    async def score(self, request: ScoreRequest, deadline: Deadline) -> Table:
        """A cell for each revision and model of the request.

        Raises `UnknownWiki`, `UnknownModel`, `BadInjection`; `Overloaded` or `DeadlineExceeded` when
        every cell would say so.
        """
        wiki = self.wikis.named(request.wiki)
        models = wiki.select(request.models)
        if len(request.rev_ids) > MAX_REVISIONS:
            raise BadParameter(f"Too many values for 'revids' parameter.  Max of {MAX_REVISIONS}.")
        for injection in request.injection.values():
            check_injection(wiki.nodes, injection)
        claims = [
            Claim(
                ScoreKey(
                    wiki.name,
                    model.name,
                    model.digest,
                    rev_id,
                    injection_digest(request.injection.get(rev_id, {})),
                ),
                request.features,
                request.explain,
            )
            for rev_id in request.rev_ids
            for model in models
        ]
        cells = await self._cached(claims)
        while missing := [claim for claim in claims if claim not in cells]:
            cells.update(await self._computed(wiki, missing, request.injection, deadline))
        return self._table(request, claims, cells)

    async def aclose(self) -> None:
        """Let computations under way finish, then close engine, cache and sources."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self.engine.aclose()
        await self._cache.aclose()
        for wiki in self.wikis.values():
            await wiki.source.aclose()

    # -- cells ---------------------------------------------------------------------------------------

    async def _cached(self, claims: Sequence[Claim]) -> dict[Claim, Cell]:
        plain = {claim.key: claim for claim in claims if not claim.features and not claim.explain}
        scores = await self._cache.get_many(plain)
        if claims and scores:
            self._metrics.count(CACHE_LOOKUPS, claims[0].key.wiki, "hit", by=len(scores))
        return {plain[key]: Scored(score) for key, score in scores.items()}

    async def _computed(
        self, wiki: Wiki, missing: Sequence[Claim], injection: Mapping[int, Injection], deadline: Deadline
    ) -> dict[Claim, Cell]:
        """One round: claim what nobody computes, wait for all; a cell that another request's shorter
        deadline cut off is left out and asked for again."""
        mine = [claim for claim in missing if claim not in self._claimed]
        self._metrics.count(CACHE_LOOKUPS, wiki.name, "miss", by=len(mine))
        self._metrics.count(CACHE_LOOKUPS, wiki.name, "shared", by=len(missing) - len(mine))
        if mine:
            self._begin(wiki, mine, injection, deadline)
        futures = {claim: self._claimed[claim] for claim in missing}
        if not all(future.done() for future in futures.values()):
            await asyncio.wait(futures.values(), timeout=deadline.remaining_s())
        owned = set(mine)
        cells: dict[Claim, Cell] = {}
        for claim, future in futures.items():
            cell = future.result() if future.done() else deadline_passed(claim.key.rev_id)
            if claim in owned or deadline.passed or not _cut_off(cell):
                cells[claim] = cell
        return cells

    def _begin(
        self, wiki: Wiki, claims: Sequence[Claim], injection: Mapping[int, Injection], deadline: Deadline
    ) -> None:
        loop = asyncio.get_running_loop()
        futures: Futures = {claim: loop.create_future() for claim in claims}
        self._claimed.update(futures)
        task = loop.create_task(self._compute_all(wiki, futures, injection, deadline))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _settle(self, futures: Futures, cells: Mapping[Claim, Cell]) -> None:
        """Answer claims that are still open. Another request may hold a new claim on the same cell by now:
        that one is not ours to answer."""
        for claim, cell in cells.items():
            if not futures[claim].done():
                del self._claimed[claim]
                futures[claim].set_result(cell)

    async def _compute_all(
        self, wiki: Wiki, futures: Futures, injection: Mapping[int, Injection], deadline: Deadline
    ) -> None:
        by_revision: dict[int, Futures] = {}
        for claim, future in futures.items():
            by_revision.setdefault(claim.key.rev_id, {})[claim] = future
        try:
            fetched = await self.fetch(wiki, list(by_revision), deadline)
            await asyncio.gather(
                *(
                    self._compute_one(wiki, group, fetched[rev_id], injection.get(rev_id, {}), deadline)
                    for rev_id, group in by_revision.items()
                )
            )
        finally:  # whatever happened, nobody may wait for ever
            self._settle(futures, {claim: computation_abandoned(claim.key.rev_id) for claim in futures})

    async def _compute_one(
        self,
        wiki: Wiki,
        futures: Futures,
        revision: Revision | Problem,
        injection: Injection,
        deadline: Deadline,
    ) -> None:
        if isinstance(revision, Problem):
            self._settle(futures, dict.fromkeys(futures, revision))
            return
        by_model = {claim.key.model: claim for claim in futures}
        asked = next(iter(futures))
        job = Job(wiki.name, tuple(by_model), revision, injection, asked.features, asked.explain)
        computed: Mapping[str, Cell]
        try:
            computed = await self.engine.score(job, deadline)
        except Overloaded:
            computed = dict.fromkeys(by_model, overloaded(revision.id))
        except Exception:  # an engine's defect must cost its own revision only
            self._log.exception("engine failed", wiki=wiki.name, revision=revision.id)
            computed = dict.fromkeys(by_model, computation_abandoned(revision.id))
        cells = {by_model[model]: cell for model, cell in computed.items()}
        await self._keep(cells)
        self._settle(futures, cells)

    async def _keep(self, cells: Mapping[Claim, Cell]) -> None:
        """What was computed is answered even when it cannot be kept."""
        scores = {claim.key: cell.score for claim, cell in cells.items() if isinstance(cell, Scored)}
        try:
            await self._cache.set_many(scores)
        except Exception:  # a store's defect must cost time only
            self._log.exception("scores were not kept")

    def _table(self, request: ScoreRequest, claims: Iterable[Claim], cells: Mapping[Claim, Cell]) -> Table:
        if cells and all(_refused(cell) for cell in cells.values()):
            raise Overloaded("The server is overloaded; try again in a few seconds.", delay_s=2.0)
        if cells and all(_cut_off(cell) for cell in cells.values()):
            raise DeadlineExceeded("Nothing could be scored in time; try again, with fewer revisions.")
        table: dict[int, dict[str, Cell]] = {rev_id: {} for rev_id in request.rev_ids}
        for claim in claims:
            cell = cells[claim]
            table[claim.key.rev_id][claim.key.model] = cell
            outcome = cell.code if isinstance(cell, Problem) else "scored"
            self._metrics.count(CELLS, claim.key.wiki, claim.key.model, outcome)
        return table

    # -- revisions -----------------------------------------------------------------------------------

    async def fetch(
        self, wiki: Wiki, rev_ids: Sequence[int], deadline: Deadline
    ) -> Mapping[int, Revision | Problem]:
        """Each id with its revision or problem, whatever the source does; counted and timed."""
        started_s = time.perf_counter()
        found: Mapping[int, Revision | Problem] = {}
        reason = "the wiki did not name it in its answer"
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                found = await wiki.source.fetch(rev_ids, deadline)
        except TimeoutError:
            reason = "the wiki did not answer in time"
        except Exception as error:  # a source's defect must not take the request down
            self._log.exception("source failed", wiki=wiki.name)
            reason = f"the wiki's source failed ({type(error).__name__})"
        self._metrics.observe(FETCH_SECONDS, time.perf_counter() - started_s, wiki.name)
        fetched = {rev_id: found.get(rev_id) or source_failed(rev_id, reason) for rev_id in rev_ids}
        for revision in fetched.values():
            outcome = revision.code if isinstance(revision, Problem) else "found"
            self._metrics.count(FETCHED, wiki.name, outcome)
        return fetched

    async def score_revision(
        self,
        wiki: Wiki,
        models: Sequence[Model],
        revision: Revision,
        injection: Injection,
        deadline: Deadline,
    ) -> Mapping[str, Cell]:
        """Cells with features and explanations for a revision that the caller has fetched already.

        Neither looked up nor shared: pages ask with ever new injections. Raises `BadInjection`, `Overloaded`,
        `DeadlineExceeded`.
        """
        wiki.select([model.name for model in models])
        check_injection(wiki.nodes, injection)
        job = Job(wiki.name, tuple(m.name for m in models), revision, injection, features=True, explain=True)
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                cells = await self.engine.score(job, deadline)
        except TimeoutError as error:  # an engine looks at the deadline only when the job's turn has come
            raise DeadlineExceeded(f"Revision {revision.id} was not scored in time; try again.") from error
        for model, cell in cells.items():
            self._metrics.count(CELLS, wiki.name, model, cell.code if isinstance(cell, Problem) else "scored")
        return cells


def _cut_off(cell: Cell) -> bool:
    return isinstance(cell, Problem) and cell.code == DeadlineExceeded.code


def _refused(cell: Cell) -> bool:
    return isinstance(cell, Problem) and cell.code == Overloaded.code
