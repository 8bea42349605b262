"""Cards are drawn anew with new words, and nothing that was learned changes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from assay.models.bundle import load_bundle
from assay.models.facts import read_manifest
from assay.models.library import shipped_folder
from assay.models.manifest import MANIFEST
from assay.models.recipe import Recipe
from assay.models.training.recipes import recipes
from models.makers import contents
from tool import tool

ID = "crwiki/reverted"
WORDS = {
    "description": "Tells <b>more</b> than before.",
    "inputs": "another telling of the inputs",
    "limits": ("One that was not known before.",),
    "command": "assay train crwiki/reverted --all-new",
}


@pytest.fixture
def redraw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool, over one shipped bundle's copy in `tmp_path` and the test bundle, which has no recipe."""
    for name in (ID, "testwiki/revid"):
        shutil.copytree(shipped_folder() / name, tmp_path / name)
    redraw = tool("redraw_cards")
    monkeypatch.setattr(redraw, "shipped_folder", lambda: tmp_path)
    return redraw


def with_recipe(redraw: ModuleType, monkeypatch: pytest.MonkeyPatch, recipe: Recipe) -> Recipe:
    monkeypatch.setattr(redraw, "recipes", lambda: {recipe.id: recipe})
    return recipe


def test_shipped_cards_are_those_that_are_drawn_today(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    redraw = tool("redraw_cards")
    learned = shutil.ignore_patterns("trees.txt", "lexicons")
    folder = shutil.copytree(shipped_folder(), tmp_path / "shipped", ignore=learned)
    before = contents(folder)
    monkeypatch.setattr(redraw, "shipped_folder", lambda: folder)
    redraw.main()
    assert capsys.readouterr().out == "", "run: python tools/redraw_cards.py"
    assert contents(folder) == before


def test_cards_that_looked_otherwise_keep_the_digest(
    redraw: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(tmp_path)
    path = tmp_path / ID
    old = redraw.file_entries({"card.md": b"as before", "card.html": b"as before"})
    manifest = redraw.sealed({**read_manifest(path).model_dump(mode="json"), "cards": old})
    (path / MANIFEST).write_bytes(manifest.to_bytes())
    redraw.main()
    assert contents(tmp_path) == before
    assert capsys.readouterr().out == f"{ID}: drawn anew\n"


def test_new_words_stand_in_manifest_and_cards_and_no_tree_changes(
    redraw: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / ID
    before, old = contents(path), read_manifest(path)
    recipe = with_recipe(redraw, monkeypatch, replace(recipes()[ID], **WORDS))  # type: ignore[arg-type]
    redraw.main()
    now = read_manifest(path)
    changed = {name for name, content in contents(path).items() if content != before[name]}
    assert changed == {MANIFEST, "card.md", "card.html"}
    assert (now.description, now.training["command"]) == (recipe.description, recipe.command)
    assert now.training["recipe_digest"] == recipe.digest
    assert now.digest != old.digest
    for card, words in (("card.md", WORDS["description"]), ("card.html", "Tells &lt;b&gt;more")):
        assert str(words) in (path / card).read_text()
    assert recipe.limits[0] in (path / "card.md").read_text()
    assert load_bundle(path).name == "reverted"  # proves every digest
    assert capsys.readouterr().out == f"{ID}: drawn anew, digest {now.digest[:12]}\n"


def test_a_recipe_that_would_learn_otherwise_is_refused(
    redraw: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(tmp_path)
    recipe = recipes()[ID]
    with_recipe(redraw, monkeypatch, replace(recipe, rounds=recipe.rounds + 1, **WORDS))  # type: ignore[arg-type]
    with pytest.raises(SystemExit, match=rf"{ID} differs in rounds: train it again"):
        redraw.main()
    assert contents(tmp_path) == before
