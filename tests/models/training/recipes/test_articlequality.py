"""The articles' classes: those of the real articles, and those that ORES told."""

from __future__ import annotations

import json
import lzma
from collections import Counter

import pytest

from assay.models.recipe import Recipe
from assay.models.training.make import recipe_features
from assay.models.training.recipes.articlequality import ENWIKI, FRWIKI, RUWIKI
from shared_data import shared


@pytest.mark.parametrize(("recipe", "each"), [(FRWIKI, 120), (RUWIKI, 80)], ids=["frwiki", "ruwiki"])
def test_classes_are_those_of_the_real_articles(recipe: Recipe, each: int) -> None:
    with lzma.open(shared(f"data/articlequality/{recipe.wiki}.jsonl.xz"), "rt") as lines:
        counts = Counter(json.loads(line)["label"].casefold() for line in lines)
    assert counts == dict.fromkeys((str(label).casefold() for label in recipe.labels), each)
    assert recipe.inputs.startswith(f"{counts.total()} articles")
    assert f"{each} of each class" in recipe.inputs


def test_english_classes_are_those_that_ores_told() -> None:
    name = "samples/ores/ores-v3__enwiki__articlequality__features__2revs.json"
    scores = json.loads(shared(name).read_text("utf-8"))["json"]["enwiki"]["scores"]
    for models in scores.values():
        assert set(models["articlequality"]["score"]["probability"]) == set(ENWIKI.labels)


@pytest.mark.parametrize("recipe", [ENWIKI, FRWIKI, RUWIKI], ids=lambda recipe: recipe.wiki)
def test_its_words_are_its_own_language_s_and_all_its_features_exist(recipe: Recipe) -> None:
    assert [feature.name for feature in recipe_features(recipe)] == list(recipe.features)
    languages = {name.partition(".")[0] for name in recipe.lexicons}
    assert languages == ({"any", "english"} if recipe is ENWIKI else {"any"})
    assert set(FRWIKI.features) <= set(recipe.features)


@pytest.mark.parametrize("recipe", [ENWIKI, FRWIKI, RUWIKI], ids=lambda recipe: recipe.wiki)
def test_the_description_names_the_best_class_and_the_worst(recipe: Recipe) -> None:
    for label in (recipe.labels[0], recipe.labels[-1]):
        assert str(label) in recipe.description
    assert recipe.command.startswith(f"assay train {recipe.id} ")
    assert recipe.split.by == "page"
    assert len(recipe.limits) >= 2
