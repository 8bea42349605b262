"""The recipe of an operator's own wiki, and the rows of its history that are learned from."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from assay.models.base_model import Base
from assay.models.dataset import Dataset, concat
from assay.models.training.chosen_edits import Choice
from assay.models.training.own_wiki import anywiki, fitting, own_recipe, own_rows
from assay.models.training.recipes import recipe as recipe_called
from assay.models.training.recipes.reverted import ANYWIKI, RECIPES, WIKIS
from assay.models.training.train import silent
from assay.models.training.wiki_history import WikiHistory
from assay.revisions.wiki.download import Window
from models import makers

API = "https://wiki.example/api.php"


def history(path: Path, *edits: int, wiki: str = "mywiki") -> WikiHistory:
    choice = Choice(edits, edits, usable=9, reverted=4)
    return WikiHistory(wiki, Window(API), path, "MediaWiki 1.39", 77, "2010-01-01", "2020-02-02", choice)


def written(path: Path) -> Path:
    """Six edits of one page, each with a text."""
    rows = [
        {
            "page_title": "P",
            "rev_id": i,
            "parent_id": i - 1 or None,
            "timestamp": f"2020-01-0{i}T00:00:00Z",
            "user": f"User {i}",
            "anon": False,
            "comment": "",
            "text": f"text {i}",
        }
        for i in range(1, 7)
    ]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def base() -> Base:
    return anywiki()


def test_the_general_model_can_be_grown_on(base: Base) -> None:
    assert base.features == ANYWIKI.features
    assert base.id == ANYWIKI.id


def test_it_is_grown_on_the_base_and_measured_on_its_own_later_edits(base: Base, tmp_path: Path) -> None:
    recipe = own_recipe(history(tmp_path / "x"), base)
    assert (recipe.id, recipe.grown_on, recipe.features) == ("mywiki/reverted", base.digest, base.features)
    assert (recipe.split.kind, recipe.split.wiki) == ("time", "mywiki")
    assert recipe.helper_weight == 0, "no other wiki's rows"
    assert recipe.rounds < ANYWIKI.rounds


def test_its_card_will_tell_the_wiki_the_history_and_the_command(base: Base, tmp_path: Path) -> None:
    recipe = own_recipe(history(tmp_path / "x", 2, 3), base)
    assert "mywiki" in recipe.description
    assert recipe.command == f"assay train --wiki {API} --name mywiki"
    for told in (API, "MediaWiki 1.39", "77 revisions", "of which 2 were drawn by lot", "anywiki/reverted"):
        assert told in recipe.inputs
    assert set(ANYWIKI.limits) & set(recipe.limits)
    assert "499 earlier edits" in recipe.limits[-1]


@pytest.mark.parametrize("wiki", sorted(WIKIS))
def test_the_history_of_a_shipped_model_has_no_part_in_another_one_of_its_wiki(
    wiki: str, base: Base, tmp_path: Path
) -> None:
    """The shipped model of enwiki learned from one page's history; whoever asks enwiki's API has many."""
    shipped = {recipe.wiki: recipe for recipe in RECIPES}[wiki]
    own, other = (own_recipe(history(tmp_path / "x", wiki=name), base) for name in (wiki, "mywiki"))
    assert own.limits == other.limits
    assert WIKIS[wiki] in shipped.inputs
    assert WIKIS[wiki] not in own.inputs
    assert own.wiki == own.split.wiki == wiki


def test_only_what_was_chosen_is_learned_from(tmp_path: Path) -> None:
    """Not their parents, which have texts, too."""
    recipe = makers.recipe(wiki="mywiki", features=("feature.wikitext.revision.chars",))
    path = written(tmp_path / "mywiki.jsonl")
    rows = own_rows(history(path, 3, 5), recipe, tmp_path / "work", silent)
    assert rows["rev_id"].tolist() == [3, 5]
    assert set(rows["wiki"]) == {"mywiki"}
    assert rows.x.tolist() == [[6.0], [6.0]]


def labelled(wiki: str) -> Dataset:
    return Dataset.of(
        ["feature.delay"],
        [[1.0], [2.0], [3.0]],
        label=[0, 1, 1],
        wiki=[wiki] * 3,
        timestamp=[0, 86400, 172800],
    )


def test_rows_of_a_wiki_alone_are_grown_on_the_general_model_too(base: Base) -> None:
    recipe, grown_on = fitting(recipe_called("mywiki/reverted"), labelled("mywiki"))
    assert grown_on is not None
    assert (recipe.grown_on, recipe.helper_weight) == (grown_on.digest, 0) == (base.digest, 0)
    told = (
        "history of mywiki: 3 revisions from 1970-01-01 to 1970-01-03, 2 reverted; grown on anywiki/reverted"
    )
    assert told in recipe.inputs
    assert recipe.command == "assay train mywiki/reverted --wiki mywiki=HISTORY"


def test_with_rows_of_other_wikis_it_learns_from_these_as_its_card_says() -> None:
    recipe = recipe_called("mywiki/reverted")
    assert fitting(recipe, concat([labelled("mywiki"), labelled("otherwiki")])) == (recipe, None)
    assert "other wikis" in recipe.inputs
    assert "shared/data" not in recipe.command, "which no operator has"


@pytest.mark.parametrize("name", ["crwiki/reverted", "enwiki/articlequality", "anywiki/reverted"])
def test_a_shipped_models_recipe_is_left_as_it_is(name: str) -> None:
    recipe = recipe_called(name)
    assert fitting(recipe, labelled(recipe.wiki)) == (recipe, None)
