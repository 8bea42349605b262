"""One request from start to end, with engines and sources that can be held, counted and broken."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from assay.clock import Deadline, SystemClock
from assay.errors import BadInjection, BadParameter, DeadlineExceeded, Overloaded, UnknownModel, UnknownWiki
from assay.revisions.problem import Problem, revision_not_found
from assay.revisions.types import UNSAVED
from assay.scoring.cache import ScoreCache
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.problems import deadline_passed
from assay.scoring.request import Scored, ScoreRequest
from assay.scoring.service import ScoringService, Table
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import Wikis
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import CACHE_LOOKUPS, CELLS, FETCHED, Metrics
from scoring.held import HeldEngine, HeldSource, settle
from small_models import small_models

CLOCK = SystemClock()


@dataclass
class Setup:
    source: HeldSource
    engine: HeldEngine
    metrics: Metrics
    service: ScoringService

    async def ask(self, *rev_ids: int, seconds: float = 60, **more: Any) -> Table:
        options: dict[str, Any] = {"wiki": "smallwiki", "models": ("damaging", "goodfaith"), **more}
        return await self.service.score(
            ScoreRequest(rev_ids=rev_ids, **options), Deadline.after(seconds, CLOCK)
        )


@pytest.fixture
def setup() -> Setup:
    source, engine, metrics = HeldSource(), HeldEngine(), Metrics()
    wikis = Wikis({"smallwiki": source}, small_models())
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    return Setup(source, engine, metrics, ScoringService(wikis, engine, cache, metrics))


def codes(table: Table) -> dict[int, set[str]]:
    return {
        rev_id: {cell.code if isinstance(cell, Problem) else "scored" for cell in cells.values()}
        for rev_id, cells in table.items()
    }


async def test_one_fetch_and_one_job_per_revision(setup: Setup) -> None:
    table = await setup.ask(1, 2, 3)
    assert codes(table) == {1: {"scored"}, 2: {"scored"}, 3: {"scored"}}
    assert set(table[1]) == {"damaging", "goodfaith"}
    assert setup.source.batches == [[1, 2, 3]]
    assert [(job.revision.id, job.models) for job in setup.engine.jobs] == [
        (n, ("damaging", "goodfaith")) for n in (1, 2, 3)
    ]


async def test_only_what_is_missing_is_fetched_and_computed(setup: Setup) -> None:
    await setup.ask(1, models=("damaging",))
    table = await setup.ask(1, 2)
    assert setup.source.batches == [[1], [1, 2]]
    assert [job.models for job in setup.engine.jobs[1:]] == [("goodfaith",), ("damaging", "goodfaith")]
    assert table == await setup.ask(1, 2)
    assert len(setup.source.batches) == 2
    assert setup.metrics.value(CACHE_LOOKUPS, "smallwiki", "hit") == 1 + 4


async def test_what_is_at_hand_is_not_fetched_again(setup: Setup) -> None:
    request = ScoreRequest("smallwiki", (1, 2, 3), ("damaging",))
    at_hand = {2: synthetic_revision(2), 9: synthetic_revision(9)}
    table = await setup.service.score(request, Deadline.after(10, CLOCK), at_hand)
    assert codes(table) == {1: {"scored"}, 2: {"scored"}, 3: {"scored"}}
    assert setup.source.batches == [[1, 3]]
    assert table == await setup.ask(1, 2, 3, models=("damaging",))


async def test_features_and_explanations_are_computed_although_the_score_is_cached(setup: Setup) -> None:
    await setup.ask(1)
    cell = (await setup.ask(1, features=True))[1]["damaging"]
    assert isinstance(cell, Scored)
    assert cell.features is not None
    plain = (await setup.ask(1))[1]["damaging"]
    assert isinstance(plain, Scored)
    assert plain.features is None
    assert len(setup.engine.jobs) == 2


async def test_injected_scores_are_another_thing(setup: Setup) -> None:
    injection = {1: {"datasource.revision.text": "!" * 500}}
    plain, injected = await setup.ask(1), await setup.ask(1, injection=injection)
    assert plain != injected
    assert plain == await setup.ask(1)
    assert injected == await setup.ask(1, injection=injection)
    assert len(setup.engine.jobs) == 2


async def test_a_hundred_equal_requests_compute_once(setup: Setup) -> None:
    setup.engine.gate.clear()
    asked = [asyncio.create_task(setup.ask(1, 2)) for _ in range(100)]
    await settle()
    setup.engine.gate.set()
    tables = await asyncio.gather(*asked)
    assert all(table == tables[0] for table in tables)
    assert codes(tables[0]) == {1: {"scored"}, 2: {"scored"}}
    assert len(setup.engine.jobs) == 2
    assert setup.source.batches == [[1, 2]]
    assert setup.metrics.value(CACHE_LOOKUPS, "smallwiki", "shared") == 99 * 4


async def test_overlapping_requests_share_what_they_have_in_common(setup: Setup) -> None:
    setup.source.gate.clear()
    first = asyncio.create_task(setup.ask(1, 2))
    await settle()
    second = asyncio.create_task(setup.ask(2, 3))
    await settle()
    setup.source.gate.set()
    assert codes(await first) == {1: {"scored"}, 2: {"scored"}}
    assert codes(await second) == {2: {"scored"}, 3: {"scored"}}
    assert setup.source.batches == [[1, 2], [3]]


async def test_a_client_that_hangs_up_takes_nothing_from_those_who_wait(setup: Setup) -> None:
    setup.engine.gate.clear()
    owner = asyncio.create_task(setup.ask(1))
    await settle()
    waiter = asyncio.create_task(setup.ask(1))
    await settle()
    owner.cancel()
    await settle()
    setup.engine.gate.set()
    assert codes(await waiter) == {1: {"scored"}}
    assert len(setup.engine.jobs) == 1


async def test_who_waits_longer_asks_again_when_the_first_ran_out_of_time(setup: Setup) -> None:
    setup.engine.gate.clear()
    setup.engine.answers[1] = deadline_passed(1)
    owner = asyncio.create_task(setup.ask(1))
    await settle()
    waiter = asyncio.create_task(setup.ask(1))
    await settle()
    setup.engine.gate.set()
    with pytest.raises(DeadlineExceeded):
        await owner
    assert codes(await waiter) == {1: {"scored"}}
    assert len(setup.engine.jobs) == 2


async def test_the_deadline_is_kept_and_what_is_done_is_answered(setup: Setup) -> None:
    await setup.ask(1)
    setup.engine.gate.clear()
    table = await setup.ask(1, 2, seconds=0.05)
    assert codes(table) == {1: {"scored"}, 2: {"deadline_exceeded"}}
    setup.engine.gate.set()
    await settle()
    assert codes(await setup.ask(2)) == {2: {"scored"}}
    assert len(setup.engine.jobs) == 2  # the abandoned computation was finished and kept


async def test_nothing_in_time_is_an_error_of_the_whole_request(setup: Setup) -> None:
    setup.source.gate.clear()
    with pytest.raises(DeadlineExceeded):
        await setup.ask(1, 2, seconds=0.05)
    setup.source.gate.set()


async def test_an_explained_revision_keeps_the_deadline_too(setup: Setup) -> None:
    wiki = setup.service.wikis.named("smallwiki")
    models = tuple(wiki.models.values())
    setup.engine.gate.clear()
    with pytest.raises(DeadlineExceeded):
        await setup.service.score_revision(
            wiki, models, synthetic_revision(1), {}, Deadline.after(0.05, CLOCK)
        )
    assert len(setup.engine.jobs) == 1
    unsaved = replace(synthetic_revision(1), id=UNSAVED)
    with pytest.raises(DeadlineExceeded, match=r"^The unsaved text was not scored in time"):
        await setup.service.score_revision(wiki, models, unsaved, {}, Deadline.after(0.05, CLOCK))


async def test_a_score_that_cannot_be_kept_is_answered_all_the_same(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(MemoryStore, "set_many", full)
    assert codes(await setup.ask(1)) == {1: {"scored"}}
    assert codes(await setup.ask(1)) == {1: {"scored"}}
    assert len(setup.engine.jobs) == 2


async def test_a_problem_of_one_revision_is_its_own(setup: Setup) -> None:
    setup.source.problems[2] = revision_not_found(2)
    table = await setup.ask(1, 2)
    assert codes(table) == {1: {"scored"}, 2: {"revision_not_found"}}
    assert setup.metrics.value(FETCHED, "smallwiki", "revision_not_found") == 1
    del setup.source.problems[2]
    assert codes(await setup.ask(2)) == {2: {"scored"}}  # problems are not kept


async def test_a_source_that_breaks_its_promises_costs_cells_not_the_request(setup: Setup) -> None:
    setup.source.forgotten = {2}
    assert codes(await setup.ask(1, 2)) == {1: {"scored"}, 2: {"source_unavailable"}}
    setup.source.failure = RuntimeError("secret detail")
    table = await setup.ask(7)
    assert codes(table) == {7: {"source_unavailable"}}
    assert "secret" not in str(table)


async def test_an_engine_that_fails_costs_its_own_revision(setup: Setup) -> None:
    setup.engine.failures[2] = RuntimeError("secret detail")
    table = await setup.ask(1, 2)
    assert codes(table) == {1: {"scored"}, 2: {"engine_unavailable"}}
    assert "secret" not in str(table)


async def test_a_full_queue_is_told_by_cell_or_for_the_whole_request(setup: Setup) -> None:
    setup.engine.failures[2] = Overloaded("full")
    assert codes(await setup.ask(1, 2)) == {1: {"scored"}, 2: {"overloaded"}}
    with pytest.raises(Overloaded):
        await setup.ask(2)
    assert setup.metrics.value(CELLS, "smallwiki", "damaging", "overloaded") == 1


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"wiki": "dewiki"}, UnknownWiki),
        ({"models": ("damaging", "nonsense")}, UnknownModel),
        ({"injection": {1: {"feature.nonsense": 1}}}, BadInjection),
        ({"injection": {1: {"feature.test.chars": "many"}}}, BadInjection),
    ],
)
async def test_wrong_requests_are_refused_before_anything_is_fetched(
    setup: Setup, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await setup.ask(1, **options)
    assert setup.source.batches == []


async def test_more_than_fifty_revisions_are_refused_in_the_legacys_words(setup: Setup) -> None:
    with pytest.raises(BadParameter, match=r"^Too many values for 'revids' parameter\.  Max of 50\.$"):
        await setup.ask(*range(1, 52))


async def test_closing_waits_for_what_is_under_way(setup: Setup) -> None:
    setup.engine.gate.clear()
    asked = asyncio.create_task(setup.ask(1))
    await settle()
    closing = asyncio.create_task(setup.service.aclose())
    await settle()
    assert not closing.done()
    setup.engine.gate.set()
    assert codes(await asked) == {1: {"scored"}}
    await closing
