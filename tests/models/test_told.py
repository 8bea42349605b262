"""What is told beside the shipped models' own features: all that ORES told, with its types and values."""

from __future__ import annotations

import csv
import json
import lzma
from functools import cache
from typing import Any

import pytest

from assay.features.catalogue import features
from assay.features.graph.node import Feature
from assay.features.graph.plan import Plan
from assay.features.lexicon import Lexicons, shipped
from assay.models.bundle import load_bundles
from assay.models.library import shipped_folder
from assay.models.model import Model
from assay.models.told import LEGACY, told_with
from assay.revisions.types import Revision
from assay.scoring.synthetic import synthetic_revision
from features.oracle import article, articles, needs_word_list
from shared_data import shared

ARTICLES = 40
"""Of the oracle's 150: features are tested on all (`tests/features`), here only that they are the same."""


@cache
def model(wiki: str, name: str) -> Model:
    (loaded,) = load_bundles([shipped_folder() / wiki / name], with_trees=False)
    return loaded


def all_of(model: Model, revision: Revision) -> dict[str, Any]:
    wanted = (*model.features, *model.told)
    values = Plan(wanted).run(revision)
    return {feature.name: values.known(feature) for feature in wanted}


def types(values: dict[str, Any]) -> dict[str, type]:
    return {name: type(value) for name, value in values.items()}


@pytest.mark.parametrize(("wiki", "name"), LEGACY)
def test_every_name_is_told_by_the_shipped_model(wiki: str, name: str) -> None:
    found = model(wiki, name)
    told = {feature.name for feature in found.told}
    own = {feature.name for feature in found.features}
    assert told == set(LEGACY[wiki, name])
    assert len(found.told) == len(told)
    assert not told & own


def test_nothing_is_told_with_other_models() -> None:
    paths = [path.parent for path in shipped_folder().glob("*/*/manifest.json")]
    telling = {(found.wiki, found.name) for found in load_bundles(paths, with_trees=False) if found.told}
    assert telling == set(LEGACY)


def test_articles_have_the_oracles_types_and_values() -> None:
    quality = model("enwiki", "articlequality")
    for expected, text in articles(ARTICLES):
        found = all_of(quality, article(text))
        told = {name: found[name] for name in expected}
        assert types(told) == types(expected)
        for name, value in expected.items():
            assert needs_word_list(name) or told[name] == pytest.approx(value, abs=1e-9), name


@pytest.mark.parametrize("name", ["damaging", "goodfaith"])
def test_edits_have_every_feature_of_the_oracle_with_its_type(name: str) -> None:
    """Their values are tested in `tests/features/test_oracle.py`: the features are the same."""
    with lzma.open(shared("data/oracle/editquality_enwiki_damaging.jsonl.xz"), "rt") as lines:
        expected = json.loads(next(lines))["base_features"]
    found = all_of(model("enwiki", name), synthetic_revision(31))
    assert len(expected) == 78
    assert types({key: found[key] for key in expected}) == types(expected)


@pytest.mark.parametrize("name", ["damaging", "goodfaith"])
def test_edits_have_every_feature_that_production_told(name: str) -> None:
    with lzma.open(shared("data/enwiki-damaging/ores_production_scores.csv.xz"), "rt") as lines:
        columns = [column for column in next(csv.reader(lines)) if column.startswith("feature.")]
    found = model("enwiki", name)
    assert len(columns) > 70
    assert set(columns) <= {feature.name for feature in (*found.features, *found.told)}


def test_what_the_model_reads_is_not_told_twice() -> None:
    name = "feature.wikitext.revision.ref_tags"
    (read,) = features([name], Lexicons())
    told = told_with("ruwiki", "articlequality", [read], Lexicons())
    assert len(told) == len(LEGACY["ruwiki", "articlequality"]) - 1
    assert read not in told


def test_a_bundle_without_a_word_list_tells_the_rest() -> None:
    def names(lexicons: Lexicons) -> set[str]:
        told: tuple[Feature, ...] = told_with("enwiki", "articlequality", (), lexicons)
        return {feature.name for feature in told}

    missing = names(shipped("english.idioms", "english.words_to_watch")) - names(shipped("english.idioms"))
    assert missing == {"feature.len(<datasource.english.words_to_watch.revision.matches>)"}


def test_nothing_is_told_with_a_model_that_ores_had_not() -> None:
    assert told_with("enwiki", "reverted", (), Lexicons()) == ()
    assert told_with("nowiki", "articlequality", (), Lexicons()) == ()
