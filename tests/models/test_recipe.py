from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import lightgbm
import numpy as np
import pytest

from assay.errors import ConfigurationError
from assay.models.recipe import Mask, Recipe, Split
from assay.models.training.recipes import recipe, recipes, register, register_template

GOOD = Recipe("enwiki", "damaging", "binary", (True, False), ("feature.a", "feature.b"), "A test.")


CLASSES: dict[str, Any] = {"kind": "multiclass", "labels": ("FA", "Stub")}
CHANGES: dict[str, dict[str, Any]] = {
    "wiki": {"wiki": "frwiki"},
    "name": {"name": "goodfaith"},
    "kind": CLASSES,
    "labels": {**CLASSES, "labels": ("FA", "GA", "Stub")},
    "features": {"features": ("feature.b", "feature.a")},
    "description": {"description": "Another test."},
    "version": {"version": "1.0.1"},
    "lexicons": {"lexicons": ("english.badwords",)},
    "label": {"label": "reverted"},
    "truth": {"truth": "is_reverted"},
    "params": {"params": {"num_leaves": 7}},
    "rounds": {"rounds": 299},
    "early_stopping_rounds": {"early_stopping_rounds": 50},
    "seed": {"seed": 2017},
    "seeds": {"seeds": 2},
    "split": {"split": Split("folds", folds=7)},
    "shipped": {"shipped": "train"},
    "rows_per_actor": {"rows_per_actor": 100},
    "leave_out": {"leave_out": ("bots",)},
    "grown_on": {"grown_on": "0" * 64},
    "helper_weight": {"helper_weight": 0.5, "split": Split("time", wiki="enwiki")},
    "balance_wikis": {"balance_wikis": True},
    "masks": {"masks": (Mask(("feature.b",)),)},
    "positive_weight": {"positive_weight": 2.0},
    "population_rates": {"population_rates": {"true": 0.1, "false": 0.9}},
    "calibration": {"calibration": "none"},
    "needs_parent": {"needs_parent": True},
    "inputs": {"inputs": "Edits."},
    "limits": {"limits": ("Few rows.",)},
    "command": {"command": "assay train enwiki/damaging"},
}
"""For every field, a change of it, and what it needs besides to be a recipe."""


@pytest.mark.parametrize("name", [field.name for field in fields(Recipe)])
def test_json_and_digest_follow_every_field(name: str) -> None:
    changed = replace(GOOD, **CHANGES[name])
    assert changed.to_json().get(name) != GOOD.to_json().get(name)
    assert changed.digest != GOOD.digest


def test_equal_recipes_have_equal_digests() -> None:
    assert GOOD.digest == replace(GOOD).digest


def test_one_seed_is_not_told_so_that_older_digests_stay() -> None:
    assert "seeds" not in GOOD.to_json()
    assert replace(GOOD, seeds=2).to_json() == {**GOOD.to_json(), "seeds": 2}


def test_no_base_is_not_told_so_that_older_digests_stay() -> None:
    assert "grown_on" not in GOOD.to_json()


def test_the_forests_of_a_recipe_have_its_seed_and_the_next_ones() -> None:
    assert GOOD.of_each_seed() == (GOOD,)
    forests = replace(GOOD, seed=7, seeds=3).of_each_seed()
    assert forests == tuple(replace(GOOD, seed=seed) for seed in (7, 8, 9))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"labels": (False, True)}, "labels"),
        ({"kind": "multiclass"}, "strings"),
        ({"kind": "multiclass", "labels": ("a", "a")}, "different labels"),
        ({"features": ()}, "features"),
        ({"features": ("feature.a", "feature.a")}, "features"),
        ({"rounds": 0}, "rounds"),
        ({"seeds": 0}, "seeds"),
        ({"rows_per_actor": 0}, "rows_per_actor"),
        ({"population_rates": {"true": 0.1}}, "population_rates"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        replace(GOOD, **change)


def test_every_registered_recipe_is_found_by_its_id() -> None:
    assert all(recipe(recipe_id).id == recipe_id for recipe_id in recipes())


def test_an_unknown_recipe_names_the_nearest_and_a_second_of_one_name_is_refused() -> None:
    first = register(replace(GOOD, wiki="testrecipes"))
    with pytest.raises(ConfigurationError, match="testrecipes/damaging"):
        recipe("testrecipe/damaging")
    with pytest.raises(ConfigurationError, match="two recipes"):
        register(replace(first, rounds=7))


def test_a_template_makes_recipes_for_wikis_without_their_own() -> None:
    register_template("templated", lambda wiki: replace(GOOD, wiki=wiki, name="templated"))
    assert recipe("ourwiki/templated").id == "ourwiki/templated"
    assert "ourwiki/templated" not in recipes()
    for bad in ("../templated", "/templated", "ourwiki/untemplated"):
        with pytest.raises(ConfigurationError, match="no recipe"):
            recipe(bad)
    with pytest.raises(ConfigurationError, match="a to z, 0 to 9"):
        recipe("OurWiki/templated")
    with pytest.raises(ConfigurationError, match=r"For a wiki of your own there is .*WIKI/reverted"):
        recipe("ourwiki/damaging")


@pytest.mark.parametrize("of", recipes())
def test_every_parameter_is_one_that_lightgbm_knows(of: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Of others it says so in its log, which training keeps quiet, and learns without them."""
    wanted = recipe(of)
    x = np.random.default_rng(0).random((100, len(wanted.features)))
    for more, is_told in ({}, False), ({"no_such_parameter": 1}, True):
        params = {**wanted.params, **more, "verbosity": 1, "num_threads": 1}
        lightgbm.train(params, lightgbm.Dataset(x, x[:, 0]), 1)
        assert ("Unknown parameter" in "".join(capfd.readouterr())) is is_told
