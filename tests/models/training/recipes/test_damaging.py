"""What damaging and goodfaith are learned from: all that was recorded of production ORES, and no more."""

from __future__ import annotations

import csv
import lzma

import pytest

from assay.features.graph.node import Node
from assay.models.recipe import Recipe
from assay.models.training.examples import IS_ANONYMOUS, USER_TYPE
from assay.models.training.make import recipe_features
from assay.models.training.recipes.damaging import DAMAGING, GOODFAITH, NOT_TOLD
from shared_data import shared


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with lzma.open(shared("data/enwiki-damaging/ores_production_scores.csv.xz"), "rt") as lines:
        return list(csv.DictReader(lines))


def test_every_recorded_feature_has_a_part_in_what_is_learned(rows: list[dict[str, str]]) -> None:
    """But for those that are the same in all rows, such as the page's namespace, and so teach nothing."""
    differing = {name for name in rows[0] if len({row[name] for row in rows}) > 1}
    recorded = {name for name in differing if name.startswith("feature.")}
    learned = recipe_features(DAMAGING)
    assert [feature.name for feature in learned] == list(DAMAGING.features)
    given: set[str] = set()
    left: list[Node] = [*learned]
    while left:
        node = left.pop()
        if node.name in rows[0] or node.name in (USER_TYPE, IS_ANONYMOUS):
            given.add(node.name)
        else:
            assert node.name.endswith(("_change", "_per_word", "_per_token"))
            left += node.depends_on
    assert given >= recorded | {USER_TYPE, IS_ANONYMOUS}


@pytest.mark.parametrize("recipe", [DAMAGING, GOODFAITH], ids=lambda recipe: recipe.name)
def test_labels_are_the_recorded_probabilities_and_the_truth_is_the_revert(
    recipe: Recipe, rows: list[dict[str, str]]
) -> None:
    assert recipe.label == f"{recipe.name}_prob"
    taught = [float(row[recipe.label]) for row in rows]
    assert 0 <= min(taught) < max(taught) <= 1
    assert recipe.truth is not None
    opposite = recipe.truth.startswith("not_")
    truth = [bool(int(row[recipe.truth.replace("not_", "is_")])) != opposite for row in rows]
    likely, unlikely = (
        sum(value for value, is_so in zip(taught, truth, strict=True) if is_so is which)
        for which in (True, False)
    )
    assert likely > unlikely, "what is taught and what is measured mean the same side"
    assert sum(truth) == pytest.approx(len(rows) / 2, rel=0.01)


def test_the_population_s_rates_are_those_that_ores_told() -> None:
    """Published of 0.5.1: 747 of 19 332 edits were damaging, 3.4 % of the wiki's edits are."""
    for recipe, label, rate in ((DAMAGING, "true", 0.034), (GOODFAITH, "false", 0.033)):
        assert recipe.population_rates is not None
        assert recipe.population_rates[label] == rate
        assert sum(recipe.population_rates.values()) == pytest.approx(1)
        assert any(str(rate) in limit for limit in recipe.limits)


def test_what_histories_do_not_tell_of_an_author_can_be_done_without() -> None:
    of_authors = {name for name in DAMAGING.features if name.startswith("feature.revision.user.")}
    assert set(NOT_TOLD) == of_authors - {IS_ANONYMOUS} | {USER_TYPE}
    assert [mask.prefixes for mask in DAMAGING.masks] == [NOT_TOLD]


def test_goodfaith_differs_in_what_it_says_alone() -> None:
    told = {"name", "description", "label", "truth", "population_rates", "limits", "command"}
    damaging, goodfaith = DAMAGING.to_json(), GOODFAITH.to_json()
    assert {key for key in damaging if damaging[key] != goodfaith[key]} == told
    assert len(DAMAGING.limits) == len(GOODFAITH.limits)
    for recipe in (DAMAGING, GOODFAITH):
        assert recipe.command.startswith(f"assay train {recipe.id} ")
