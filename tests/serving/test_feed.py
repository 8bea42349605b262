"""The latest edits with their scores: fetched once, told also when something is late."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from assay.clock import Deadline, FakeClock
from assay.errors import EngineUnavailable, Overloaded, SourceUnavailable
from assay.revisions.problem import Problem, revision_not_found, source_failed
from assay.revisions.types import UNKNOWN, Actor, Revision
from assay.scoring.cache import ScoreCache
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.request import Cell, Job, Scored
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import Wikis
from assay.serving.feed import FRESH_S, KEPT_S, Feed
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from small_models import small_models


class Told:
    """A source that counts what it is asked. `odd`: what it gives instead of ordinary revisions."""

    def __init__(self, newest: int = 100) -> None:
        self.newest = newest
        self.odd: dict[int, Revision | Problem] = {}
        self.fetched: list[int] = []
        self.looks = 0
        self.is_away = False

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        self.fetched += rev_ids
        return {rev_id: self.odd.get(rev_id, synthetic_revision(rev_id)) for rev_id in rev_ids}

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        self.looks += 1
        if self.is_away:
            raise SourceUnavailable("The wiki does not answer.", delay_s=7)
        return list(range(self.newest, self.newest - limit, -1))

    async def aclose(self) -> None:
        pass


class Moody(InlineEngine):
    """Refuses to score while `error` is set."""

    error: Exception | None = None

    def __init__(self) -> None:
        super().__init__(small_models(), Metrics())

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        if self.error is not None:
            raise self.error
        return await super().score(job, deadline)


class Site:
    """A feed of one wiki over what a test moves."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.source, self.engine = Told(), Moody()
        wikis = Wikis({"smallwiki": self.source}, small_models())
        cache = ScoreCache(MemoryStore(MemoryStoreOptions(), self.clock), ScoreCacheOptions())
        self.service = ScoringService(wikis, self.engine, cache, Metrics())
        self.feed = Feed(self.service, self.clock)

    async def latest(self, limit: int = 5) -> list[Any]:
        """`Edit`s, as objects whose fields may be looked into without asking whether they are there."""
        deadline = Deadline.after(20.0, self.clock)
        return list(await self.feed.latest(self.service.wikis["smallwiki"], limit, deadline))


@pytest.fixture
def site() -> Site:
    return Site()


async def test_edits_come_newest_first_with_every_models_score(site: Site) -> None:
    edits = await site.latest(3)
    assert [edit.id for edit in edits] == [100, 99, 98]
    for edit in edits:
        assert edit.is_complete
        assert set(edit.cells) == set(site.service.wikis["smallwiki"].models)
        assert isinstance(edit.cells["damaging"], Scored)
        assert edit.revision is not None
        assert edit.revision["page"]["title"] == "Made up"


async def test_each_revision_is_fetched_once_for_its_facts_and_its_scores(site: Site) -> None:
    await site.latest(50)
    assert sorted(site.source.fetched) == list(range(51, 101))
    site.source.newest = 102
    site.clock.advance(FRESH_S)
    edits = await site.latest(50)
    assert [edit.id for edit in edits][:3] == [102, 101, 100]
    assert site.source.fetched[50:] == [102, 101]


async def test_many_readers_look_at_the_wiki_once(site: Site) -> None:
    told = await asyncio.gather(*(site.latest() for _ in range(8)))
    assert site.source.looks == 1
    assert all([edit.id for edit in edits] == [edit.id for edit in told[0]] for edits in told)
    assert all(edit.is_complete for edits in told for edit in edits)
    assert len(site.source.fetched) == len(set(site.source.fetched)) == 50


async def test_what_was_hidden_disappears_after_a_while(site: Site) -> None:
    await site.latest()
    site.source.odd[100] = replace(synthetic_revision(100), comment=Problem("comment_deleted", "X", "hidden"))
    site.clock.advance(FRESH_S)
    assert (await site.latest())[0].revision["comment"] is not None
    site.clock.advance(KEPT_S)
    assert (await site.latest())[0].revision["comment"] is None


@pytest.mark.parametrize(
    ("error", "code"),
    [(Overloaded("full", delay_s=1), "overloaded"), (EngineUnavailable("away"), "queue_unavailable")],
)
async def test_when_nothing_can_be_scored_the_edits_are_told_all_the_same(
    site: Site, error: Exception, code: str
) -> None:
    site.engine.error = error
    edits = await site.latest()
    for edit in edits:
        assert edit.revision is not None
        assert not edit.is_complete
        assert {cell.code for cell in edit.cells.values() if isinstance(cell, Problem)} == {code}
    site.engine.error = None
    assert all(edit.is_complete for edit in await site.latest())


async def test_a_lost_revision_spoils_only_itself(site: Site) -> None:
    site.source.odd = {100: revision_not_found(100), 99: source_failed(99, "time-out")}
    gone, late, good = await site.latest(3)
    assert gone.revision is None
    assert gone.is_complete
    assert not late.is_complete
    assert isinstance(good.cells["damaging"], Scored)
    site.source.odd = {}
    site.clock.advance(FRESH_S)
    _, late, _ = await site.latest(3)
    assert late.is_complete
    assert late.revision is not None


async def test_a_wiki_that_is_away_is_told_as_such_and_asked_again(site: Site) -> None:
    site.source.is_away = True
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="does not answer"):
            await site.latest()
    site.source.is_away = False
    assert len(await site.latest()) == 5


async def test_size_changes_and_bots(site: Site) -> None:
    plain = synthetic_revision(100)
    parent = replace(synthetic_revision(50), size_bytes=100)
    bot = Actor("Bot", False, groups=frozenset({"bot", "user"}))
    site.source.odd = {
        100: replace(plain, parent=parent, size_bytes=88, actor=bot),
        99: replace(plain, id=99, parent=None, size_bytes=88),
        98: replace(plain, id=98, parent=replace(parent, size_bytes=UNKNOWN), actor=Actor("A", False)),
    }
    told = [edit.revision for edit in await site.latest(3)]
    assert [(facts["size_change_bytes"], facts["is_bot"]) for facts in told] == [
        (-12, True),
        (88, told[1]["is_bot"]),
        (None, None),
    ]
