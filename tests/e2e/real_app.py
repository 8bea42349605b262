"""The real application over the sample wiki, with small models over real features.

What is served, fetched, compared, computed, explained and injected is the product's own; only the
models are made here, so that the tests hold whatever bundles are shipped.
"""

from __future__ import annotations

from pathlib import Path

from starlette.types import ASGIApp

from assay.clock import SystemClock
from assay.features.catalogue import catalogue
from assay.features.graph.node import Feature
from assay.features.lexicon import Lexicons
from assay.revisions.open import open_source
from assay.scoring.cache import ScoreCache
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.service import ScoringService
from assay.scoring.wikis import ModelSets, Wikis
from assay.serving.app import build_app
from assay.serving.options import AppOptions
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.site import PageOptions
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from small_models import ClassModel, LinearModel

EXPORT = Path(__file__).resolve().parents[2] / "src" / "assay" / "sample" / "samplewiki.xml"
_FEATURES = (
    "feature.revision.user.is_anon",
    "feature.wikitext.revision.chars",
    "feature.revision.diff.longest_new_repeated_char",
    "feature.assay.added.words",
    "feature.assay.added.upper_share",
    "feature.assay.comment.is_empty",
    "feature.assay.page_past.edits",
    "feature.revision.user.is_admin",
    "feature.assay.change.removed",
)


def real_app(folder: Path) -> ASGIApp:
    """The guarded ASGI application; the index of the sample wiki goes to `folder`."""
    nodes = catalogue(Lexicons())
    features = tuple(node for name in _FEATURES if isinstance(node := nodes[name], Feature))
    models = ModelSets(
        [
            LinearModel("samplewiki", "damaging", features, weight=0.01),
            LinearModel("samplewiki", "goodfaith", features, weight=-0.02),
            ClassModel("samplewiki", "articlequality", (features[1],), weight=0.001),
        ]
    )
    clock, metrics = SystemClock(), Metrics("test")
    source = open_source("samplewiki", str(EXPORT), cache_dir=folder)
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), clock), ScoreCacheOptions())
    service = ScoringService(
        Wikis({"samplewiki": source}, models), InlineEngine(models, metrics), cache, metrics
    )
    page = PageOptions(("samplewiki",), {}, "test")
    return build_app(AppOptions(), service, ModelInfos({}), metrics, clock, page=page).asgi
