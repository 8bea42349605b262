"""What ``make run`` serves, the sample wiki as well, with models that cost nothing: for examples of pages."""

from __future__ import annotations

from pathlib import Path

from starlette.types import ASGIApp

from assay.models.revid import RevIdModel
from assay.revisions.open import open_source
from assay.scoring.cache import ScoreCache
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import ModelSets, Wikis
from assay.serving.app import build_app
from assay.serving.options import AppOptions
from assay.serving.ores.model_info import ModelInfos
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from shared_data import ROOT
from small_app import CLOCK
from small_models import TEXT_CHARS, LinearModel


def sample_app(cache_dir: Path) -> ASGIApp:
    """`cache_dir`: for the sample wiki's index."""
    export = ROOT / "src" / "assay" / "sample" / "samplewiki.xml"
    sample = open_source("samplewiki", str(export), cache_dir=cache_dir)
    models = ModelSets(
        [
            RevIdModel("testwiki", "revid", "1.0.0", "revid-digest"),
            LinearModel("samplewiki", "damaging", (TEXT_CHARS,)),
            LinearModel("anywiki", "reverted", (TEXT_CHARS,)),
        ]
    )
    metrics = Metrics("test")
    wikis = Wikis({"samplewiki": sample, "testwiki": SyntheticSource(CLOCK)}, models)
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(wikis, InlineEngine(models, metrics), cache, metrics)
    return build_app(AppOptions(), service, ModelInfos({}), metrics, CLOCK).asgi
