from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.errors import ConfigurationError
from assay.models.recipe import Mask, Split
from assay.models.statistics.metrics import roc_auc
from assay.models.training.splits import parts
from assay.models.training.train import grow, masked, train
from models import makers


def test_held_out_rows_were_never_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that could only learn rows by heart scores at random on what is held out."""
    rng = np.random.default_rng(0)
    data = makers.rows(400).with_columns(label=rng.integers(0, 2, 400))
    recipe = makers.recipe(
        rounds=60,
        params={"num_leaves": 63, "min_data_in_leaf": 1, "learning_rate": 0.3},
        split=Split("folds", folds=4, by="row"),
    )
    made = train(data, recipe)
    truth = made.data["label"][made.held_out.rows] == 1
    found = roc_auc(truth, made.held_out.probability[:, 0])
    assert found is not None
    assert 0.4 < found < 0.6
    booster = grow(made.data, np.arange(400), recipe, 60)
    by_heart = roc_auc(made.data["label"] == 1, np.asarray(booster.predict(made.data.x)))
    assert by_heart is not None
    assert by_heart > 0.98


def test_probabilities_are_calibrated_on_rows_of_a_skewed_sample() -> None:
    made = train(
        makers.rows(2000), makers.recipe(positive_weight=10.0, split=Split("folds", folds=4, by="page"))
    )
    label = made.data["label"][made.held_out.rows]
    assert made.held_out.probability[:, 0].mean() == pytest.approx(label.mean(), abs=0.02)
    uncalibrated = 1 / (1 + np.exp(-made.held_out.raw[:, 0]))
    assert uncalibrated.mean() > label.mean() + 0.1


def test_soft_labels_are_learned_as_probabilities() -> None:
    data = makers.rows(2000)
    taught = 1 / (1 + np.exp(-2 * np.nan_to_num(data.x[:, 0])))
    made = train(data.with_columns(taught=taught), makers.recipe(label="taught", rounds=60))
    found = made.held_out.probability[:, 0]
    assert np.abs(found - made.data["taught"][made.held_out.rows]).mean() < 0.06


def test_masks_teach_to_do_without() -> None:
    data = makers.rows(2000)
    hidden = Mask((makers.COLUMNS[1],))
    plain = train(data, makers.recipe(masks=(replace(hidden, weight=1e-9),), rounds=40))
    taught = train(data, makers.recipe(masks=(hidden,), rounds=40))
    truth = data["label"][plain.held_out.rows] == 1
    areas = [roc_auc(truth, made.held_out.masked[0][:, 0]) for made in (plain, taught)]
    assert areas[0] is not None
    assert areas[1] is not None
    assert areas[1] >= areas[0] - 0.005
    x = masked(data.x, data.features, (makers.COLUMNS[1],))
    assert np.isnan(x[:, 1]).all()
    assert not np.isnan(data.x[:, 1]).all()


def test_by_time_the_shipped_trees_may_see_the_earlier_rows_only() -> None:
    recipe = makers.recipe(split=Split("time", share=0.25), shipped="train")
    made = train(makers.rows(), recipe)
    part = parts(made.data, recipe.split, recipe.seed)[0]
    assert made.train_rows.tolist() == part.train.tolist()
    assert made.data["timestamp"][made.train_rows].max() < made.data["timestamp"][made.held_out.rows].min()


def test_early_stopping_ends_before_the_limit_and_fixed_parameters_stay_fixed() -> None:
    made = train(makers.rows(), makers.recipe(rounds=500, early_stopping_rounds=5))
    assert 1 <= made.rounds < 500
    with pytest.raises(ConfigurationError, match="may not set num_threads"):
        train(makers.rows(), makers.recipe(params={"num_threads": 8}))


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int, str]] = []
    train(makers.rows(), makers.recipe(), lambda *step: told.append(step))
    assert [done for done, _, _ in told] == [0, 1, 2, 3, 4]
    assert told[-1] == (4, 4, "done")
