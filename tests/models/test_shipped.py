"""The bundles that come with Assay keep what docs/measurements.md says of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from assay.models.bundle import load_bundle, load_bundles
from assay.models.facts import read_manifest, read_statistics
from assay.models.library import search, shipped_folder
from assay.models.statistics.metrics import roc_auc, spearman
from assay.models.training.examples import USER_TYPE, RecordedExamples
from assay.models.training.extract import extract
from assay.models.training.recipes import recipes
from models.skew import scored_twice
from shared_data import shared

MAX_BUNDLE_BYTES = 3_000_000
BUNDLES = sorted(path.parent for path in shipped_folder().glob("*/*/manifest.json"))


def test_every_shipped_bundle_loads_and_says_who_it_is() -> None:
    library = search(shipped_folder())
    assert not library.refused
    assert len(load_bundles(found.path for found in library)) == len(BUNDLES)


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_it_is_small_has_its_card_and_the_recipe_that_made_it(path: Path) -> None:
    manifest = read_manifest(path)
    assert sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) < MAX_BUNDLE_BYTES
    assert set(manifest.cards) == {"card.md", "card.html"}
    if manifest.kind == "revid":  # nothing is learned for it, so that it has no recipe
        return
    assert manifest.training["command"] in (path / "card.md").read_text()
    now = recipes()[manifest.id]
    assert manifest.training["recipe"] == orjson.loads(orjson.dumps(now.to_json())), "train it again"
    assert manifest.training["recipe_digest"] == now.digest
    assert read_statistics(path)["counts"]["n"] > 0


@pytest.mark.parametrize("name", ["damaging", "goodfaith"])
def test_damaging_and_goodfaith_agree_with_production_on_held_out_rows(name: str) -> None:
    teacher = read_statistics(shipped_folder() / "enwiki" / name)["assay"]["teacher"]
    assert teacher["spearman"] >= 0.95
    assert teacher["own_roc_auc"] >= teacher["teacher_roc_auc"] - 0.005


@pytest.mark.parametrize("name", ["damaging", "goodfaith"])
def test_the_shipped_trees_are_those_of_the_recorded_rows(name: str, tmp_path: Path) -> None:
    """The trees saw these rows: this measures no quality, it proves that the files belong together."""
    path = shared("data/enwiki-damaging/ores_production_scores.csv.xz")
    model = load_bundle(shipped_folder() / "enwiki" / name)
    examples = RecordedExamples("enwiki", path, label=f"{name}_prob", renamed={"user.type": USER_TYPE})
    rows = extract(examples, model.features, tmp_path / "rows.npz")
    assert len(rows) == 3500
    scores = np.array([model.score(row).probability[True] for row in rows.x.tolist()])
    agreement = spearman(scores, rows["label"])
    assert agreement is not None
    assert agreement > 0.985
    truth = rows["is_reverted"] == (name == "damaging")
    own, theirs = roc_auc(truth, scores), roc_auc(truth, rows["label"])
    assert own is not None
    assert theirs is not None
    assert own > theirs - 0.005


def test_no_skew_between_training_and_serving(tmp_path: Path) -> None:
    for name, found in scored_twice(tmp_path).items():
        own_scores, legacy_scores = np.array(found).T
        assert len(found) == 300
        agreement = spearman(own_scores, legacy_scores)
        assert agreement is not None
        assert agreement >= 0.98, name
