"""Pasts are asked for when a model reads them and the source charges for them, and spoil no score."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from assay.clock import Deadline, SystemClock
from assay.features.graph.node import Feature
from assay.features.roots import ACTOR_HISTORY, PAGE_HISTORY
from assay.revisions.problem import Problem, revision_not_found
from assay.revisions.source import Pasts
from assay.revisions.types import UNKNOWN, PageHistory, Revision
from assay.scoring.cache import ScoreCache
from assay.scoring.fetch import fetch
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.request import Scored, ScoreRequest
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets, Wikis
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import PASTS, Metrics
from small_models import TEXT_CHARS, LinearModel

CLOCK = SystemClock()
PAST = PageHistory(3, 1, 1, 2, datetime(2020, 1, 1, tzinfo=UTC), None, 1, 1)
PAGE_EDITS = Feature(
    "feature.test.page_edits", "Edits.", (PAGE_HISTORY,), lambda past: past.edits, type="int"
)
ACTOR_EDITS = Feature("feature.test.actor_edits", "Edits.", (ACTOR_HISTORY,), lambda it: it.edits, type="int")
MODELS = ModelSets(
    [
        LinearModel("enwiki", "damaging", (TEXT_CHARS,), told=(PAGE_EDITS,)),
        LinearModel("enwiki", "reverted", (TEXT_CHARS, PAGE_EDITS)),
        LinearModel("enwiki", "goodfaith", (ACTOR_EDITS,)),
    ]
)


@dataclass
class ChargingSource:
    """Tells pages' pasts when asked; `failure` instead, if there is one; `hangs`: never answers;
    `is_short`: says that this was not all."""

    failure: Exception | None = None
    hangs: bool = False
    is_short: bool = False
    asked: list[list[int]] = field(default_factory=list)

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        return {it: revision_not_found(it) if it == 404 else synthetic_revision(it) for it in rev_ids}

    async def with_pasts(self, revisions: Sequence[Revision], deadline: Deadline) -> Pasts:
        self.asked.append([revision.id for revision in revisions])
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure
        told = {revision.id: replace(revision, page_history=PAST) for revision in revisions}
        return Pasts(told, frozenset(told) if self.is_short else frozenset())

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        return []

    async def aclose(self) -> None:
        pass


def soon(seconds: float = 30) -> Deadline:
    return Deadline.after(seconds, CLOCK)


def test_it_is_known_which_models_read_pasts() -> None:
    """What is only told with a model is not worth a charge."""
    wiki = Wikis({"enwiki": ChargingSource()}, MODELS)["enwiki"]
    assert wiki.reading_pasts == {"reverted", "goodfaith"}


@pytest.mark.parametrize(
    ("models", "asks"), [(("damaging",), False), (("reverted",), True), (("damaging", "reverted"), True)]
)
async def test_pasts_are_asked_for_when_a_model_reads_them(models: tuple[str, ...], asks: bool) -> None:
    source, metrics = ChargingSource(), Metrics("0", "test", "test")
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(Wikis({"enwiki": source}, MODELS), InlineEngine(MODELS, metrics), cache, metrics)
    table = await service.score(ScoreRequest("enwiki", (7, 404), models), soon())
    assert source.asked == ([[7]] if asks else [])
    if asks:
        cell = table[7]["reverted"]
        assert isinstance(cell, Scored)
        assert metrics.value(PASTS, "enwiki", "page", "known") == 1
        assert metrics.value(PASTS, "enwiki", "actor", "unknown") == 1
    await service.aclose()


async def test_a_score_that_lacks_pasts_is_given_but_not_kept() -> None:
    """Another time it would be another one; scores of models that read no pasts are kept."""
    source, metrics = ChargingSource(is_short=True), Metrics("0", "test", "test")
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(Wikis({"enwiki": source}, MODELS), InlineEngine(MODELS, metrics), cache, metrics)
    asked = ScoreRequest("enwiki", (7,), ("damaging", "reverted"))
    for _ in range(2):
        row = (await service.score(asked, soon()))[7]
        assert all(isinstance(cell, Scored) for cell in row.values())
    assert [isinstance(cell, Scored) and cell.is_cached for cell in row.values()] == [True, False]
    source.is_short = False
    for is_kept in (False, True):
        (cell,) = (await service.score(ScoreRequest("enwiki", (7,), ("reverted",)), soon()))[7].values()
        assert isinstance(cell, Scored)
        assert cell.is_cached == is_kept
    await service.aclose()


async def test_a_revision_at_hand_is_scored_with_its_pasts_too() -> None:
    """Or the feed, which fetches without them, would keep a score that v3 would not give."""
    source, metrics = ChargingSource(), Metrics("0", "test", "test")
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(Wikis({"enwiki": source}, MODELS), InlineEngine(MODELS, metrics), cache, metrics)
    await service.score(ScoreRequest("enwiki", (7,), ("reverted",)), soon(), {7: synthetic_revision(7)})
    assert source.asked == [[7]]
    wiki = service.wikis["enwiki"]
    (bare,) = (await service.fetch(wiki, [8], soon())).found.values()
    (whole,) = (await service.fetch(wiki, [8], soon(), pasts=True)).found.values()
    assert isinstance(bare, Revision)
    assert isinstance(whole, Revision)
    assert (bare.page_history, whole.page_history) == (UNKNOWN, PAST)
    await service.aclose()


@pytest.mark.parametrize("source", [ChargingSource(failure=ValueError("defect")), ChargingSource(hangs=True)])
async def test_without_pasts_there_are_still_revisions(source: ChargingSource) -> None:
    wiki = Wikis({"enwiki": source}, MODELS)["enwiki"]
    fetched = await fetch(wiki, [7, 404], soon(1), Metrics("0", "test", "test"), pasts=True)
    assert fetched.short == {7}
    found = fetched.found
    assert isinstance(found[7], Revision)
    assert found[7].page_history is UNKNOWN
    assert isinstance(found[404], Problem)


async def test_what_was_fetched_without_pasts_gets_them_before_it_is_scored() -> None:
    source, metrics = ChargingSource(), Metrics()
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(Wikis({"enwiki": source}, MODELS), InlineEngine(MODELS, metrics), cache, metrics)
    request = ScoreRequest("enwiki", (1, 2), ("reverted",))
    table = await service.score(request, soon(), {1: synthetic_revision(1)})
    assert source.asked == [[1, 2]]
    assert all(isinstance(cells["reverted"], Scored) for cells in table.values())
