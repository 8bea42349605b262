"""A service ready to be started; the web application around it is `assay.compose.web`'s."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from assay import __version__
from assay.clock import Clock, SystemClock
from assay.compose.bundles import choose, tell_general
from assay.compose.models import load_chosen
from assay.compose.queue import build_shared
from assay.models.library import Library
from assay.revisions.index.progress import ReportProgress
from assay.revisions.open import open_source
from assay.revisions.source import Source
from assay.scoring.cache import ScoreCache
from assay.scoring.engine import Engine
from assay.scoring.pool.engine import PoolEngine
from assay.scoring.pool.loading import bundle_loader
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import Wikis
from assay.settings import Settings, WikiSettings
from assay.stores.memory import MemoryStore
from assay.stores.quota import MemoryQuotas, Quotas
from assay.telemetry import Metrics

Indexing = Callable[[str], AbstractContextManager[ReportProgress]]
"""Shows the progress of a first reading, by the name of what is read."""


@dataclass(frozen=True)
class Scorer:
    """A service that is ready to be started, with what it was made of. `sources`: of the configured wikis."""

    service: ScoringService
    quotas: Quotas
    metrics: Metrics
    library: Library
    wikis: Mapping[str, WikiSettings]
    sources: Mapping[str, Source]
    clock: Clock


def build_scorer(
    settings: Settings, indexing: Indexing, only: str | None = None, *, shared: bool = False
) -> Scorer:
    """Sources opened (indexed first, if need be), models read; call it before any event loop runs.

    `only`: leave out all wikis but this and the test wiki. `shared`: work, scores and quotas are shared with
    other processes through Redis, and workers compute; False: this process and its own pool do everything.
    Raises `ConfigurationError`, `SourceError` or `BundleError`.
    """
    clock = SystemClock()
    metrics = Metrics(__version__, settings.release, "web" if shared else "serve")
    choice = choose(settings, only)
    tell_general(choice)
    models = load_chosen(choice, with_trees=False)

    def make_pool() -> Engine:
        loader = bundle_loader(choice.paths, choice.borrowed)
        return PoolEngine(settings.pool, loader, models.digests, metrics)

    sources = open_sources(settings, choice.wikis, indexing)
    made_up: dict[str, Source] = {name: SyntheticSource(clock) for name in choice.made_up}
    registry = Wikis({**made_up, **sources}, models, choice.aliases)
    if shared:
        parts = build_shared(settings, models, make_pool, metrics, clock)
        cache = ScoreCache(parts.store, settings.cache)
        service = ScoringService(registry, parts.engine, cache, metrics, parts.claims)
        quotas = parts.quotas
    else:
        cache = ScoreCache(MemoryStore(settings.memory, clock), settings.cache)
        service, quotas = ScoringService(registry, make_pool(), cache, metrics), MemoryQuotas(clock)
    return Scorer(service, quotas, metrics, choice.library, choice.wikis, sources, clock)


def open_sources(
    settings: Settings, wikis: Mapping[str, WikiSettings], indexing: Indexing
) -> dict[str, Source]:
    """The source of each wiki, indexed first if need be. Raises `SourceError`."""
    sources: dict[str, Source] = {}
    for name, wiki in wikis.items():
        with indexing(name) as report:
            sources[name] = open_source(
                name,
                wiki.source,
                api=settings.wiki_api,
                cache_dir=Path(settings.cache_dir) if settings.cache_dir else None,
                max_text_bytes=settings.max_text_bytes,
                progress=report,
            )
    return sources
