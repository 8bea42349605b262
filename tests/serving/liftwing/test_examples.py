"""The examples of the documentation are asked, and answered as they say; ``…`` stands for any value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

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
from doc_examples import Example, examples, fits
from servers.asgi import Served, serving
from shared_data import ROOT
from small_app import CLOCK
from small_models import TEXT_CHARS, LinearModel

PAGES: Final = {"http/lift-wing.md": 8, "http/README.md": 1}
"""Documentation with examples of this folder and of unsaved texts, and how many there are at least."""


EXAMPLES: Final = [
    example for page in PAGES for example in examples(page) if "scores/" not in example.command
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """What `make run` serves, the sample wiki as well, with models that cost nothing."""
    export = ROOT / "src" / "assay" / "sample" / "samplewiki.xml"
    sample = open_source("samplewiki", str(export), cache_dir=tmp_path_factory.mktemp("index"))
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
    with serving(build_app(AppOptions(), service, ModelInfos({}), metrics, CLOCK).asgi) as served:
        yield served


def test_no_page_has_lost_its_examples() -> None:
    assert len(EXAMPLES) >= sum(PAGES.values())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.command[:70])
def test_an_example_is_answered_as_written(site: Served, example: Example) -> None:
    reply = example.ask(site)
    (answer,) = example.answers
    assert fits(reply.json, answer), reply.body.decode()
