"""What the models' parameters are worth when they are chosen without a look at the rows that are quoted.

The shipped parameters were found by trials on the very rows whose figures stand in the documentation. Here a
fixed list of variants is chosen from by other rows only, and the choice is then measured as usual:

* ``reverted`` of one wiki: a variant is judged on the latest 30 % of the *learned* rows, by the mean of the
  *other* wikis, and measured on the wiki's latest rows.
* ``anywiki/reverted``: for each wiki by the mean over the other wikis.
* ``enwiki/articlequality``: for each of the ten folds by the mean accuracy over the other nine. Raw outputs,
  before calibration. Ratings of words are as in training, not learned anew inside each fold.

Every row is scored by trees that never saw it.

The difference between the last two columns is what choosing on the quoted rows has flattered.
Extracted rows, and every figure as soon as it is known, are kept in the folder of ``--work``: killed and run
again, it goes on where it was. The whole takes an hour or more, each part alone less::

    python bench/nested_choice.py --only enwiki/articlequality
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import lightgbm
import numpy as np
import orjson

from assay.cli.progress import Steps, stepping
from assay.models.dataset import Dataset
from assay.models.model import ANY_WIKI
from assay.models.recipe import Recipe
from assay.models.statistics.metrics import roc_auc, within_one
from assay.models.training.recipes import recipes
from assay.models.training.sources import rows_of
from assay.models.training.splits import Part, by_time, parts, prepared
from assay.models.training.train import grow, grown, raw_outputs

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
Figures = tuple[float, ...]
"""The first is what is chosen by."""
Table = Mapping[str, Mapping[str, Figures]]
"""By variant and by what was held out."""
Measure = Callable[[Dataset, Part, Recipe], Figures]
Variants = Mapping[str, Mapping[str, Any]]
"""By name, what differs from the shipped recipe; None takes a parameter away."""
SHIPPED: Final = "as shipped"
ONE_WIKI, ANY, QUALITY = "reverted", "anywiki/reverted", "enwiki/articlequality"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", action="append", choices=[ONE_WIKI, ANY, QUALITY], help="default: all three"
    )
    parser.add_argument("--work", type=Path, default=Path("work"), help="where rows and figures are kept")
    asked = parser.parse_args()
    if not DATA.exists():
        print(f"needs the real data in {DATA}, which is not beside this checkout", file=sys.stderr)
        return 1
    with stepping() as step:
        work = Work(asked.work, step)
        wanted = asked.only or [ONE_WIKI, ANY, QUALITY]
        if ONE_WIKI in wanted:
            report_reverted(work)
        if ANY in wanted:
            report_crossed(work, f"{ANY}, ROC-AUC", recipes()[ANY], trees(), area)
        if QUALITY in wanted:
            title = f"{QUALITY}, accuracy / within one class"
            report_crossed(work, title, recipes()[QUALITY], quality(), accuracy)
    return 0


class Work:
    """Rows and figures that are there already, in a folder."""

    def __init__(self, folder: Path, step: Steps) -> None:
        self._folder, self._step = folder, step
        self._path = folder / "nested_choice.json"
        known = orjson.loads(self._path.read_bytes()) if self._path.exists() else {}
        self._known: dict[str, Figures] = {key: tuple(figures) for key, figures in known.items()}

    def rows(self, recipe: Recipe) -> Dataset:
        """All rows of the recipe; extracted on first use."""
        return rows_of(recipe, DATA, self._folder, self._step)

    def measured(self, measure: Measure, data: Dataset, division: Part, recipe: Recipe) -> Figures:
        """Of trees that learned from one side, on the other; known or measured."""
        told = [measure.__name__, lightgbm.__version__, data.digest, recipe.digest, division.name]
        key = sha256("\n".join([*told, *map(str, division.held_out)]).encode()).hexdigest()
        if key not in self._known:
            self._known[key] = measure(data, division, recipe)
            part = self._path.with_suffix(".part")
            part.write_bytes(orjson.dumps(self._known))
            part.replace(self._path)
        return self._known[key]

    def tell(self, done: int, total: int, what: str) -> None:
        """How far a part has come."""
        self._step(done, total, what)


# -- variants ----------------------------------------------------------------------------------------


def trees() -> dict[str, dict[str, Any]]:
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
    """What is shipped averages several forests; other kinds are tried with one, which takes less time."""
    known = recipes()[QUALITY].features
    return {
        SHIPPED: {},
        "two forests": {"seeds": 2},
        "one forest": {"seeds": 1},
        "one forest, 15 leaves, 240 rounds": {"num_leaves": 15, "rounds": 240, "seeds": 1},
        "one forest, 7 leaves": {"num_leaves": 7, "seeds": 1},
        "one forest, no era": {"features": tuple(f for f in known if ".era." not in f), "seeds": 1},
        "one forest, no rating": {
            "features": tuple(f for f in known if ".article_rating" not in f),
            "seeds": 1,
        },
    }


def varied(recipe: Recipe, change: Mapping[str, Any]) -> Recipe:
    fields = {name: value for name, value in change.items() if name in recipe.__dataclass_fields__}
    merged = {**recipe.params, **{name: value for name, value in change.items() if name not in fields}}
    params = {name: value for name, value in merged.items() if value is not None}
    return replace(recipe, params=params, **fields)


# -- measures ----------------------------------------------------------------------------------------


def area(data: Dataset, division: Part, recipe: Recipe) -> Figures:
    raw = raw_outputs(grow(data, division.train, recipe, recipe.rounds), data.x[division.held_out])
    found = roc_auc(data[recipe.truth or recipe.label][division.held_out] > 0, raw[:, 0])
    assert found is not None
    return (found,)


def accuracy(data: Dataset, division: Part, recipe: Recipe) -> Figures:
    booster = lightgbm.Booster(model_str=grown(data, division.train, recipe, recipe.rounds))
    predicted = raw_outputs(booster, data.x[division.held_out]).argmax(axis=1)
    right = data[recipe.label][division.held_out].astype(np.int64)
    return float(np.mean(predicted == right)), within_one(right, predicted)


# -- reports -----------------------------------------------------------------------------------------


def report_reverted(work: Work) -> None:
    """Choose by the latest part of what was learned from, measure on what was not."""
    shipped = [known for known in recipes().values() if known.name == ONE_WIKI and known.wiki != ANY_WIKI]
    rows = work.rows(shipped[0])
    inner: dict[str, dict[str, Figures]] = {}
    outer: dict[str, dict[str, Figures]] = {}
    for number, (name, change) in enumerate(helped().items()):
        inner[name], outer[name] = {}, {}
        for count, recipe in enumerate(varied(recipe, change) for recipe in shipped):
            work.tell(number * len(shipped) + count, len(helped()) * len(shipped), f"{recipe.id}: {name}")
            data = prepared(rows, recipe)
            (division,) = parts(data, recipe.split, recipe.seed)
            outer[name][recipe.wiki] = work.measured(area, data, division, recipe)
            learned = data.rows(division.train)
            early = by_time(learned, 0.3, recipe.wiki)
            inner[name][recipe.wiki] = work.measured(area, learned, early, recipe)
    report("reverted of one wiki, ROC-AUC", inner, outer)


def report_crossed(work: Work, title: str, shipped: Recipe, variants: Variants, measure: Measure) -> None:
    """Choose for each part by all the other parts."""
    data = prepared(work.rows(shipped), shipped)
    divisions = parts(data, shipped.split, shipped.seed)
    figures: dict[str, dict[str, Figures]] = {name: {} for name in variants}
    for number, division in enumerate(divisions):
        for count, (name, change) in enumerate(variants.items()):
            done = number * len(variants) + count
            work.tell(done, len(variants) * len(divisions), f"{shipped.id}: {division.name}, {name}")
            recipe = varied(shipped, change)
            rows = data.select(recipe.features)
            figures[name][division.name] = work.measured(measure, rows, division, recipe)
    report(title, figures, figures)


def report(title: str, judged: Table, measured: Table) -> None:
    """`judged`: what may be chosen by, of other held-out parts than the measured one."""
    held_out = list(judged[SHIPPED])
    print(f"\n{title}\n\n| variant | mean |\n| --- | --- |")
    for name, figures in measured.items():
        print(f"| {name} | {told(list(figures.values()))} |")
    print(
        "\n| held out | chosen by the others | figure of the choice | as shipped |\n| --- | --- | --- | --- |"
    )
    chosen, shipped = [], []
    for part in held_out:
        choice = max(judged, key=lambda name: np.mean([judged[name][p][0] for p in held_out if p != part]))
        chosen.append(measured[choice][part])
        shipped.append(measured[SHIPPED][part])
        print(f"| {part} | {choice} | {told(chosen[-1:])} | {told(shipped[-1:])} |")
    print(f"| **mean** | | **{told(chosen)}** | **{told(shipped)}** |", flush=True)


def told(figures: Sequence[Figures]) -> str:
    """Their mean."""
    return " / ".join(f"{figure:.3f}" for figure in np.mean(figures, axis=0))


if __name__ == "__main__":
    raise SystemExit(main())
