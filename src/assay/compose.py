"""The only place that picks parts and plugs them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from assay import __version__
from assay.clock import Clock, SystemClock
from assay.errors import BundleError, ConfigurationError
from assay.models.library import Found, Library, search, shipped_folder
from assay.models.model import ANY_WIKI
from assay.revisions.index import ReportProgress
from assay.revisions.open import open_source
from assay.revisions.source import Source
from assay.scoring.cache import ScoreCache
from assay.scoring.loading import bundle_loader, load_models
from assay.scoring.pool import PoolEngine
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import TEST_WIKI, Wikis
from assay.serving import ui
from assay.serving.app import Application, build_app
from assay.serving.model_info import ModelInfos
from assay.settings import Settings, WikiSettings
from assay.stores.memory import MemoryStore
from assay.telemetry import Metrics

SAMPLE_WIKI: Final = "samplewiki"
_SAMPLE_MODELS: Final = "enwiki"
"""The sample wiki is written mostly in English, so English Wikipedia's models read it."""

Indexing = Callable[[str], AbstractContextManager[ReportProgress]]
"""Shows the progress of a first reading, by the name of what is read."""


@dataclass(frozen=True)
class Scorer:
    """A service that is ready to be started, with what it was made of. `sources`: of the configured wikis."""

    service: ScoringService
    metrics: Metrics
    library: Library
    wikis: Mapping[str, WikiSettings]
    sources: Mapping[str, Source]
    clock: Clock


def wikis_of(settings: Settings) -> Mapping[str, WikiSettings]:
    """The configured wikis; when there are none, the sample wiki."""
    if settings.wikis:
        return settings.wikis
    export = files("assay") / "sample" / f"{SAMPLE_WIKI}.xml"
    return {SAMPLE_WIKI: WikiSettings(str(export), bundles=_SAMPLE_MODELS)}


def find_bundles(settings: Settings) -> Library:
    """Shipped bundles and those of the operator's folders. Raises `BundleError` naming all refused ones."""
    library = search(shipped_folder(), *(Path(folder) for folder in settings.bundle_directories))
    if library.refused:
        faults = "\n  ".join(f"{path}: {error}" for path, error in library.refused.items())
        raise BundleError(f"bundles are refused:\n  {faults}")
    return library


def check(settings: Settings) -> None:
    """Everything that can be wrong without opening a wiki: bundles, a model for each wiki, files that exist.

    Raises `ConfigurationError` or `BundleError`.
    """
    library = find_bundles(settings)
    wikis = wikis_of(settings)
    _check_borrowed({name: wiki.bundles for name, wiki in wikis.items() if wiki.bundles}, library)
    if ANY_WIKI not in library.found and (
        bare := [name for name, wiki in wikis.items() if (wiki.bundles or name) not in library.found]
    ):
        raise ConfigurationError(f"there is no bundle for {', '.join(bare)}: set `bundles`, or train one")
    if absent := [
        f"{wiki.source} of {name}"
        for name, wiki in wikis.items()
        if "://" not in wiki.source and not Path(wiki.source).is_file()
    ]:
        raise ConfigurationError(f"there is no file {', '.join(absent)}: check the path")


def build_scorer(settings: Settings, indexing: Indexing, only: str | None = None) -> Scorer:
    """Sources opened (indexed first, if need be), models loaded; call it before any event loop runs.

    `only`: leave out all wikis but this and the test wiki. Raises `ConfigurationError`, `SourceError` or
    `BundleError`.
    """
    clock = SystemClock()
    metrics = Metrics(__version__)
    library = find_bundles(settings)
    wikis = {name: wiki for name, wiki in wikis_of(settings).items() if only in (None, name)}
    borrowed = {name: wiki.bundles for name, wiki in wikis.items() if wiki.bundles is not None}
    _check_borrowed(borrowed, library)
    made_up: dict[str, Source] = {TEST_WIKI: SyntheticSource(clock)} if settings.test_wiki else {}
    paths = [found.path for found in _needed(library, {*wikis, *borrowed.values()}, made_up.keys())]
    models = load_models([str(path) for path in paths], borrowed)
    engine = PoolEngine(settings.pool, bundle_loader(paths, borrowed), models.digests, metrics)
    cache = ScoreCache(MemoryStore(settings.memory, clock), settings.cache)
    sources = _sources(settings, wikis, indexing)
    registry = Wikis({**made_up, **sources}, models)
    return Scorer(ScoringService(registry, engine, cache, metrics), metrics, library, wikis, sources, clock)


def build_web(settings: Settings, scorer: Scorer) -> Application:
    """The web application around a scorer: it starts the engine and closes the service."""
    infos = ModelInfos({found.manifest.digest: found.path for found in scorer.library})
    page = ui.PageOptions(tuple(scorer.wikis), _index_urls(scorer.wikis), __version__)
    return build_app(
        settings.web, scorer.service, infos, scorer.metrics, scorer.clock, routers=[ui.router(page)]
    )


def _index_urls(wikis: Mapping[str, WikiSettings]) -> dict[str, str]:
    """Of live wikis: MediaWiki serves index.php beside api.php."""
    return {
        name: wiki.source.removesuffix("api.php") + "index.php"
        for name, wiki in wikis.items()
        if wiki.source.endswith("/api.php") and "://" in wiki.source
    }


def _sources(settings: Settings, wikis: Mapping[str, WikiSettings], indexing: Indexing) -> dict[str, Source]:
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


def _needed(library: Library, wikis: Set[str], made_up: Set[str]) -> list[Found]:
    """The bundles that these wikis can be asked for; others are not loaded."""
    wanted = {*wikis, *made_up, *([ANY_WIKI] if wikis else [])}
    return [found for found in library if found.manifest.wiki in wanted]


def _check_borrowed(borrowed: Mapping[str, str], library: Library) -> None:
    if strangers := {name: wiki for name, wiki in borrowed.items() if wiki not in library.found}:
        faults = ", ".join(f"{wiki!r} for {name}" for name, wiki in strangers.items())
        raise ConfigurationError(
            f"there are no bundles of {faults}; there are bundles of: {', '.join(library.found)}"
        )
