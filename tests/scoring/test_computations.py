"""What another process computes is waited for, taken over when nothing comes of it, and told when it is ours.

The other process is a script here; real ones, over Redis: `test_claims`. Whole requests: `test_service`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from assay.clock import Deadline, FakeClock
from assay.errors import EngineUnavailable, Overloaded
from assay.models.model import Score
from assay.revisions.problem import Problem, revision_not_found
from assay.revisions.types import Revision
from assay.scoring.cache import ScoreCache
from assay.scoring.codec import Computed, decode_computed, encode_computed
from assay.scoring.computations import Computations
from assay.scoring.group import Wanted
from assay.scoring.identity import identity
from assay.scoring.key import ScoreKey
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.request import Cell, Job, Scored, ScoreRequest
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import Wiki, Wikis
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from scoring.held import HeldEngine, HeldSource, settle
from small_models import small_models
from waiting import until_async

MODELS = ("damaging", "goodfaith")
LIMIT_S = 10.0
FROM_ANOTHER = Scored(Score(True, {True: 0.875, False: 0.125}))
TOLD = encode_computed(Computed(dict.fromkeys(MODELS, FROM_ANOTHER)))


@dataclass
class ScriptedClaims:
    """Of this process and another one. `lost`: so many claims, one after the other, are the other's; `told`:
    what it says each time that one waits for it, which takes `takes_s`."""

    clock: FakeClock
    lost: int = 0
    told: list[bytes | None] = field(default_factory=list)
    takes_s: float = 0.0
    taken: list[str] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    settled: dict[str, bytes | None] = field(default_factory=dict)
    lasting: dict[str, bool] = field(default_factory=dict)

    async def take(self, ids: Sequence[str]) -> set[str]:
        lost, self.lost = ids[: self.lost], max(0, self.lost - len(ids))
        won = [claim for claim in ids if claim not in lost]
        self.taken += won
        return set(won)

    async def wait(self, claim: str, limit_s: float) -> bytes | None:
        self.waits_s.append(limit_s)
        await settle()
        self.clock.advance(self.takes_s)
        return self.told.pop(0) if self.told else None

    async def settle(self, results: Mapping[str, bytes | None], *, is_lasting: bool = False) -> None:
        self.settled |= results
        self.lasting |= dict.fromkeys(results, is_lasting)

    async def aclose(self) -> None:
        pass


class UnevenEngine(HeldEngine):
    """Fails at once, and computes only after everybody else has had a turn."""

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        if job.revision.id not in self.failures:
            await settle()
        return await super().score(job, deadline)


class Process:
    """One web process and what it has to do with others."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.source, self.engine, self.claims = HeldSource(), UnevenEngine(), ScriptedClaims(self.clock)
        self.cache = ScoreCache(MemoryStore(MemoryStoreOptions(), self.clock), ScoreCacheOptions())
        self.computations = Computations(self.engine, self.cache, self.claims, Metrics())
        self.wiki: Wiki = Wikis({"smallwiki": self.source}, small_models())["smallwiki"]

    def wanted(self, rev_ids: Iterable[int]) -> list[Wanted]:
        keys = [
            ScoreKey("smallwiki", name, identity(self.wiki.models[name]), rev_id)
            for rev_id in rev_ids
            for name in MODELS
        ]
        return [Wanted(key, features=False, explain=False, bulk=False) for key in keys]

    def begin(self, *rev_ids: int, at_hand: Mapping[int, Revision] | None = None) -> list[Any]:
        """Futures of their cells."""
        request = ScoreRequest("smallwiki", rev_ids, MODELS)
        wanted = self.wanted(rev_ids)
        deadline = Deadline.after(LIMIT_S, self.clock)
        self.computations.begin(self.wiki, wanted, request, deadline, at_hand or {})
        return [self.computations[cell] for cell in wanted]

    async def cells(self, *rev_ids: int, at_hand: Mapping[int, Revision] | None = None) -> list[Cell]:
        futures = self.begin(*rev_ids, at_hand=at_hand)
        async with asyncio.timeout(20):
            cells = [await future for future in futures]
            await self.computations.all_done()
        assert not any(cell in self.computations for cell in self.wanted(rev_ids))
        return cells

    async def kept(self, rev_id: int) -> set[str]:
        """Models whose scores of the revision lie in the cache."""
        return {key.model for key in await self.cache.get_many([it.key for it in self.wanted([rev_id])])}

    @property
    def worked_on(self) -> list[int]:
        return [job.revision.id for job in self.engine.jobs]


@pytest.fixture
def process() -> Process:
    return Process()


def codes(cells: Iterable[Cell]) -> set[str]:
    return {cell.code if isinstance(cell, Problem) else "scored" for cell in cells}


