from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.errors import ConfigurationError
from assay.models.bundle import load_bundle
from assay.models.facts import read_manifest, read_statistics
from assay.models.library import shipped_folder
from assay.models.recipe import Mask, Split
from assay.models.statistics.metrics import spearman
from assay.models.training.evaluate import chosen_rows, evaluate, left_out_by, measured, predicted
from assay.models.training.make import make_bundle
from assay.models.training.train import train
from models import makers


def test_statistics_in_the_bundle_are_those_of_held_out_rows(tmp_path: Path) -> None:
    recipe = makers.recipe(masks=(Mask((makers.COLUMNS[0],)),))
    manifest, document = make_bundle(makers.rows(), recipe, tmp_path / "b")
    assert read_statistics(tmp_path / "b") == document
    assert read_manifest(tmp_path / "b") == manifest
    made = train(makers.rows(), recipe)
    right = (made.held_out.probability[:, 0] >= 0.5) == (made.data["label"][made.held_out.rows] == 1)
    assert document["assay"]["exact_accuracy"] == pytest.approx(right.mean(), abs=1e-6)
    assert document["assay"]["held_out"]["how"] == (
        "3 folds by page, each scored by trees grown on the other folds"
    )
    assert sum(part["n"] for part in document["assay"]["parts"].values()) == 600
    assert document["assay"]["masked"][0]["roc_auc"] < document["roc_auc"]["labels"]["true"]
    assert next(iter(document["assay"]["importance"])) == makers.COLUMNS[0]
    assert manifest.training["rows"] == 600
    assert manifest.training["recipe_digest"] == recipe.digest


def test_a_loaded_bundle_is_evaluated_on_rows_it_never_saw(tmp_path: Path) -> None:
    make_bundle(makers.rows(classes=4), makers.recipe(4), tmp_path / "b")
    model = load_bundle(tmp_path / "b")
    fresh = makers.rows(300, 4, seed=77)
    document = evaluate(model, fresh)
    probability = predicted(model, fresh.x)
    right = probability.argmax(axis=1) == fresh["label"]
    assert document["assay"]["exact_accuracy"] == pytest.approx(right.mean(), abs=1e-6)
    assert document["assay"]["within_one_class"] > document["assay"]["exact_accuracy"]
    assert document["counts"]["n"] == 300
    with pytest.raises(ConfigurationError, match="no row has a value"):
        evaluate(model, fresh.with_columns(label=np.full(300, np.nan)))
    with pytest.raises(ConfigurationError, match="lacks 1 features"):
        evaluate(model, fresh.select(makers.COLUMNS[:1]))


def test_rows_are_chosen_by_day_and_by_what_training_leaves_out() -> None:
    data = makers.rows(300).with_columns(is_bot=np.arange(300) % 10 == 0)
    every, which = chosen_rows(data, (), None)
    assert (len(every), which) == (300, "all rows of a data set")
    noon = datetime(1970, 1, 1, 2, 30, tzinfo=UTC)
    some, which = chosen_rows(data, ("bots", "self_reverted"), noon)
    assert some["timestamp"].min() > noon.timestamp() - 1
    assert len(some) == 150 - 15
    assert which == "rows of a data set without bots, self reverted, since 1970-01-01"
    with pytest.raises(ConfigurationError, match="no row of the data set is left"):
        chosen_rows(data, (), datetime(2020, 1, 1, tzinfo=UTC))


def test_a_bundle_tells_what_its_training_left_out() -> None:
    assert left_out_by(read_manifest(shipped_folder() / "anywiki/reverted"))[0] == "bots"
    assert left_out_by(read_manifest(shipped_folder() / "enwiki/articlequality")) == ()


@pytest.mark.parametrize(
    "training",
    [
        {},
        {"recipe": "enwiki"},
        {"recipe": {"leave_out": 7}},
        {"recipe": {"leave_out": ["cats"]}},
        {"recipe": {"leave_out": [{}]}},
    ],
)
def test_a_bundle_made_by_others_may_not_tell_it(training: dict[str, Any]) -> None:
    manifest = read_manifest(shipped_folder() / "anywiki/reverted").model_copy(update={"training": training})
    with pytest.raises(ConfigurationError, match="does not tell which rows its training left out"):
        left_out_by(manifest)


def test_a_pupil_is_compared_with_its_teacher() -> None:
    data = makers.rows(1500)
    rng = np.random.default_rng(1)
    taught = 1 / (1 + np.exp(-2 * np.nan_to_num(data.x[:, 0])))
    data = data.with_columns(taught=taught, seen=(rng.random(1500) < taught).astype(float))
    made = train(data, makers.recipe(label="taught", truth="seen", rounds=40))
    teacher = measured(made)["assay"]["teacher"]
    rows = made.held_out.rows
    expected = spearman(made.held_out.probability[:, 0], made.data["taught"][rows])
    assert teacher["spearman"] == pytest.approx(expected, abs=1e-6)
    assert teacher["teacher_roc_auc"] > 0.75
    assert teacher["own_roc_auc"] == pytest.approx(teacher["teacher_roc_auc"], abs=0.03)


def test_leaving_one_wiki_out_tells_each_wiki() -> None:
    data = makers.rows().with_columns(wiki=["aawiki", "bbwiki", "ccwiki"] * 200)
    document = measured(train(data, makers.recipe(wiki="anywiki", split=Split("wiki"))))
    assert list(document["assay"]["parts"]) == ["aawiki", "bbwiki", "ccwiki"]
    assert all(part["n"] == 200 for part in document["assay"]["parts"].values())
