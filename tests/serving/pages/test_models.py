"""What the list of models and the cards are told."""

from __future__ import annotations

import pytest

from assay.clock import SystemClock
from assay.errors import UnknownModel, UnknownWiki
from assay.models.bundle import load_bundles
from assay.models.library import search, shipped_folder
from assay.models.model import Model
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import ModelSets, Wikis
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.models import ModelPages
from serving.pages.told import Told, asked
from small_models import small_models

FOUND = search(shipped_folder()).found["enwiki"]["damaging"]


@pytest.fixture(scope="module")
def site() -> Told:
    return Told()


@pytest.fixture(scope="module")
def pages(site: Told) -> ModelPages:
    """A wiki with a measured model from a bundle, and one with models that have neither."""
    small = small_models().of("smallwiki")
    models: list[Model] = [*load_bundles([FOUND.path]), *small.values()]
    source = SyntheticSource(SystemClock())
    wikis = Wikis({"enwiki": source, "smallwiki": source}, ModelSets(models))
    return ModelPages(site, wikis, ModelInfos({FOUND.manifest.digest: FOUND.path}))


async def test_every_wiki_is_listed_with_its_models_in_reading_order(site: Told, pages: ModelPages) -> None:
    await pages.all(asked())
    told = {wiki["name"]: wiki["models"] for wiki in site.told["told"]}
    assert list(told) == ["enwiki", "smallwiki"]
    names = [model["name"] for model in told["smallwiki"]]
    assert names[:4] == ["damaging", "goodfaith", "reverted", "articlequality"]
    (damaging,) = (model for model in told["enwiki"] if model["name"] == "damaging")
    assert 0.8 < damaging["roc_auc"] < 1.0
    assert damaging["rows"] > 1000
    assert (damaging["of"], damaging["labels"], damaging["has_thresholds"]) == ("enwiki", 2, True)
    assert damaging["description"]


async def test_what_was_not_measured_is_told_without_figures(site: Told, pages: ModelPages) -> None:
    await pages.card(asked(wiki="smallwiki", model="damaging"))
    told = site.told["told"]
    assert (told["rows"], told["roc_auc"], told["has_thresholds"]) == (None, None, False)
    assert (told["title"], told["version"]) == ("Damaging", "1.2.3")
    assert site.told["card"] is None


async def test_a_card_is_made_once_and_is_the_models_own(site: Told, pages: ModelPages) -> None:
    cards = []
    for _ in range(2):
        await pages.card(asked(wiki="enwiki", model="damaging"))
        cards.append(site.told["card"])
    assert cards[0] is cards[1]
    assert FOUND.manifest.digest[:12] in cards[0]
    assert site.told["wiki"] == "enwiki"


async def test_what_is_not_there_is_refused(pages: ModelPages) -> None:
    with pytest.raises(UnknownModel):
        await pages.card(asked(wiki="smallwiki", model="none"))
    with pytest.raises(UnknownWiki):
        await pages.card(asked(wiki="nowiki", model="damaging"))
