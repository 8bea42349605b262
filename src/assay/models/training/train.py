"""From rows and a recipe to trees and held-out scores, the same bytes every time.

LightGBM is held to one thread, row-wise histograms and fixed seeds; columns are named by number, so
that the text names no feature twice and no character that LightGBM refuses. Its dump of parameters is
cut off: they stand in the manifest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import lightgbm
import numpy as np

from assay.errors import ConfigurationError
from assay.models.base_model import Base
from assay.models.calibrate import Calibration, fit_calibration, probabilities
from assay.models.dataset import Array, Dataset, Floats, Indices
from assay.models.recipe import Recipe, Split
from assay.models.training.joined import joined, stacked
from assay.models.training.splits import Part, by_folds, capped, parts, prepared, row_weights

Progress = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what is being done)."""

FIXED: Final[dict[str, Any]] = {
    "boosting": "gbdt",
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
"""LightGBM parameters that no recipe may change: bundles would no longer come out the same."""

_INNER: Final = Split("folds", folds=5, by="page")


def silent(_done: int, _total: int, _what: str) -> None:
    """No progress told."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Scores of rows by trees that never saw them.

    `rows`: indices into the prepared data set. `raw`, `probability`: [m, classes] and [m, labels].
    `part`: which division each row was held out in. `masked`: for each mask of the recipe, the
    probabilities of the same rows with those features missing.
    """

    rows: Indices
    part: Indices
    raw: Floats
    probability: Floats
    masked: tuple[Floats, ...]


@dataclass(frozen=True, eq=False)
class Trained:
    """What training gives: the shipped trees and what was measured on the way. `rounds`: as grown. `base`:
    what the trees were grown on."""

    recipe: Recipe
    data: Dataset
    trees: str
    calibration: Calibration
    held_out: HeldOut
    train_rows: Indices
    rounds: int
    base: Base | None = None


def train(dataset: Dataset, recipe: Recipe, progress: Progress = silent, base: Base | None = None) -> Trained:
    """Hold out, measure, calibrate, and grow the shipped trees. `base`: what the recipe's `grown_on` names.

    Raises `ConfigurationError` when rows, features or base do not fit the recipe.
    """
    _check_base(recipe, base)
    data = prepared(dataset, recipe)
    divisions = parts(data, recipe.split, recipe.seed)
    steps = len(divisions) + 1
    raws = []
    masked_raws = []
    all_rounds = []
    for number, division in enumerate(divisions):
        progress(number, steps, f"measuring on {division.name}")
        rounds = _rounds(data, division.train, recipe, base)
        booster = lightgbm.Booster(model_str=grown(data, division.train, recipe, rounds, base))
        all_rounds.append(rounds)
        held = data.x[division.held_out]
        raws.append(raw_outputs(booster, held))
        masked_raws.append(
            [raw_outputs(booster, masked(held, data.features, m.prefixes)) for m in recipe.masks]
        )
    progress(len(divisions), steps, "growing the shipped trees")
    held_out, calibration = _calibrated(data, recipe, divisions, raws, masked_raws)
    train_rows = np.arange(len(data)) if recipe.shipped == "all" else divisions[0].train
    rounds = int(np.median(all_rounds))
    trees = grown(data, train_rows, recipe, rounds, base)
    progress(steps, steps, "done")
    return Trained(recipe, data, trees, calibration, held_out, train_rows, rounds, base)


def grown(data: Dataset, rows: Indices, recipe: Recipe, rounds: int, base: Base | None = None) -> str:
    """The text that is shipped, and measured: the base's trees and those of every seed of the recipe."""
    texts = [tree_text(grow(data, rows, each, rounds, base)) for each in recipe.of_each_seed()]
    own = joined(texts, data.x[rows])
    return own if base is None else stacked(base.trees, own)


def grow(
    data: Dataset, rows: Indices, recipe: Recipe, rounds: int, base: Base | None = None
) -> lightgbm.Booster:
    """Boost `rounds` trees (per class) on the capped `rows` and their masked copies, with the first seed.

    They are to be added to those of `base`, which are not among them.
    """
    rows = capped(data, rows, recipe.rows_per_actor, recipe.seed)
    learned = _lightgbm_rows(*_training_arrays(data, rows, recipe), recipe, base)
    return lightgbm.train(parameters(recipe), learned, num_boost_round=rounds)


def parameters(recipe: Recipe) -> dict[str, Any]:
    """All LightGBM parameters. Raises `ConfigurationError` when a recipe sets one that is fixed."""
    if taken := sorted(set(recipe.params) & {*FIXED, "objective", "seed", "num_class"}):
        raise ConfigurationError(f"recipe {recipe.id} may not set {', '.join(taken)}: leave it out")
    objective: dict[str, Any] = (
        {"objective": "cross_entropy"}
        if recipe.kind == "binary"
        else {"objective": "multiclass", "num_class": len(recipe.labels)}
    )
    return {**recipe.params, **FIXED, **objective, "seed": recipe.seed}


def raw_outputs(booster: lightgbm.Booster, x: Floats) -> Floats:
    """Uncalibrated log-odds [n, classes]."""
    raw = np.asarray(booster.predict(x, raw_score=True, num_threads=1), dtype=np.float64)
    return raw.reshape(len(x), -1)


def tree_text(booster: lightgbm.Booster) -> str:
    """LightGBM's text of the trees, up to their end."""
    text: str = booster.model_to_string(num_iteration=-1)
    return text[: text.index("\nend of trees\n")] + "\nend of trees\n"


def masked(x: Floats, features: tuple[str, ...], prefixes: tuple[str, ...]) -> Floats:
    """A copy of `x` in which the features whose names begin with a prefix are missing."""
    hidden = [i for i, name in enumerate(features) if name.startswith(prefixes)]
    copy = x.copy()
    copy[:, hidden] = np.nan
    return copy


def _training_arrays(data: Dataset, rows: Indices, recipe: Recipe) -> tuple[Floats, Floats, Floats]:
    x, label = data.x[rows], data[recipe.label][rows].astype(np.float64)
    weight = row_weights(data, rows, recipe)
    if recipe.kind == "binary":
        weight = weight * (1.0 + (recipe.positive_weight - 1.0) * label)
    copies = [masked(x, data.features, mask.prefixes) for mask in recipe.masks]
    weights = [weight * mask.weight for mask in recipe.masks]
    return (
        np.concatenate([x, *copies]),
        np.concatenate([label] * (1 + len(copies))),
        np.concatenate([weight, *weights]),
    )


def _check_base(recipe: Recipe, base: Base | None) -> None:
    if recipe.grown_on != (None if base is None else base.digest):
        raise ConfigurationError(f"recipe {recipe.id} is grown on the bundle {recipe.grown_on}: give it")
    if base is not None and base.features != recipe.features:
        differing = sorted(set(base.features) ^ set(recipe.features)) or ["their order"]
        shown = ", ".join(differing[:3]) + ", …" * (len(differing) > 3)
        raise ConfigurationError(
            f"recipe {recipe.id} must read the same features as {base.id}, on which it is grown "
            f"(different: {shown}): train {base.id} anew first"
        )


def _lightgbm_rows(
    x: Floats, label: Floats, weight: Floats, recipe: Recipe, base: Base | None
) -> lightgbm.Dataset:
    return lightgbm.Dataset(
        x,
        label,
        weight=weight,
        init_score=None if base is None else base.raw(x)[:, 0],
        feature_name=[f"f{i}" for i in range(x.shape[1])],
        params=parameters(recipe),
    )


def _rounds(data: Dataset, rows: Indices, recipe: Recipe, base: Base | None) -> int:
    """How many trees: fixed, or by early stopping on some pages of the *training* rows."""
    if recipe.early_stopping_rounds is None:
        return recipe.rounds
    inner = by_folds(data.rows(rows), _INNER.folds, _INNER.by, recipe.seed)[0]
    learned, watched = (
        _lightgbm_rows(*_training_arrays(data, rows[side], recipe), recipe, base)
        for side in (inner.train, inner.held_out)
    )
    stop = lightgbm.early_stopping(recipe.early_stopping_rounds, verbose=False)
    booster = lightgbm.train(
        parameters(recipe), learned, num_boost_round=recipe.rounds, valid_sets=[watched], callbacks=[stop]
    )
    return int(booster.best_iteration or recipe.rounds)


def _calibrated(
    data: Dataset,
    recipe: Recipe,
    divisions: list[Part],
    raws: list[Floats],
    masked_raws: list[list[Floats]],
) -> tuple[HeldOut, Calibration]:
    """Probabilities of held-out rows, each calibrated on other rows; and the shipped calibration."""
    rows = np.concatenate([division.held_out for division in divisions])
    part = np.repeat(np.arange(len(divisions)), [len(division.held_out) for division in divisions])
    raw = np.concatenate(raws)
    others = part if len(divisions) > 1 else _halves(data, rows, recipe)
    fits = {
        number: _fit(data, recipe, rows[others != number], raw[others != number])
        for number in np.unique(others)
    }
    hidden = [np.concatenate([raw_masks[i] for raw_masks in masked_raws]) for i in range(len(recipe.masks))]
    held_out = HeldOut(
        rows,
        part,
        raw,
        _apply(fits, others, raw),
        tuple(_apply(fits, others, masked_raw) for masked_raw in hidden),
    )
    return held_out, _fit(data, recipe, rows, raw)


def _halves(data: Dataset, rows: Indices, recipe: Recipe) -> Indices:
    """0 or 1 for each of `rows`, whole pages together, so that calibration too is measured on other rows."""
    half = by_folds(data.rows(rows), 2, "page", recipe.seed)[0]
    numbers = np.zeros(len(rows), dtype=np.int64)
    numbers[half.held_out] = 1
    return numbers


def _fit(data: Dataset, recipe: Recipe, rows: Indices, raw: Floats) -> Calibration:
    if recipe.calibration == "none" or not len(rows):
        return Calibration.identity(raw.shape[1])
    return fit_calibration(raw, data[recipe.label][rows].astype(np.float64), data["weight"][rows])


def _apply(fits: dict[Any, Calibration], numbers: Indices, raw: Floats) -> Floats:
    labels = max(2, raw.shape[1])
    probability = np.empty((len(raw), labels))
    for number, calibration in fits.items():
        chosen: Array = numbers == number
        probability[chosen] = probabilities(calibration.logits(raw[chosen]))
    return probability
