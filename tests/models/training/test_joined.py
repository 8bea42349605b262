"""Forests of several seeds in one text: the mean of their raw outputs in few digits, exactly explained."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from assay.models.bundle import load_bundle
from assay.models.dataset import Floats
from assay.models.forest import UNREAD_OF_LEAVES, UNREAD_OF_NODES, Forest
from assay.models.training.joined import joined
from assay.models.training.make import make_bundle
from assay.models.training.train import grow, grown, train, tree_text
from models import makers

HALF_A_LAST_DIGIT = 0.5e-5
"""A leaf value may be off by so much."""
COUNTS_OF_CLASSES = pytest.mark.parametrize("classes", [2, 4])


@lru_cache
def parts(classes: int, seeds: int = 3) -> tuple[str, ...]:
    """Texts of forests that differ: each tree sees other rows."""
    sampled = {**makers.recipe(classes).params, "bagging_fraction": 0.5, "bagging_freq": 1}
    recipe = makers.recipe(classes, params=sampled, seeds=seeds)
    data = makers.rows(classes=classes)
    return tuple(
        tree_text(grow(data, np.arange(len(data)), each, recipe.rounds)) for each in recipe.of_each_seed()
    )


def whole_text(classes: int, seeds: int = 3) -> str:
    return joined(parts(classes)[:seeds], makers.rows(classes=classes).x)


def leaves_reached(text: str, x: Floats) -> Floats:
    """Of each row [n], in each tree [trees]: the number of the leaf."""
    return np.asarray(lightgbm.Booster(model_str=text).predict(x, pred_leaf=True), dtype=np.float64)


def forest(text: str, classes: int) -> Forest:
    return Forest(text, 2, 1 if classes == 2 else classes)


@COUNTS_OF_CLASSES
@pytest.mark.parametrize("seeds", [2, 3])
def test_raw_outputs_and_shap_values_are_the_means_of_the_parts(classes: int, seeds: int) -> None:
    texts = parts(classes)[:seeds]
    assert len(set(texts)) == seeds
    whole, single = forest(whole_text(classes, seeds), classes), [forest(text, classes) for text in texts]
    lost = HALF_A_LAST_DIGIT * seeds * makers.recipe(classes).rounds
    for row in makers.rows(classes=classes).x[:50].tolist():
        raw = np.array(whole.raw(row))
        assert np.abs(raw - np.mean([one.raw(row) for one in single], axis=0)).max() < lost
        shares = whole.contributions(row)
        assert np.abs(shares.sum(axis=1) - raw).max() < 1e-12
        assert np.abs(shares - np.mean([one.contributions(row) for one in single], axis=0)).max() < 2 * lost


@COUNTS_OF_CLASSES
def test_lightgbm_reads_the_joined_text_as_we_do(classes: int) -> None:
    text = whole_text(classes)
    x = makers.rows(50, classes, seed=8).x
    expected = np.asarray(lightgbm.Booster(model_str=text).predict(x, raw_score=True)).reshape(50, -1)
    whole = forest(text, classes)
    assert np.array_equal([whole.raw(row) for row in x.tolist()], expected)


def test_the_joined_text_is_compact_and_a_single_one_is_untouched() -> None:
    texts, whole = parts(4), whole_text(4)
    assert not any(f"\n{name}=" in whole for name in (*UNREAD_OF_NODES, *UNREAD_OF_LEAVES))
    assert whole.count("\nTree=") == sum(text.count("\nTree=") for text in texts)
    assert len(whole) < 0.55 * sum(map(len, texts))
    assert whole_text(4, seeds=1) == texts[0]


@COUNTS_OF_CLASSES
def test_every_row_that_was_learned_from_reaches_the_same_leaves_in_fewer_digits(classes: int) -> None:
    x = makers.rows(classes=classes).x
    separate = [leaves_reached(text, x) for text in parts(classes)]
    assert np.array_equal(leaves_reached(whole_text(classes), x), np.concatenate(separate, axis=1))


def test_trees_of_one_leaf_are_averaged_too() -> None:
    rows = np.arange(40.0).reshape(20, 2)
    settings = {"objective": "cross_entropy", "min_data_in_leaf": 1000, "verbosity": -1, "num_threads": 1}
    texts = [
        tree_text(lightgbm.train(settings, lightgbm.Dataset(rows, np.full(20, rate)), num_boost_round=2))
        for rate in (0.3, 0.6)
    ]
    raws = [Forest(text, 2, 1).raw([1, 2])[0] for text in texts]
    assert raws[0] != raws[1]
    assert Forest(joined(texts, rows), 2, 1).raw([1, 2]) == pytest.approx(
        [np.mean(raws)], abs=4 * HALF_A_LAST_DIGIT
    )


def test_forests_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be one"):
        joined([parts(2)[0], parts(4)[0]], makers.rows().x)


def test_held_out_rows_are_scored_by_the_mean_of_forests_that_never_saw_them() -> None:
    recipe = makers.recipe(4, seeds=2)
    made = train(makers.rows(classes=4), recipe)
    fold = made.held_out.part == 0
    rows = made.held_out.rows[fold]
    learned = np.setdiff1d(np.arange(len(made.data)), rows)
    whole = forest(grown(made.data, learned, recipe, made.rounds), 4)
    assert np.array_equal(made.held_out.raw[fold], [whole.raw(row) for row in made.data.x[rows].tolist()])


def test_a_bundle_of_two_seeds_is_the_same_twice_and_tells_them(tmp_path: Path) -> None:
    recipe, data = makers.recipe(4, seeds=2), makers.rows(classes=4)
    manifest, statistics = make_bundle(data, recipe, tmp_path / "a")
    again, _ = make_bundle(data, recipe, tmp_path / "b")
    one, _ = make_bundle(data, makers.recipe(4), tmp_path / "c")
    assert manifest == again
    assert (tmp_path / "a" / "trees.txt").read_bytes() == (tmp_path / "b" / "trees.txt").read_bytes()
    assert manifest.digest != one.digest
    assert manifest.training["recipe"]["seeds"] == 2
    assert "| forests averaged, of this seed and the next | 2 |" in (tmp_path / "a" / "card.md").read_text()
    assert "forests averaged" not in (tmp_path / "c" / "card.md").read_text()
    model = load_bundle(tmp_path / "a")
    told = model.explain([0.3, None])
    score = model.score([0.3, None])
    logits = np.array([told.base[label] + sum(told.contributions[label]) for label in model.labels])
    chances = np.exp(logits - logits.max())
    assert chances / chances.sum() == pytest.approx(list(score.probability.values()), abs=1e-12)
    assert statistics["assay"]["held_out"]["n"] == 600
