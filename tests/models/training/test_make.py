"""A bundle in one go: the same rows and recipe give the same files, which say where they came from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assay.errors import ConfigurationError, GraphError
from assay.features.lexicon import shipped
from assay.models.bundle import load_bundle
from assay.models.dataset import Dataset
from assay.models.facts import read_manifest
from assay.models.library import shipped_folder
from assay.models.recipe import Split
from assay.models.training.make import make_bundle, make_test_bundle, recipe_features, recipe_lexicons
from models import makers
from shared_data import ROOT


def test_a_zip_by_its_ending_holds_what_a_folder_holds(tmp_path: Path) -> None:
    folder, packed = tmp_path / "a" / "b" / "reverted", tmp_path / "c" / "d" / "reverted.zip"
    manifest, statistics = make_bundle(makers.rows(), makers.recipe(), folder)
    again, _ = make_bundle(makers.rows(), makers.recipe(), packed)
    assert packed.is_file()
    assert manifest == again == read_manifest(packed)
    assert load_bundle(packed).score([0.3, 0.1]) == load_bundle(folder).score([0.3, 0.1])
    assert set(statistics["assay"]["importance"]) == set(makers.COLUMNS)


def test_it_says_what_it_was_learned_from(tmp_path: Path) -> None:
    data = makers.rows().with_columns(wiki=["aawiki", "bbwiki", "bbwiki"] * 200)
    rates = {"true": 0.1, "false": 0.9}
    split = Split("time", share=0.25)
    recipe = makers.recipe(
        split=split, shipped="train", seed=7, command="assay train x", population_rates=rates
    )
    manifest, _ = make_bundle(data, recipe, tmp_path / "x")
    told = manifest.training
    assert told["rows_by_wiki"] == {"aawiki": 200, "bbwiki": 400}
    assert (told["rows"], told["rows_learned"]) == (600, 450)
    assert (told["rounds"], told["seed"], told["command"]) == (12, 7, "assay train x")
    assert told["data_digest"] == data.digest
    assert told["recipe_digest"] == recipe.digest
    assert told["recipe"]["seed"] == 7
    assert manifest.population_rates == rates


def test_what_a_recipe_names_must_be_there() -> None:
    assert recipe_lexicons(makers.recipe(lexicons=("english.chat",))) == shipped("english.chat")
    assert [feature.name for feature in recipe_features(makers.recipe())] == list(makers.COLUMNS)
    with pytest.raises(ConfigurationError, match=r"no such lexicon: none\.words"):
        recipe_lexicons(makers.recipe(lexicons=("none.words",)))
    with pytest.raises(GraphError, match=r"feature\.none"):
        recipe_features(makers.recipe(features=("feature.none",)))


@pytest.mark.parametrize("classes", [2, 4])
def test_twice_gives_the_same_bytes_even_in_another_process(tmp_path: Path, classes: int) -> None:
    first, _ = make_bundle(makers.rows(classes=classes), makers.recipe(classes), tmp_path / "a")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from models import makers; "
        "from assay.models.training.make import make_bundle; n = int(sys.argv[2]); "
        "make_bundle(makers.rows(classes=n), makers.recipe(n), Path(sys.argv[3]))"
    )
    subprocess.run([sys.executable, "-c", script, ROOT / "tests", str(classes), tmp_path / "b"], check=True)
    assert makers.contents(tmp_path / "a") == makers.contents(tmp_path / "b")
    assert len(first.digest) == 64
    everything = b"".join(makers.contents(tmp_path / "a").values())
    assert str(tmp_path).encode() not in everything


def test_another_seed_or_other_rows_give_another_digest(tmp_path: Path) -> None:
    def digest(data: Dataset, **changes: object) -> str:
        return make_bundle(data, makers.recipe(**changes), tmp_path / "x")[0].digest  # type: ignore[arg-type]

    same = digest(makers.rows())
    assert digest(makers.rows(), seed=1) != same
    assert digest(makers.rows(seed=6)) != same
    assert digest(makers.rows().rows(np.arange(599))) != same


def test_the_test_model_s_card_tells_the_command_that_makes_it(tmp_path: Path) -> None:
    made = make_test_bundle(tmp_path / "revid")
    assert made.digest == read_manifest(shipped_folder() / "testwiki" / "revid").digest
    assert "assay train testwiki/revid" in (tmp_path / "revid" / "card.md").read_text()
    assert makers.contents(tmp_path / "revid") == makers.contents(shipped_folder() / "testwiki" / "revid")
