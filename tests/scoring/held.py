"""A source, an engine and a loader of models that can be held, counted and broken."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.clock import Deadline
from assay.revisions.problem import Problem
from assay.revisions.types import Revision
from assay.scoring.request import Cell, Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets
from small_models import small_models


@dataclass
class HeldSource:
    """Every revision exists but those in `problems`; batches are recorded, and held while `gate` is shut."""

    problems: dict[int, Problem] = field(default_factory=dict)
    batches: list[list[int]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None
    forgotten: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.gate.set()

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        self.batches.append(list(rev_ids))
        await self.gate.wait()
        if self.failure:
            raise self.failure
        kept = [rev_id for rev_id in rev_ids if rev_id not in self.forgotten]
        return {rev_id: self.problems.get(rev_id) or synthetic_revision(rev_id) for rev_id in kept}

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        return list(range(limit, 0, -1))

    async def aclose(self) -> None:
        pass


@dataclass
class HeldEngine:
    """Computes inline; jobs are recorded, and held while `gate` is shut. `failures`: by revision id."""

    jobs: list[Job] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failures: dict[int, Exception] = field(default_factory=dict)
    answers: dict[int, Problem] = field(default_factory=dict)
    plans: PlanCache = field(default_factory=PlanCache)

    def __post_init__(self) -> None:
        self.gate.set()

    async def start(self) -> None:
        pass

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        self.jobs.append(job)
        await self.gate.wait()
        if failure := self.failures.get(job.revision.id):
            raise failure
        if answer := self.answers.pop(job.revision.id, None):
            return dict.fromkeys(job.models, answer)
        return compute(job, small_models().of(job.wiki), self.plans).cells

    async def aclose(self) -> None:
        pass


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def models_unless(path: str) -> ModelSets:
    """A loader that fails while there is a file at `path`."""
    if Path(path).exists():
        raise RuntimeError("the models cannot be loaded now")
    return small_models()


def models_without_forks(path: str) -> ModelSets:
    """A loader in whose process the system allows no fork while there is a file at `path`."""
    fork = os.fork

    def limited() -> int:
        if Path(path).exists():
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return fork()

    os.fork = limited
    return small_models()


def models_that_die_at_a_fork() -> ModelSets:
    """A loader whose process ends when it is to fork, as one that is out of memory."""
    os.fork = lambda: os._exit(1)
    return small_models()
