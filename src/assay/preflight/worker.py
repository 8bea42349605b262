"""A made-up revision, for every set of models and in both lanes, through this release's own worker and back.

The canary of 2016-08-01 was a web server whose jobs old workers took, and its health check asked for a page
that needs no worker. Here nothing but a worker of this very release can give the answer: the
revision's id is a number that nobody had before, and the engine takes no reply that names another release.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, get_args

from redis.exceptions import RedisError

from assay.clock import Clock, Deadline
from assay.compose import queue as parts
from assay.errors import AssayError, DeadlineExceeded, EngineUnavailable, NoWorker, Overloaded
from assay.preflight.bundles import Load
from assay.preflight.check import Check, Failed, Group, Outcome, Passed
from assay.revisions.problem import Problem
from assay.scoring.problems import computation_abandoned
from assay.scoring.queue.engine import CeleryEngine
from assay.scoring.queue.envelope import Lane, queue_name
from assay.scoring.queue.overdue import heartbeat_key
from assay.scoring.request import Cell, Job
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets
from assay.settings import Settings
from assay.tasks import once
from assay.telemetry import Metrics

LOAD_MARGIN_S: Final = 125.0
_MANY_KEYS: Final = 100
_MANY_JOBS: Final = 12
"""With as many strangers as own workers on a queue, one set of jobs in four thousand meets none of them."""
_TRY_AGAIN_S: Final = 0.5


@dataclass
class Worker:
    """Asks one release's workers. `sets`: a wiki for every distinct set of models. `patience_s`: how long a
    worker may take for one revision."""

    settings: Settings
    models: ModelSets
    sets: tuple[str, ...]
    rev_id: int
    loaded: Load
    metrics: Metrics
    clock: Clock
    patience_s: float
    _engine: CeleryEngine | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._started = once(self._start)

    def group(self) -> Group:
        checks = [
            Check(
                lane,
                f"models of {wiki}",
                lambda wiki=wiki, lane=lane: self.ask(wiki, lane),  # type: ignore[misc]
                "look at the workers' logs",
                self.patience_s + LOAD_MARGIN_S,
            )
            for wiki in self.sets
            for lane in get_args(Lane)
        ]
        return Group("worker", checks, "there is no wiki with models: set wikis")

    async def ask(self, wiki: str, lane: Lane) -> Outcome:
        names = tuple(self.models.of(wiki))
        job = Job(wiki, names, synthetic_revision(self.rev_id), bulk=lane == "bulk")
        engine, before_s = await self._started(), self.clock.monotonic_s()
        try:
            cells = await self._patiently(engine, job)
        except (Overloaded, NoWorker) as error:
            return await self._silent(engine, lane, str(error))
        except EngineUnavailable as error:
            return Failed(str(error), "mend what the redis checks say")
        took_ms = (self.clock.monotonic_s() - before_s) * 1000
        codes = {cell.code for cell in cells.values() if isinstance(cell, Problem)}
        if DeadlineExceeded.code in codes:
            return await self._silent(engine, lane, f"no answer within {self.patience_s:g} s")
        if codes:
            return _refused(cells, codes)
        if await self._meets_stranger(engine, job):
            return self._taken(engine, lane)
        return await self._compared(wiki, cells, f"{len(cells)} models answered in {took_ms:.0f} ms")

    async def _meets_stranger(self, engine: CeleryEngine, job: Job) -> bool:
        """Whether a worker of another release takes jobs from our queue: then both take some, so several
        are sent. Whoever finds one there has been given the other release's queue, or gave it ours."""
        deadline = Deadline.after(self.patience_s, self.clock)
        more = [replace(job, revision=synthetic_revision(self.rev_id + n)) for n in range(1, _MANY_JOBS)]
        await asyncio.gather(*(engine.score(one, deadline) for one in more), return_exceptions=True)
        return engine.stranger is not None

    async def _patiently(self, engine: CeleryEngine, job: Job) -> Mapping[str, Cell]:
        """A full lane may be emptied yet: a worker that was started just now drops what is stale."""
        deadline = Deadline.after(self.patience_s, self.clock)
        while True:
            try:
                return await engine.score(job, deadline)
            except Overloaded:
                if deadline.remaining_s() <= _TRY_AGAIN_S:
                    raise
            await asyncio.sleep(_TRY_AGAIN_S)

    async def aclose(self) -> None:
        if self._engine is not None:
            await self._engine.aclose()

    # -- judging -------------------------------------------------------------------------------------

    async def _compared(self, wiki: str, cells: Mapping[str, Cell], said: str) -> Outcome:
        """With what the same bundles give in this process."""
        try:
            expected = (await self.loaded()).answers[wiki]
        except AssayError as error:
            return Failed(
                f"{said}, but there is nothing to compare with: {error}", "mend what bundles.load says"
            )
        if wrong := [name for name, cell in cells.items() if cell != expected[name]]:
            return Failed(
                f"the worker's scores differ from this machine's: {', '.join(wrong)}",
                "run the workers from the same release as this command, bundles and code alike",
            )
        return Passed(
            f"{said} by a worker of {self.settings.release}, with the scores that this machine computes"
        )

    async def _silent(self, engine: CeleryEngine, lane: Lane, said: str) -> Failed:
        release, queue = self.settings.release, queue_name(self.settings.release, lane)
        if engine.stranger is not None:
            return self._taken(engine, lane)
        jobs, workers = await self._look(queue)
        return Failed(
            f"no worker of release {release} answers from {queue}: {said}; {jobs} jobs wait there; "
            f"{workers} workers of any release show signs of life in this Redis",
            f"start `assay worker` with release {release}, this Redis and the lane {lane}; if one runs, "
            "read its log, and compare release, redis and worker.lanes of its configuration",
        )

    def _taken(self, engine: CeleryEngine, lane: Lane) -> Failed:
        release = self.settings.release
        return Failed(
            f"a worker of release {engine.stranger} takes the jobs of release {release} from "
            f"{queue_name(release, lane)} (it refuses them)",
            f"end that worker or mend the name of its queue; start `assay worker` of release {release}",
        )

    async def _look(self, queue: str) -> tuple[Any, Any]:
        """Jobs that wait, workers that live; question marks when Redis does not tell."""
        client = parts.queue_client(self.settings)
        try:
            with contextlib.suppress(RedisError, OSError):
                beats = [key async for key in client.scan_iter(heartbeat_key("*"), count=_MANY_KEYS)]
                return await client.llen(queue), len(beats)
            return "?", "?"
        finally:
            await client.aclose()

    async def _start(self) -> CeleryEngine:
        self._engine = parts.queue_engine(self.settings, self.models, self.metrics, self.clock)
        await self._engine.start()
        return self._engine


def _refused(cells: Mapping[str, Cell], codes: set[str]) -> Failed:
    if codes == {computation_abandoned(0).code}:
        return Failed(
            "a worker of this release's name refused the job: it has other bundles, or speaks another "
            "version (its log says which)",
            "run the workers from the same release as this command; never use a release's name twice",
        )
    told = "; ".join(f"{name}: {cell.message}" for name, cell in cells.items() if isinstance(cell, Problem))
    return Failed(told, "a model that fails on an ordinary edit is broken: do not use this release")


def distinct_sets(models: ModelSets, wikis: Mapping[str, Any]) -> tuple[str, ...]:
    """The first wiki of each set of models; wikis that share one prove it for each other."""
    found: dict[tuple[str, ...], str] = {}
    for wiki in wikis:
        found.setdefault(tuple(model.digest for model in models.of(wiki).values()), wiki)
    return tuple(wiki for digests, wiki in found.items() if digests)
