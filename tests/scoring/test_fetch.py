"""Pasts are asked for when a model reads them and the source charges for them, and spoil no score."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from assay.clock import Deadline, SystemClock
from assay.features.node import Feature
from assay.features.roots import ACTOR_HISTORY, PAGE_HISTORY
from assay.revisions.problem import Problem, revision_not_found
from assay.revisions.types import UNKNOWN, PageHistory, Revision
from assay.scoring.cache import ScoreCache, ScoreCacheOptions
from assay.scoring.fetch import fetch
from assay.scoring.inline import InlineEngine
from assay.scoring.request import Scored, ScoreRequest
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets, Wikis
from assay.stores.memory import MemoryStore, MemoryStoreOptions
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
        LinearModel("enwiki", "damaging", (TEXT_CHARS,)),
        LinearModel("enwiki", "reverted", (TEXT_CHARS, PAGE_EDITS)),
        LinearModel("enwiki", "goodfaith", (ACTOR_EDITS,)),
    ]
)


@dataclass
class ChargingSource:
    """Tells pages' pasts when asked; `failure` instead, if there is one; `hangs`: never answers."""

    failure: Exception | None = None
    hangs: bool = False
    asked: list[list[int]] = field(default_factory=list)

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        return {it: revision_not_found(it) if it == 404 else synthetic_revision(it) for it in rev_ids}

    async def with_pasts(self, revisions: Sequence[Revision], deadline: Deadline) -> Mapping[int, Revision]:
        self.asked.append([revision.id for revision in revisions])
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure
        return {revision.id: replace(revision, page_history=PAST) for revision in revisions}

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        return []

    async def aclose(self) -> None:
        pass


def soon(seconds: float = 30) -> Deadline:
    return Deadline.after(seconds, CLOCK)


def test_it_is_known_which_models_read_pasts() -> None:
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


async def test_a_revision_at_hand_is_scored_with_its_pasts_too() -> None:
    """Or the feed, which fetches without them, would keep a score that v3 would not give."""
    source, metrics = ChargingSource(), Metrics("0", "test", "test")
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(Wikis({"enwiki": source}, MODELS), InlineEngine(MODELS, metrics), cache, metrics)
    await service.score(ScoreRequest("enwiki", (7,), ("reverted",)), soon(), {7: synthetic_revision(7)})
    assert source.asked == [[7]]
    wiki = service.wikis["enwiki"]
    (bare,) = (await service.fetch(wiki, [8], soon())).values()
    (whole,) = (await service.fetch(wiki, [8], soon(), pasts=True)).values()
    assert isinstance(bare, Revision)
    assert isinstance(whole, Revision)
    assert (bare.page_history, whole.page_history) == (UNKNOWN, PAST)
    await service.aclose()


@pytest.mark.parametrize("source", [ChargingSource(failure=ValueError("defect")), ChargingSource(hangs=True)])
async def test_without_pasts_there_are_still_revisions(source: ChargingSource) -> None:
    wiki = Wikis({"enwiki": source}, MODELS)["enwiki"]
    found = await fetch(wiki, [7, 404], soon(1), Metrics("0", "test", "test"), pasts=True)
    assert isinstance(found[7], Revision)
    assert found[7].page_history is UNKNOWN
    assert isinstance(found[404], Problem)
