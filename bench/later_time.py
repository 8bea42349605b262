"""How well the revert models tell later edits: raw scores of the trees, wiki by wiki, with the mean.

Each recipe of one wiki learns from its earlier rows and the other wikis, as when it was shipped, and is
measured on the wiki's latest rows: before calibration, whose two halves, pooled, cost ROC-AUC where
reverts are few. *No pasts*: the same rows with the features of the recipe's mask missing, as on a live
wiki. Extracted rows are kept in ``work/``; extracting all nine histories takes minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from assay.models.dataset import Dataset, Floats
from assay.models.model import ANY_WIKI
from assay.models.recipe import Recipe
from assay.models.statistics.metrics import roc_auc
from assay.models.training.recipes import recipes
from assay.models.training.sources import rows_of
from assay.models.training.splits import parts, prepared
from assay.models.training.train import grow, masked, raw_outputs

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
WORK = Path("work")


def main() -> int:
    if not DATA.exists():
        print(f"needs the real data in {DATA}, which is not beside this checkout", file=sys.stderr)
        return 1
    print("| wiki | rows | ROC-AUC | no pasts |\n| --- | --- | --- | --- |")
    figures = []
    for recipe in recipes().values():
        if recipe.name == "reverted" and recipe.wiki != ANY_WIKI:
            rows, *areas = measured(rows_of(recipe, DATA, WORK), recipe)
            print(f"| {recipe.wiki} | {rows} | {' | '.join(f'{area:.3f}' for area in areas)} |", flush=True)
            figures.append(areas)
    print(f"| mean of {len(figures)} | | {' | '.join(f'{mean:.3f}' for mean in np.mean(figures, axis=0))} |")
    return 0


def measured(rows: Dataset, recipe: Recipe) -> tuple[int, float, float]:
    """Held-out rows, and the ROC-AUC of raw scores on them: as they are, and without the masked features."""
    data = prepared(rows, recipe)
    (division,) = parts(data, recipe.split, recipe.seed)
    booster = grow(data, division.train, recipe, recipe.rounds)
    held_out, truth = data.x[division.held_out], data[recipe.truth or recipe.label][division.held_out] > 0
    (mask,) = recipe.masks

    def area(x: Floats) -> float:
        found = roc_auc(truth, raw_outputs(booster, x)[:, 0])
        assert found is not None
        return found

    return len(truth), area(held_out), area(masked(held_out, data.features, mask.prefixes))


if __name__ == "__main__":
    raise SystemExit(main())