async def test_what_another_computed_is_believed_and_nothing_fetched(process: Process) -> None:
    process.claims.lost, process.claims.told = 1, [TOLD]
    assert await process.cells(7) == [FROM_ANOTHER, FROM_ANOTHER]
    assert (process.source.batches, process.worked_on) == ([], [])
    assert process.claims.waits_s == [LIMIT_S]
    assert process.claims.settled == {}  # what is not ours is not ours to give back


async def test_of_one_request_ours_is_computed_while_the_others_is_waited_for(process: Process) -> None:
    process.claims.lost, process.claims.told = 1, [TOLD]
    other, _, ours, _ = await process.cells(7, 8)
    assert other == FROM_ANOTHER
    assert codes([ours]) == {"scored"}
    assert (process.source.batches, process.worked_on) == ([[8]], [8])


@pytest.mark.parametrize("rubbish", [None, b"rubbish", encode_computed(Computed({"damaging": FROM_ANOTHER}))])
async def test_a_place_is_taken_by_who_was_told_nothing_of_use(
    process: Process, rubbish: bytes | None
) -> None:
    process.claims.lost, process.claims.told = 1, [rubbish]
    assert codes(await process.cells(7)) == {"scored"}
    assert process.worked_on == [7]
    assert set(process.claims.settled) == set(process.claims.taken)


async def test_who_takes_a_place_has_what_is_at_hand_still_at_hand(process: Process) -> None:
    process.claims.lost = 1
    assert codes(await process.cells(7, at_hand={7: synthetic_revision(7)})) == {"scored"}
    assert (process.source.batches, process.worked_on) == ([], [7])


async def test_one_waits_again_while_others_hold_the_claim(process: Process) -> None:
    process.claims.lost, process.claims.told, process.claims.takes_s = 3, [None, None, TOLD], 3.0
    assert await process.cells(7) == [FROM_ANOTHER, FROM_ANOTHER]
    assert process.claims.waits_s == [10.0, 7.0, 4.0]
    assert process.worked_on == []


async def test_nobody_waits_for_another_beyond_the_deadline_or_begins_after_it(process: Process) -> None:
    process.claims.lost, process.claims.takes_s = 2, 5.0
    cells = await process.cells(7)
    assert codes(cells) == {"deadline_exceeded"}
    assert process.claims.waits_s == [10.0, 5.0]
    assert (process.worked_on, process.claims.taken) == ([], [])


async def test_what_comes_with_the_deadline_is_answered_all_the_same(process: Process) -> None:
    process.claims.lost, process.claims.told, process.claims.takes_s = 1, [TOLD], LIMIT_S
    assert await process.cells(7) == [FROM_ANOTHER, FROM_ANOTHER]


async def test_scores_are_kept_and_told_to_whoever_waits_now_or_a_moment_later(process: Process) -> None:
    cells = await process.cells(7)
    ((claim, told),) = process.claims.settled.items()
    assert told is not None
    assert decode_computed(told).cells == dict(zip(MODELS, cells, strict=True))
    assert process.claims.lasting == {claim: True}
    assert await process.kept(7) == set(MODELS)


async def test_a_revisions_own_problem_is_told_but_not_kept(process: Process) -> None:
    process.source.problems[7] = revision_not_found(7)
    assert codes(await process.cells(7)) == {"revision_not_found"}
    ((claim, told),) = process.claims.settled.items()
    assert told is not None
    assert set(decode_computed(told).cells.values()) == {revision_not_found(7)}
    assert process.claims.lasting == {claim: False}
    assert await process.kept(7) == set()


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Overloaded("full"), "overloaded"),
        (EngineUnavailable("away"), "queue_unavailable"),
        (RuntimeError("a defect"), "engine_unavailable"),
    ],
)
async def test_a_trouble_of_ours_leaves_the_work_to_others_and_costs_no_other_revision(
    process: Process, failure: Exception, code: str
) -> None:
    process.engine.failures[7] = failure
    *troubled, one, other = await process.cells(7, 8)
    assert codes(troubled) == {code}
    assert all(isinstance(cell, Problem) and cell.retryable for cell in troubled)
    assert codes([one, other]) == {"scored"}
    told = dict(zip(process.claims.taken, (7, 8), strict=True))
    assert [told[claim] for claim, result in process.claims.settled.items() if result is None] == [7]


async def test_who_is_cut_off_in_the_middle_leaves_nobody_waiting_and_no_claim_behind(
    process: Process,
) -> None:
    """As when the server's loop is ended: some revisions are answered already, others are not."""
    process.claims.lost, process.claims.told = 1, [TOLD]
    process.engine.gate.clear()
    futures = process.begin(7, 8, 9)
    async with asyncio.timeout(20):
        await futures[0]
        await until_async(lambda: len(process.engine.jobs) == 2)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        assert await futures[1] == FROM_ANOTHER
        assert codes([await future for future in futures[2:]]) == {"engine_unavailable"}
        await process.computations.all_done()
    assert process.claims.settled == dict.fromkeys(process.claims.taken)
    process.engine.gate.set()
    assert codes(await process.cells(8)) == {"scored"}
