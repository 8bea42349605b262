"""The application with the shipped models over the sample wiki, whose edits come when a test lets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from starlette.types import ASGIApp

from assay.clock import Deadline, SystemClock
from assay.errors import SourceUnavailable
from assay.models.bundle import load_bundles
from assay.models.library import search, shipped_folder
from assay.revisions.open import open_source
from assay.revisions.problem import Problem
from assay.revisions.source import Source
from assay.revisions.types import Actor, Revision
from assay.scoring.cache import ScoreCache
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.service import ScoringService
from assay.scoring.wikis import ModelSets, Wikis
from assay.serving.app import build_app
from assay.serving.feed import FRESH_S
from assay.serving.options import AppOptions
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.site import PageOptions
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from e2e.real_app import EXPORT

ATTACK = '<script>window.stolen = 1</script><img src=x onerror="window.stolen = 2">'
HOSTILE = 1280
"""A revision of the sample wiki, older than those kept back, whose title, author and summary are `ATTACK`."""
INDEX_URL = "http://127.0.0.1:9/w/index.php"
"""Where nothing answers."""
MODELS = ("damaging", "goodfaith", "reverted")


class LeapingClock(SystemClock):
    """The machine's own, and what tests leapt over: the server looks at a wiki every few seconds only."""

    def __init__(self) -> None:
        self._leapt_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self._leapt_s

    def leap(self, seconds: float) -> None:
        self._leapt_s += seconds


class Growing:
    """A source that keeps its latest edits back until `reveal`. `is_away`: it does not answer."""

    def __init__(self, source: Source, clock: LeapingClock, kept_back: int) -> None:
        self._source = source
        self._clock = clock
        self._kept_back = kept_back
        self._is_away = False

    def reveal(self, edits: int) -> None:
        self._kept_back -= edits
        self._clock.leap(FRESH_S)

    def answer(self, *, is_away: bool) -> None:
        self._is_away = is_away
        self._clock.leap(FRESH_S)

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        found = dict(await self._source.fetch(rev_ids, deadline))
        if isinstance(revision := found.get(HOSTILE), Revision):
            page, actor = replace(revision.page, title=ATTACK), Actor(ATTACK, False)
            found[HOSTILE] = replace(revision, page=page, actor=actor, comment=ATTACK)
        return found

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        if self._is_away:
            raise SourceUnavailable("The wiki does not answer.", delay_s=7)
        ids = await self._source.recent(limit + self._kept_back, deadline)
        return ids[self._kept_back :][:limit]

    async def aclose(self) -> None:
        await self._source.aclose()


def shipped_app(folder: Path, kept_back: int = 0, name: str = "samplewiki") -> tuple[ASGIApp, Growing]:
    """The guarded ASGI application and its wiki, called `name`; the wiki's index goes to `folder`."""
    library = search(shipped_folder())
    paths = [library.found["enwiki"][name].path for name in MODELS]
    models = ModelSets(load_bundles(paths), {name: "enwiki"})
    clock, metrics = LeapingClock(), Metrics("test")
    source = Growing(open_source(name, str(EXPORT), cache_dir=folder), clock, kept_back)
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), clock), ScoreCacheOptions())
    service = ScoringService(Wikis({name: source}, models), InlineEngine(models, metrics), cache, metrics)
    infos = ModelInfos({found.manifest.digest: found.path for found in library})
    page = PageOptions((name,), {name: INDEX_URL}, "test")
    return build_app(AppOptions(), service, infos, metrics, clock, page=page).asgi, source
