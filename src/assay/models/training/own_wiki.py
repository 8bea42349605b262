"""A model of the operator's own wiki: a recipe that is grown on `anywiki`.

How many reverted edits it takes, and why it is grown: docs/decisions/2026-11-26-own-wiki-models.md.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from assay.models.base_model import Base, read_base
from assay.models.dataset import Dataset
from assay.models.library import shipped_folder
from assay.models.model import ANY_WIKI
from assay.models.recipe import Recipe
from assay.models.training.recipes import recipes
from assay.models.training.recipes.reverted import of_wiki
from assay.models.training.sources import rows_of
from assay.models.training.train import Progress
from assay.models.training.wiki_history import WikiHistory

MODEL: Final = "reverted"
LEAST_REVERTED: Final = 100
"""Reverted edits in the history below which `anywiki` is the better choice."""
_WINDOW: Final = (
    "It learned pasts from the whole history that was downloaded; serving from the wiki's API counts at most "
    "499 earlier edits of a page and of an author, and what became of an author's edits on five pages."
)
ROUNDS: Final = 50
"""Trees on top of the base's."""


def anywiki() -> Base:
    """The shipped general model, on which own ones are grown."""
    return read_base(shipped_folder() / ANY_WIKI / MODEL)


def own_rows(history: WikiHistory, recipe: Recipe, work: Path, progress: Progress) -> Dataset:
    """Rows of the chosen edits. A parent whose own parent has a text would be one, too, but is no lot: those
    that were never reverted are parents more often."""
    rows = rows_of(recipe, {history.wiki: history.path}, work, progress)
    return rows.rows(np.isin(rows["rev_id"], history.choice.edits))


def own_recipe(history: WikiHistory, base: Base) -> Recipe:
    """As for a shipped model of such a wiki, but grown on `base` instead of learning from other wikis."""
    template = of_wiki(history.wiki, history.wiki)
    return replace(
        _grown(template, base, history.told),
        limits=(*template.limits, _WINDOW),
        command=f"assay train --wiki {history.window.api} --name {history.wiki}",
    )


def fitting(recipe: Recipe, rows: Dataset) -> tuple[Recipe, Base | None]:
    """What to make of `rows` that were not downloaded for the purpose, and what it is grown on.

    Rows of a single wiki, for which nothing is shipped, are too few to begin with nothing, whoever read
    them. Rows of others with them are learned from, as `recipe` says.
    """
    if recipe.name != MODEL or recipe.id in recipes() or set(rows["wiki"]) != {recipe.wiki}:
        return recipe, None
    base = anywiki()
    command = f"assay train {recipe.id} --wiki {recipe.wiki}=HISTORY"
    return replace(_grown(recipe, base, _told(recipe.wiki, rows)), command=command), base


def _grown(recipe: Recipe, base: Base, told: str) -> Recipe:
    """`told`: what is learned from."""
    inputs = f"{told}; grown on {base.id}"
    return replace(recipe, helper_weight=0.0, grown_on=base.digest, rounds=ROUNDS, inputs=inputs)


def _told(wiki: str, rows: Dataset) -> str:
    """For a card."""
    first, last = (
        datetime.fromtimestamp(int(at), UTC).date() for at in (min(rows["timestamp"]), max(rows["timestamp"]))
    )
    return (
        f"identity reverts in a history of {wiki}: {len(rows)} revisions from {first} to {last}, "
        f"{int((rows['label'] >= 0.5).sum())} reverted"
    )
