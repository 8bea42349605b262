"""The revert models' recipes: whole, consistent, and as good on later time as they say."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assay.models.recipe import Recipe, Split
from assay.models.statistics.metrics import roc_auc
from assay.models.training.examples import HistoryExamples
from assay.models.training.extract import extract
from assay.models.training.make import recipe_features
from assay.models.training.recipes import recipes
from assay.models.training.recipes.reverted import _FALLS, _RISES, ANYWIKI, FEATURES, PASTS, RECIPES
from assay.models.training.train import train
from assay.revisions.open import open_indexed
from shared_data import shared


def test_every_wiki_with_a_history_has_a_recipe() -> None:
    assert {recipe.id for recipe in (*RECIPES, ANYWIKI)} <= set(recipes())
    assert {recipe.wiki for recipe in RECIPES} == {
        "akwiki", "biwiki", "chwiki", "crwiki", "enwiki", "jbowiki", "supertuxwiki",
    }  # fmt: skip


def test_recipes_name_features_that_exist_and_constrain_only_those() -> None:
    assert [feature.name for feature in recipe_features(ANYWIKI)] == list(FEATURES)
    constrained = {f"feature.assay.{name}" for name in (*_RISES, *_FALLS)}
    assert constrained <= set(FEATURES)
    assert not set(_RISES) & set(_FALLS)
    directions = ANYWIKI.params["monotone_constraints"]
    assert len(directions) == len(FEATURES)
    assert directions[FEATURES.index("feature.assay.name.is_anon")] == 1
    assert directions[FEATURES.index("feature.assay.actor_past.age_s")] == -1


def test_nothing_names_an_actor_or_a_time() -> None:
    telling = ("hour", "weekday", "name.length", "title.length", "id", "timestamp")
    assert [name for name in FEATURES if name.endswith(telling) and "added" not in name] == []


def test_the_pasts_are_masked() -> None:
    hidden = [name for name in FEATURES if name.startswith(PASTS)]
    assert len(hidden) == 20
    assert all(recipe.masks[0].prefixes == PASTS for recipe in (*RECIPES, ANYWIKI))


def test_a_small_history_alone_gives_a_good_model_of_later_time(tmp_path: Path) -> None:
    """lmmswiki: 3 009 revisions. With fewer trees, no other wikis' help, and also with pasts hidden."""
    path = shared("data/histories/lmmswiki/revisions.jsonl.xz")
    recipe = replace(
        ANYWIKI,
        wiki="lmmswiki",
        rounds=80,
        params={**ANYWIKI.params, "num_leaves": 6},
        split=Split("time", wiki="lmmswiki"),
        balance_wikis=False,
    )
    with closing(open_indexed(path, cache_dir=tmp_path)) as source:
        made = extract(HistoryExamples("lmmswiki", source), recipe_features(recipe), tmp_path / "rows.npz")
    trained = train(made, recipe)
    held_out = trained.held_out
    truth = trained.data["reverted"][held_out.rows]
    assert not trained.data["is_creation"].any()
    known, hidden = (roc_auc(truth, told[:, 0]) for told in (held_out.probability, held_out.masked[0]))
    assert known is not None
    assert hidden is not None
    assert known > 0.88
    assert hidden > 0.85
    assert np.isfinite(held_out.probability).all()


@pytest.mark.parametrize("recipe", [*RECIPES, ANYWIKI], ids=lambda recipe: recipe.wiki)
def test_recipes_tell_their_limits(recipe: Recipe) -> None:
    assert len(recipe.limits) >= 4
