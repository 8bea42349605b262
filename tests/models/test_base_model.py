"""A model that is grown on another: scores add up, and nobody can be mistaken for the base."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assay.errors import BundleError, ConfigurationError
from assay.models.base_model import Base, read_base
from assay.models.dataset import Dataset
from assay.models.recipe import Split
from assay.models.training.compare import ALIKE, BETTER, UNTOLD, Areas, Comparison, comparison
from assay.models.training.make import make_bundle
from assay.models.training.train import grow, raw_outputs, train
from models import makers


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """Learned from rows that look only half like the ones that are measured."""
    path = tmp_path_factory.mktemp("base") / "testwiki" / "reverted"
    rows = makers.rows(800, seed=11)
    make_bundle(rows.with_columns(label=(rows.x[:, 0] > 0).astype(float)), makers.recipe(), path)
    return read_base(path)


@pytest.mark.parametrize(("seeds", "lost"), [(1, 1e-9), (2, 2e-4)])
def test_a_score_is_the_base_s_and_what_was_grown_on_it(base: Base, seeds: int, lost: float) -> None:
    """`lost`: a mean of forests has leaf values of five decimals."""
    recipe = makers.recipe(grown_on=base.digest, split=Split("time", share=0.3), seeds=seeds)
    made = train(makers.rows(), recipe, base=base)
    x = made.data.x[:80]
    own = np.mean(
        [
            raw_outputs(grow(made.data, np.arange(len(made.data)), each, recipe.rounds, base), x)
            for each in recipe.of_each_seed()
        ],
        axis=0,
    )
    whole = Base("", "", makers.COLUMNS, made.trees).raw(x)
    assert np.abs(whole - (base.raw(x) + own)).max() < lost
    assert np.abs(own).max() > 0.01


def test_it_learns_what_the_base_did_not_know(base: Base) -> None:
    data = makers.rows(1500)
    recipe = makers.recipe(grown_on=base.digest, split=Split("time", share=0.3), rounds=40)
    found = comparison(train(data, recipe, base=base))
    assert found is not None
    assert found.verdict == BETTER
    assert found.other == "testwiki/reverted"
    assert found.all.own is not None
    assert found.all.other is not None
    assert found.all.own > found.all.other + 0.01
    assert found.all.n == 450


def test_nothing_to_learn_is_not_called_better(base: Base) -> None:
    rows = makers.rows(900)
    rng = np.random.default_rng(0)
    data = rows.with_columns(
        label=(rng.random(900) < 1 / (1 + np.exp(-base.raw(rows.x)[:, 0]))).astype(float)
    )
    recipe = makers.recipe(grown_on=base.digest, split=Split("time", share=0.3), rounds=5)
    found = comparison(train(data, recipe, base=base))
    assert found is not None
    assert found.verdict in (ALIKE, "worse")


def test_strangers_share_neither_page_nor_actor_with_what_was_learned(base: Base) -> None:
    data = makers.rows(300)
    strange = np.arange(300) >= 280
    data = data.with_columns(
        page=np.where(strange, "new page", data["page"]), actor=np.where(strange, "new actor", data["actor"])
    )
    recipe = makers.recipe(grown_on=base.digest, split=Split("time", share=0.3))
    found = comparison(train(data, recipe, base=base))
    assert found is not None
    assert found.strangers.n == 20


def test_without_an_interval_nothing_is_told() -> None:
    areas = Areas(10, 5, 0.9, 0.5)
    assert Comparison("anywiki/reverted", areas, None, areas).verdict == UNTOLD
    assert Comparison("anywiki/reverted", areas, (-0.1, 0.2), areas).verdict == ALIKE


def test_another_base_is_refused(base: Base) -> None:
    data: Dataset = makers.rows()
    with pytest.raises(ConfigurationError, match="give it"):
        train(data, makers.recipe(grown_on="0" * 64), base=base)
    with pytest.raises(ConfigurationError, match="give it"):
        train(data, makers.recipe(), base=base)
    other = Base(base.id, base.digest, ("feature.delay",), base.trees)
    with pytest.raises(
        ConfigurationError,
        match=r"different: feature\.revision\.reversed_\w+\): train testwiki/reverted anew first",
    ):
        train(data, makers.recipe(grown_on=base.digest), base=other)
    turned = Base(base.id, base.digest, base.features[::-1], base.trees)
    with pytest.raises(ConfigurationError, match="different: their order"):
        train(data, makers.recipe(grown_on=base.digest), base=turned)
    with pytest.raises(ConfigurationError, match="only binary"):
        makers.recipe(4, grown_on=base.digest)


def test_the_bundle_has_a_card_that_says_whether_it_is_better(base: Base, tmp_path: Path) -> None:
    recipe = makers.recipe(grown_on=base.digest, split=Split("time", share=0.3), rounds=40)
    manifest, statistics = make_bundle(makers.rows(1500), recipe, tmp_path / "one", base=base)
    again, _ = make_bundle(makers.rows(1500), recipe, tmp_path / "two", base=base)
    assert manifest.digest == again.digest
    card = (tmp_path / "one" / "card.md").read_text(encoding="utf-8")
    assert "Compared with testwiki/reverted" in card
    assert "It is better than testwiki/reverted" in card
    assert statistics["assay"]["compared"]["verdict"] == BETTER
    assert manifest.training["recipe"]["grown_on"] == base.digest


def test_only_trees_with_two_outcomes_can(tmp_path: Path) -> None:
    make_bundle(makers.rows(classes=4), makers.recipe(4), tmp_path / "many")
    with pytest.raises(BundleError, match="two outcomes"):
        read_base(tmp_path / "many")
