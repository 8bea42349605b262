"""What the models' parameters are worth when they are chosen without a look at the rows that are quoted.

The shipped parameters were found by trials on the very rows whose figures stand in the documentation. Here a
fixed list of variants is chosen from by other rows only, and the choice is then measured as usual:

* ``reverted`` of one wiki: a variant is judged on the latest 30 % of the *learned* rows, by the mean of the
  *other* wikis, and measured on the wiki's latest rows.
* ``anywiki/reverted``: for each wiki by the mean over the other wikis.
* ``enwiki/articlequality``: for each of the ten folds by the mean over the other nine.

Every row is scored by trees that never saw it.

The difference between the last two columns is what choosing on the quoted rows has flattered.
Extracted rows are kept in ``work/``; the whole takes an hour or more: ``python bench/nested_choice.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import lightgbm
import numpy as np

from assay.models.dataset import Dataset, Floats
from assay.models.metrics import roc_auc
from assay.models.model import ANY_WIKI
from assay.models.recipe import Recipe
from assay.models.recipes import recipes
from assay.models.sources import rows_of
from assay.models.splits import Part, by_time, parts, prepared
from assay.models.train import grow, grown, raw_outputs

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
WORK = Path("work")
Table = Mapping[str, Mapping[str, float]]
"""A figure by variant and by what was held out."""
SHIPPED: Final = "as shipped"


def main() -> int:
    if not DATA.exists():
        print(f"needs the real data in {DATA}, which is not beside this checkout", file=sys.stderr)
        return 1
    known = recipes()
    report_reverted([r for r in known.values() if r.name == "reverted" and r.wiki != ANY_WIKI])
    report_crossed("anywiki/reverted, ROC-AUC", known["anywiki/reverted"], trees(), area)
    report_crossed("enwiki/articlequality, accuracy", known["enwiki/articlequality"], quality(), accuracy)
    return 0


# -- variants ----------------------------------------------------------------------------------------


def trees() -> dict[str, dict[str, Any]]:
    """By name, what differs from the shipped recipe; None takes a parameter away."""
    return {
        SHIPPED: {},
        "7 leaves": {"num_leaves": 7},
        "31 leaves": {"num_leaves": 31},
        "best thresholds, not random ones": {"extra_trees": False},
        "no monotone constraints": {"monotone_constraints": None},
        "neither of the two": {"extra_trees": False, "monotone_constraints": None},
        "half the rounds": {"rounds": 200},
    }


def helped() -> dict[str, dict[str, Any]]:
    return {
        **trees(),
        "other wikis at 0.1": {"helper_weight": 0.1},
        "other wikis at 1.0": {"helper_weight": 1.0},
    }


def quality() -> dict[str, dict[str, Any]]:
    return {
        SHIPPED: {},
        "one seed": {"seeds": 1},
        "7 leaves": {"num_leaves": 7, "seeds": 1},
        "20 leaves": {"num_leaves": 20, "seeds": 1},
        "no smoothing": {"lambda_l2": 0.0, "path_smooth": 0.0, "seeds": 1},
    }


def varied(recipe: Recipe, change: Mapping[str, Any]) -> Recipe:
    fields = {name: value for name, value in change.items() if name in recipe.__dataclass_fields__}
    merged = {**recipe.params, **{name: value for name, value in change.items() if name not in fields}}
    params = {name: value for name, value in merged.items() if value is not None}
    return replace(recipe, params=params, **fields)


# -- measures ----------------------------------------------------------------------------------------


def area(data: Dataset, division: Part, recipe: Recipe) -> float:
    raw = raw_outputs(grow(data, division.train, recipe, recipe.rounds), data.x[division.held_out])
    found = roc_auc(data[recipe.truth or recipe.label][division.held_out] > 0, raw[:, 0])
    assert found is not None
    return found


def accuracy(data: Dataset, division: Part, recipe: Recipe) -> float:
    booster = lightgbm.Booster(model_str=grown(data, division.train, recipe, recipe.rounds))
    raw: Floats = raw_outputs(booster, data.x[division.held_out])
    return float(np.mean(raw.argmax(axis=1) == data[recipe.label][division.held_out]))


# -- reports -----------------------------------------------------------------------------------------


def report_reverted(all_recipes: list[Recipe]) -> None:
    """Choose by the latest part of what was learned from, measure on what was not."""
    rows = rows_of(all_recipes[0], DATA, WORK)
    inner: dict[str, dict[str, float]] = {}
    outer: dict[str, dict[str, float]] = {}
    for name, change in helped().items():
        inner[name], outer[name] = {}, {}
        for recipe in (varied(recipe, change) for recipe in all_recipes):
            data = prepared(rows, recipe)
            (division,) = parts(data, recipe.split, recipe.seed)
            outer[name][recipe.wiki] = area(data, division, recipe)
            learned = data.rows(division.train)
            inner[name][recipe.wiki] = area(learned, by_time(learned, 0.3, recipe.wiki), recipe)
            tell(name, recipe.wiki, inner[name][recipe.wiki], outer[name][recipe.wiki])
    report("reverted of one wiki, ROC-AUC", inner, outer)


def report_crossed(
    title: str,
    recipe: Recipe,
    variants: Mapping[str, Mapping[str, Any]],
    measure: Callable[[Dataset, Part, Recipe], float],
) -> None:
    """Choose for each part by all the other parts."""
    data = prepared(rows_of(recipe, DATA, WORK), recipe)
    figures: dict[str, dict[str, float]] = {}
    for name, change in variants.items():
        figures[name] = {}
        for division in parts(data, recipe.split, recipe.seed):
            figures[name][division.name] = measure(data, division, varied(recipe, change))
            tell(name, division.name, figures[name][division.name])
    report(title, figures, figures)


def report(title: str, judged: Table, measured: Table) -> None:
    """`judged`: what may be chosen by, of other held-out parts than the measured one."""
    held_out = list(judged[SHIPPED])
    print(f"\n{title}\n\n| variant | mean |\n| --- | --- |")
    for name, figures in measured.items():
        print(f"| {name} | {np.mean(list(figures.values())):.3f} |")
    print(
        "\n| held out | chosen by the others | figure of the choice | as shipped |\n| --- | --- | --- | --- |"
    )
    pairs = []
    for part in held_out:
        choice = max(judged, key=lambda name: np.mean([judged[name][p] for p in held_out if p != part]))
        pairs.append((measured[choice][part], measured[SHIPPED][part]))
        print(f"| {part} | {choice} | {pairs[-1][0]:.3f} | {pairs[-1][1]:.3f} |")
    chosen, shipped = np.mean(pairs, axis=0)
    print(f"| **mean** | | **{chosen:.3f}** | **{shipped:.3f}** |", flush=True)


def tell(*done: object) -> None:
    print(*(f"{d:.3f}" if isinstance(d, float) else d for d in done), file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
