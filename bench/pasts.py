"""What the pasts of pages and actors are worth to the revert models, and what a live wiki's window costs.

Each recipe of one wiki learns from its earlier rows and the other wikis, as when it was shipped, and is
measured on the wiki's latest rows three times: with pasts from the whole history, as it was trained; with
what `assay.revisions.wiki.window` makes of the latest edits, as a live wiki tells them; and without any. Raw
scores, before calibration. *Differ*: rows for which the window gives another value than the history.
*Queries*: for one edit asked alone, its page, its actor and the actor's pages. Extracted rows are kept in
``work/``.
"""

from __future__ import annotations

import sqlite3
import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from assay.features.graph.plan import Plan
from assay.models.dataset import Dataset, Floats, Indices
from assay.models.model import ANY_WIKI
from assay.models.recipe import Recipe
from assay.models.statistics.metrics import roc_auc
from assay.models.training.examples import article
from assay.models.training.make import recipe_features
from assay.models.training.recipes import recipes
from assay.models.training.recipes.reverted import PASTS
from assay.models.training.sources import history_files, rows_of
from assay.models.training.splits import parts, prepared
from assay.models.training.train import grow, masked, raw_outputs
from assay.revisions.index.file import index_path
from assay.revisions.labels import Edit
from assay.revisions.past import NOBODY
from assay.revisions.types import UNKNOWN, ActorHistory, Known, PageHistory, Revision
from assay.revisions.wiki import window
from assay.revisions.wiki.window import Contribution

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
WORK = Path("work")
_ROWS = """
SELECT r.rev_id, r.timestamp, a.name, r.sha1, r.page FROM revisions r LEFT JOIN actors a ON a.actor = r.actor
ORDER BY r.timestamp, r.position
"""


@dataclass(frozen=True, slots=True)
class Placed:
    """An edit, and how many edits of its page and of its actor came before it."""

    edit: Edit
    page: int
    on_page: int
    by_actor: int


class History:
    """All edits of an indexed history by page and by actor, in the order of time."""

    def __init__(self, index: Path) -> None:
        self.pages: dict[int, list[Edit]] = defaultdict(list)
        self.actors: dict[str, list[Contribution]] = defaultdict(list)
        self.placed: dict[int, Placed] = {}
        connection = sqlite3.connect(index)
        for rev_id, timestamp, name, sha1, page in connection.execute(_ROWS):
            edit = Edit(rev_id, timestamp, name, sha1)
            by_actor = len(self.actors[name]) if name else 0
            self.placed[rev_id] = Placed(edit, page, len(self.pages[page]), by_actor)
            self.pages[page].append(edit)
            if name:
                self.actors[name].append(Contribution(rev_id, timestamp, page))
        connection.close()
        self.fates = lru_cache(100_000)(self._fates)

    def pasts(self, rev_id: int) -> tuple[PageHistory, Known[ActorHistory], int]:
        """As a live wiki would tell them, and how many queries that takes."""
        at = self.placed[rev_id]
        on_page = self.pages[at.page][: at.on_page]
        created_at_s = self.pages[at.page][0].timestamp_s
        page = window.page_history(on_page, at.edit, created_at_s)
        queries = 2 + (len(on_page) > window.PAGE_EDITS) + (at.by_actor > window.ACTOR_EDITS)
        if at.edit.user in (None, NOBODY):
            return page, UNKNOWN, queries - 1
        before = self.actors[at.edit.user or ""][: at.by_actor]
        latest = window.latest_pages(before)
        known = {
            rev: fate
            for it in latest
            for rev, fate in self.fates(it, self._count_until(it, at.edit.timestamp_s)).items()
        }
        edit = Contribution(rev_id, at.edit.timestamp_s, at.page)
        first_s = before[0].timestamp_s if before else None
        actor = window.actor_history(before, edit, known, first_s)
        return page, actor, queries + len(set(latest) - {at.page})

    def _count_until(self, page: int, second: int) -> int:
        return bisect_left(self.pages[page], second + 1, key=lambda edit: edit.timestamp_s)

    def _fates(self, page: int, count: int) -> dict[int, window.Fate]:
        return window.fates(self.pages[page][max(0, count - window.PAGE_EDITS - 1) : count])


def main() -> int:
    if not DATA.exists():
        print(f"needs the real data in {DATA}, which is not beside this checkout", file=sys.stderr)
        return 1
    print("| wiki | rows | whole history | window | none | differ | queries, mean | most |\n|" + " --- |" * 8)
    figures = []
    for recipe in recipes().values():
        if recipe.name == "reverted" and recipe.wiki != ANY_WIKI:
            rows, areas, differ, queries = measured(rows_of(recipe, DATA, WORK), recipe)
            told = " | ".join(f"{area:.3f}" for area in areas)
            costs = f"{queries.mean():.1f} | {queries.max()}"
            print(f"| {recipe.wiki} | {rows} | {told} | {differ:.1%} | {costs} |", flush=True)
            figures.append(areas)
    means = " | ".join(f"{mean:.3f}" for mean in np.mean(figures, axis=0))
    print(f"| mean of {len(figures)} | | {means} | | | |")
    return 0


def measured(rows: Dataset, recipe: Recipe) -> tuple[int, list[float], float, Indices]:
    """Held-out rows, ROC-AUC with each kind of past, the share of rows that differ, queries of each row."""
    data = prepared(rows, recipe)
    (division,) = parts(data, recipe.split, recipe.seed)
    booster = grow(data, division.train, recipe, recipe.rounds)
    held_out = data.rows(division.held_out)
    windowed, queries = in_window(held_out, recipe)
    truth = held_out[recipe.label] > 0

    def area(x: Floats) -> float:
        found = roc_auc(truth, raw_outputs(booster, x)[:, 0])
        assert found is not None
        return found

    differ = (~np.isclose(windowed, held_out.x, equal_nan=True)).any(axis=1).mean()
    areas = [area(x) for x in (held_out.x, windowed, masked(held_out.x, data.features, PASTS))]
    return len(truth), areas, float(differ), queries


def in_window(held_out: Dataset, recipe: Recipe) -> tuple[Floats, Indices]:
    """The rows with the features of the pasts computed anew, and how many queries each would have taken."""
    columns = [feature for feature in recipe_features(recipe) if feature.name.startswith(PASTS)]
    at = [held_out.features.index(feature.name) for feature in columns]
    plan, x = Plan(columns), held_out.x.copy()
    ((_, path),) = history_files(recipe.wiki, DATA)
    history = History(index_path(path, WORK / "index"))
    queries = np.zeros(len(x), dtype=np.int64)
    for i, (rev_id, second) in enumerate(zip(held_out["rev_id"], held_out["timestamp"], strict=True)):
        page, actor, queries[i] = history.pasts(int(rev_id))
        row = plan.run(_bare(int(rev_id), int(second), page, actor), {}).row(columns)
        assert isinstance(row, Sequence)
        x[i, at] = [np.nan if value is None else float(value) for value in row]
    return x, queries


def _bare(rev_id: int, second: int, page: PageHistory, actor: Known[ActorHistory]) -> Revision:
    moment = datetime.fromtimestamp(second, UTC)
    return replace(article(rev_id, ""), timestamp=moment, page_history=page, actor_history=actor)


if __name__ == "__main__":
    raise SystemExit(main())
