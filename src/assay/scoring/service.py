"""One request from start to end: look up, claim, fetch, compute, store, answer.

A score that several requests want at the same time is computed once: the first to ask claims it, the
others wait for the same result, in this process and, through `assay.scoring.claims`, in others. The
computation belongs to the service, not to the request that began it, so a client that hangs up takes nothing
from those who wait.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from assay.clock import Deadline
from assay.errors import BadParameter, DeadlineExceeded, EngineUnavailable, Overloaded
from assay.models.model import Model
from assay.revisions.problem import Problem, source_failed
from assay.revisions.types import Revision
from assay.scoring.cache import ScoreCache
from assay.scoring.claims import Claims, LocalClaims, job_id
from assay.scoring.codec import CodecError, Computed, decode_computed, encode_computed
from assay.scoring.engine import Engine
from assay.scoring.identity import identity
from assay.scoring.key import ScoreKey, injection_digest
from assay.scoring.problems import computation_abandoned, deadline_passed, engine_away, overloaded
from assay.scoring.request import MAX_REVISIONS, Cell, Injection, Job, Scored, ScoreRequest
from assay.scoring.score import check_injection
from assay.scoring.wikis import Wiki, Wikis
from assay.telemetry import CACHE_LOOKUPS, CELLS, FETCH_SECONDS, FETCHED, Metrics, logger, span

_OUR_TROUBLES: Final = frozenset({DeadlineExceeded.code, Overloaded.code, EngineUnavailable.code})
"""Codes of problems that lie with one process, not with the revision."""

Table = Mapping[int, Mapping[str, Cell]]
"""The answer: cells by revision id and model name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One cell somebody computes. Answers with features or explanations are not those without, and nobody
    who waits shares with a `bulk` request."""

    key: ScoreKey
    features: bool
    explain: bool
    bulk: bool


Futures = dict[Wanted, "asyncio.Future[Cell]"]
"""Cells with those who wait for them."""


@dataclass(frozen=True, slots=True)
class Group:
    """The cells of one revision that one job computes. `id`: the job's, equal in all processes."""

    id: str
    wiki: Wiki
    rev_id: int
    futures: Futures
    injection: Injection
    deadline: Deadline

    @property
    def is_settled(self) -> bool:
        return all(future.done() for future in self.futures.values())


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
        self._cache = cache
        self._metrics = metrics
        self._claims = claims or LocalClaims()
        self._begun: Futures = {}
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
        wanted = [
            Wanted(_key(wiki, model, rev_id, request), request.features, request.explain, request.bulk)
            for rev_id in request.rev_ids
            for model in models
        ]
        cells = await self._cached(wanted)
        while missing := [cell for cell in wanted if cell not in cells]:
            cells.update(await self._computed(wiki, missing, request, deadline))
        return self._table(request, cells)

    async def aclose(self) -> None:
        """Let computations under way finish, then close engine, cache and sources."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self.engine.aclose()
        await self._claims.aclose()
        await self._cache.aclose()
        for wiki in self.wikis.values():
            await wiki.source.aclose()

    # -- cells ---------------------------------------------------------------------------------------

    async def _cached(self, wanted: Sequence[Wanted]) -> dict[Wanted, Cell]:
        plain = {cell.key: cell for cell in wanted if not cell.features and not cell.explain}
        with span("cache", keys=len(plain)):
            scores = await self._cache.get_many(plain) if plain else {}
        if scores:
            self._metrics.count(CACHE_LOOKUPS, wanted[0].key.wiki, "hit", by=len(scores))
        return {plain[key]: Scored(score, is_cached=True) for key, score in scores.items()}

    async def _computed(
        self, wiki: Wiki, missing: Sequence[Wanted], request: ScoreRequest, deadline: Deadline
    ) -> dict[Wanted, Cell]:
        """One round: begin what nobody computes, wait for all; a cell that another request's shorter
        deadline cut off is left out and asked for again."""
        mine = [cell for cell in missing if cell not in self._begun]
        self._metrics.count(CACHE_LOOKUPS, wiki.name, "miss", by=len(mine))
        self._metrics.count(CACHE_LOOKUPS, wiki.name, "shared", by=len(missing) - len(mine))
        if mine:
            self._begin(wiki, mine, request, deadline)
        futures = {cell: self._begun[cell] for cell in missing}
        if not all(future.done() for future in futures.values()):
            await asyncio.wait(futures.values(), timeout=deadline.remaining_s())
        owned = set(mine)
        cells: dict[Wanted, Cell] = {}
        for wanted, future in futures.items():
            cell = future.result() if future.done() else deadline_passed(wanted.key.rev_id)
            if wanted in owned or deadline.passed or not _cut_off(cell):
                cells[wanted] = cell
        return cells

    def _begin(self, wiki: Wiki, wanted: Sequence[Wanted], request: ScoreRequest, deadline: Deadline) -> None:
        loop = asyncio.get_running_loop()
        by_revision: dict[int, Futures] = {}
        for cell in wanted:
            self._begun[cell] = by_revision.setdefault(cell.key.rev_id, {})[cell] = loop.create_future()
        groups = [
            Group(
                job_id(
                    (cell.key for cell in futures),
                    features=request.features,
                    explain=request.explain,
                    bulk=request.bulk,
                ),
                wiki,
                rev_id,
                futures,
                request.injection.get(rev_id, {}),
                deadline,
            )
            for rev_id, futures in by_revision.items()
        ]
        task = loop.create_task(self._work(groups))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _settle(self, group: Group, cells: Mapping[Wanted, Cell]) -> None:
        """Answer what is still open. Another request may have begun the same cell anew by now: that one is
        not ours to answer."""
        for wanted, cell in cells.items():
            if not group.futures[wanted].done():
                del self._begun[wanted]
                group.futures[wanted].set_result(cell)

    def _settle_all(self, group: Group, problem: Problem) -> None:
        self._settle(group, dict.fromkeys(group.futures, problem))

    # -- groups --------------------------------------------------------------------------------------

    async def _work(self, groups: Sequence[Group]) -> None:
        """Compute what is ours, wait for what other processes compute."""
        try:
            won = await self._claims.take([group.id for group in groups])
            others = [group for group in groups if group.id not in won]
            await asyncio.gather(
                self._compute([group for group in groups if group.id in won]),
                *(self._await_other(group) for group in others),
            )
        finally:  # whatever happened, nobody may wait for ever
            left = [group for group in groups if not group.is_settled]
            for group in left:
                self._settle_all(group, computation_abandoned(group.rev_id))
            await self._claims.settle(dict.fromkeys(group.id for group in left))

    async def _await_other(self, group: Group) -> None:
        """What the process that holds the claim tells; its place is taken when it tells nothing."""
        while not group.deadline.passed:
            told = await self._claims.wait(group.id, group.deadline.remaining_s())
            if told is not None and (cells := _read(group, told)) is not None:
                self._settle(group, cells)
                return
            if not group.deadline.passed and await self._claims.take([group.id]):
                await self._compute([group])
                return
        self._settle_all(group, deadline_passed(group.rev_id))

    async def _compute(self, groups: Sequence[Group]) -> None:
        """Groups of one wiki whose claims are ours."""
        if self._claims.are_shared:  # others may have computed and stored between our look-up and our claim
            groups = await self._not_stored(groups)
        if not groups:
            return
        first = groups[0]
        fetched = await self.fetch(first.wiki, [group.rev_id for group in groups], first.deadline)
        await asyncio.gather(*(self._compute_one(group, fetched[group.rev_id]) for group in groups))

    async def _not_stored(self, groups: Sequence[Group]) -> list[Group]:
        cells = await self._cached([cell for group in groups for cell in group.futures])
        stored = [group for group in groups if all(cell in cells for cell in group.futures)]
        await self._claims.settle(dict.fromkeys(group.id for group in stored))
        for group in stored:
            self._settle(group, {cell: cells[cell] for cell in group.futures})
        return [group for group in groups if not group.is_settled]

    async def _compute_one(self, group: Group, revision: Revision | Problem) -> None:
        cells = await self._cells(group, revision)
        await self._keep(cells)
        await self._claims.settle({group.id: _told(cells)})
        self._settle(group, cells)

    async def _cells(self, group: Group, revision: Revision | Problem) -> Mapping[Wanted, Cell]:
        if isinstance(revision, Problem):
            return dict.fromkeys(group.futures, revision)
        by_model = {wanted.key.model: wanted for wanted in group.futures}
        asked = next(iter(group.futures))
        job = Job(
            group.wiki.name,
            tuple(by_model),
            revision,
            group.injection,
            asked.features,
            asked.explain,
            asked.bulk,
        )
        computed: Mapping[str, Cell]
        try:
            with span("engine", wiki=group.wiki.name, revision=revision.id):
                computed = await self.engine.score(job, group.deadline)
        except Overloaded:
            computed = dict.fromkeys(by_model, overloaded(revision.id))
        except EngineUnavailable:
            computed = dict.fromkeys(by_model, engine_away(revision.id))
        except Exception:  # an engine's defect must cost its own revision only
            self._log.exception("engine failed", wiki=group.wiki.name, revision=revision.id)
            computed = dict.fromkeys(by_model, computation_abandoned(revision.id))
        return {by_model[model]: cell for model, cell in computed.items()}

    async def _keep(self, cells: Mapping[Wanted, Cell]) -> None:
        """What was computed is answered even when it cannot be kept."""
        scores = {wanted.key: cell.score for wanted, cell in cells.items() if isinstance(cell, Scored)}
        try:
            await self._cache.set_many(scores)
        except Exception:  # a store's defect must cost time only
            self._log.exception("scores were not kept")

    def _table(self, request: ScoreRequest, cells: Mapping[Wanted, Cell]) -> Table:
        if cells and all(_has_code(cell, Overloaded.code) for cell in cells.values()):
            raise Overloaded("The server is overloaded; try again in a few seconds.", delay_s=2.0)
        if cells and all(_has_code(cell, EngineUnavailable.code) for cell in cells.values()):
            raise EngineUnavailable("Nothing can be scored just now; try again shortly.", delay_s=2.0)
        if cells and all(_cut_off(cell) for cell in cells.values()):
            raise DeadlineExceeded("Nothing could be scored in time; try again, with fewer revisions.")
        table: dict[int, dict[str, Cell]] = {
            rev_id: dict.fromkeys(request.models, computation_abandoned(rev_id)) for rev_id in request.rev_ids
        }
        for wanted, cell in cells.items():
            table[wanted.key.rev_id][wanted.key.model] = cell
            outcome = cell.code if isinstance(cell, Problem) else "scored"
            self._metrics.count(CELLS, wanted.key.wiki, wanted.key.model, outcome)
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
                with span("fetch", wiki=wiki.name, revisions=len(rev_ids)):
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


def _key(wiki: Wiki, model: Model, rev_id: int, request: ScoreRequest) -> ScoreKey:
    injection = injection_digest(request.injection.get(rev_id, {}))
    return ScoreKey(wiki.name, model.name, identity(model), rev_id, injection)


def _told(cells: Mapping[Wanted, Cell]) -> bytes | None:
    """For other processes; None when they had better try for themselves, with more time or luck."""
    if any(isinstance(cell, Problem) and cell.code in _OUR_TROUBLES for cell in cells.values()):
        return None
    try:
        return encode_computed(Computed({wanted.key.model: cell for wanted, cell in cells.items()}))
    except TypeError:  # a value that JSON cannot say
        return None


def _read(group: Group, told: bytes) -> dict[Wanted, Cell] | None:
    """None when it is not an answer to all of the group's cells."""
    try:
        cells = decode_computed(told).cells
        return {wanted: cells[wanted.key.model] for wanted in group.futures}
    except (CodecError, KeyError):
        return None


def _cut_off(cell: Cell) -> bool:
    return _has_code(cell, DeadlineExceeded.code)


def _has_code(cell: Cell, code: str) -> bool:
    return isinstance(cell, Problem) and cell.code == code
