"""What is computed together: the missing cells of one revision, and those who wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from assay.clock import Deadline
from assay.errors import ENGINE_STOPPED, DeadlineExceeded, EngineUnavailable, Overloaded
from assay.revisions.problem import Problem
from assay.revisions.types import Revision
from assay.scoring.claims import job_id
from assay.scoring.codec import CodecError, Computed, decode_computed, encode_computed
from assay.scoring.key import ScoreKey
from assay.scoring.request import Cell, Injection, Job, Scored, ScoreRequest
from assay.scoring.wikis import Wiki

_OUR_TROUBLES: Final = frozenset(
    {DeadlineExceeded.code, Overloaded.code, EngineUnavailable.code, ENGINE_STOPPED}
)
"""Codes of problems that lie with one process, not with the revision."""


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

    def job(self, revision: Revision) -> Job:
        """For the engine."""
        asked = next(iter(self.futures))
        models = tuple(wanted.key.model for wanted in self.futures)
        return Job(
            self.wiki.name, models, revision, self.injection, asked.features, asked.explain, asked.bulk
        )

    def by_name(self, cells: Mapping[str, Cell]) -> dict[Wanted, Cell]:
        """What an engine or another process answered, by its model's name. Raises KeyError when one of ours
        is not among it."""
        return {wanted: cells[wanted.key.model] for wanted in self.futures}

    def all(self, problem: Problem) -> dict[Wanted, Cell]:
        return dict.fromkeys(self.futures, problem)

    def read(self, told: bytes) -> dict[Wanted, Cell] | None:
        """What `tell` wrote; None when it is not an answer to all of our cells."""
        try:
            return self.by_name(decode_computed(told).cells)
        except (CodecError, KeyError):
            return None


def grouped(wiki: Wiki, futures: Futures, request: ScoreRequest, deadline: Deadline) -> list[Group]:
    """One group for each revision of `futures`, which are of one request."""
    by_revision: dict[int, Futures] = {}
    for wanted, future in futures.items():
        by_revision.setdefault(wanted.key.rev_id, {})[wanted] = future
    return [
        Group(_id(own, request), wiki, rev_id, own, request.injection.get(rev_id, {}), deadline)
        for rev_id, own in by_revision.items()
    ]


def _id(wanted: Iterable[Wanted], request: ScoreRequest) -> str:
    keys = (cell.key for cell in wanted)
    return job_id(keys, features=request.features, explain=request.explain, bulk=request.bulk)


def tell(cells: Mapping[Wanted, Cell]) -> bytes | None:
    """For other processes; None when they had better try for themselves, with more time or luck."""
    if any(isinstance(cell, Problem) and cell.code in _OUR_TROUBLES for cell in cells.values()):
        return None
    try:
        return encode_computed(Computed({wanted.key.model: cell for wanted, cell in cells.items()}))
    except TypeError:  # a value that JSON cannot say
        return None


def is_lasting(cells: Mapping[Wanted, Cell]) -> bool:
    """Whether it is the answer to those who ask a moment later, too: a problem may be mended by then."""
    return all(isinstance(cell, Scored) for cell in cells.values())
