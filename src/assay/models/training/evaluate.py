"""How good a model is: on the rows that its training held out, or on any labelled rows.

The document is that of `assay.models.statistics.document`, and under ``assay`` also: each held-out part by
itself, rows with features masked, and for a model that learned from another's probabilities, how well they
agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, get_args

import numpy as np

from assay.errors import ConfigurationError
from assay.models.dataset import Array, Dataset, Floats, Indices
from assay.models.manifest import Manifest
from assay.models.model import Label, Model
from assay.models.recipe import Filter, Recipe
from assay.models.statistics.document import Scored, rounded, statistics
from assay.models.statistics.metrics import roc_auc, spearman, within_one
from assay.models.training.compare import comparison
from assay.models.training.splits import parts, usable
from assay.models.training.train import Trained
from assay.models.trees import TreeModel

_EXPLAINED_ROWS: Final = 200
"""Rows over which contributions are averaged: enough for an order of importance, 10 ms each at worst."""

_SEED: Final = 2016
"""Of the intervals of what no recipe measures."""


def measured(trained: Trained) -> dict[str, Any]:
    """Statistics of the held-out rows of a training."""
    recipe, held_out = trained.recipe, trained.held_out
    data = trained.data.rows(held_out.rows)
    scored = scored_rows(recipe.labels, data, held_out.probability, recipe.truth_column, recipe)
    document = statistics(scored, recipe.seed)
    names = [part.name for part in parts(trained.data, recipe.split, recipe.seed)]
    compared = comparison(trained)
    document["assay"] |= rounded(
        {
            "held_out": {"n": len(data), "how": how_held_out(recipe)},
            "parts": dict(_by_part(scored, names, held_out.part)),
            "masked": [
                {"prefixes": list(mask.prefixes), **_short(replace(scored, probability=probability))}
                for mask, probability in zip(recipe.masks, held_out.masked, strict=True)
            ],
            "teacher": _teacher(recipe, data, held_out.probability),
            **({} if compared is None else {"compared": compared.to_json()}),
        }
    )
    return document


def evaluate(
    model: Model, dataset: Dataset, *, truth: str = "label", which: str = "all rows of a data set"
) -> dict[str, Any]:
    """Statistics of `model` on all rows of `dataset`, whose `truth` column tells the right labels. `which`
    rows these are, for people.

    Only honest on rows that the model did not learn from. Raises `ConfigurationError` when the data set lacks
    a feature of the model.
    """
    data = dataset.select([feature.name for feature in model.features])
    data = data.rows(np.flatnonzero(~np.isnan(data[truth].astype(np.float64))))
    if not len(data):
        raise ConfigurationError(f"no row has a value in the column {truth!r}: name another one")
    scored = scored_rows(model.labels, data, predicted(model, data.x), truth, None)
    document = statistics(scored, _SEED)
    document["assay"]["held_out"] = {"n": len(data), "how": f"{which}, against {truth!r}"}
    return document


def left_out_by(manifest: Manifest) -> tuple[Filter, ...]:
    """What the training of a bundle left out, so that others may measure without it, too.

    Raises `ConfigurationError` when the bundle does not tell, or names what this Assay does not know.
    """
    recipe = manifest.training.get("recipe")
    told = recipe.get("leave_out", ()) if isinstance(recipe, Mapping) else None
    if not isinstance(told, Sequence) or any(each not in get_args(Filter) for each in told):
        raise ConfigurationError("the bundle does not tell which rows its training left out: measure on all")
    return tuple(told)


def chosen_rows(dataset: Dataset, leave_out: Sequence[Filter], since: datetime | None) -> tuple[Dataset, str]:
    """The rows to measure on, and which these are. `since`: none before; None: from the first on.

    Raises `ConfigurationError` when none is left.
    """
    chosen = usable(dataset, leave_out)
    which = "all rows of a data set"
    if leave_out:
        which = f"rows of a data set without {', '.join(leave_out).replace('_', ' ')}"
    if since is not None:
        chosen &= dataset["timestamp"] >= int(since.timestamp())
        which += f", since {since.date()}"
    if not chosen.any():
        raise ConfigurationError("no row of the data set is left: name an earlier day, or give later rows")
    return dataset.rows(np.flatnonzero(chosen)), which


def predicted(model: Model, x: Floats) -> Floats:
    """Probabilities [n, labels] of the rows of `x`, one by one as in serving."""
    scores = (model.score([None if np.isnan(value) else value for value in row]) for row in x.tolist())
    return np.array([[score.probability[label] for label in model.labels] for score in scores])


def scored_rows(
    labels: tuple[Label, ...], data: Dataset, probability: Floats, truth: str, recipe: Recipe | None
) -> Scored:
    """Rows with their right labels; for a binary model the truth is True from one half on."""
    column = data[truth].astype(np.float64)
    right: Indices = (column < 0.5).astype(np.int64) if labels == (True, False) else column.astype(np.int64)
    return Scored(
        labels,
        right,
        probability,
        _clusters(data),
        data["group"],
        recipe.population_rates if recipe else None,
    )


def importances(model: TreeModel, x: Floats) -> dict[str, float]:
    """Mean absolute SHAP contribution of each feature in log-odds over some rows, largest first."""
    step = max(1, len(x) // _EXPLAINED_ROWS)
    rows = x[::step][:_EXPLAINED_ROWS]
    shares = np.array([model.trees.contributions(row)[:, :-1] for row in rows.tolist()])
    mean = np.abs(shares * model.calibration.scale).mean(axis=(0, 1))
    order = np.argsort(-mean, kind="stable")
    return {model.features[i].name: round(float(mean[i]), 6) for i in order if mean[i] > 0}


def how_held_out(recipe: Recipe) -> str:
    """One sentence for cards."""
    split = recipe.split
    if split.kind == "time":
        others = " and on other wikis" if recipe.helper_weight else ""
        whose = split.wiki or "each wiki"
        rows = f"the latest {split.share:.0%} of {whose}'s rows"
        return f"{rows}, scored by trees grown on the earlier ones{others}"
    if split.kind == "wiki":
        return "each wiki in turn, scored by trees grown on the other wikis only"
    apart = split.by.replace("_", " ")
    return f"{split.folds} folds by {apart}, each scored by trees grown on the other folds"


def _clusters(data: Dataset) -> Array:
    """What is resampled together: pages, or single rows where pages are not known."""
    page = np.where(data["page"] == "", data["rev_id"].astype(np.str_), data["page"])
    clusters: Array = np.char.add(np.char.add(data["wiki"], "\t"), page)
    return clusters


def _by_part(scored: Scored, names: list[str], part: Indices) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, name in enumerate(names):
        if (part == number).any():
            yield name, _short(scored.rows(part == number))


def _short(scored: Scored) -> dict[str, Any]:
    """A few figures of one part."""
    labels = range(1 if len(scored.labels) == 2 else len(scored.labels))
    areas = [roc_auc(scored.truth == i, scored.probability[:, i]) for i in labels]
    known = [area for area in areas if area is not None]
    figures: dict[str, Any] = {
        "n": len(scored.truth),
        "roc_auc": sum(known) / len(known) if known else None,
        "accuracy": float((scored.prediction == scored.truth).mean()),
    }
    if len(scored.labels) > 2:
        figures["within_one_class"] = within_one(scored.truth, scored.prediction)
    return figures


def _teacher(recipe: Recipe, data: Dataset, probability: Floats) -> dict[str, Any] | None:
    """Agreement with the probabilities that were learned, and how well those themselves tell the truth."""
    if recipe.truth is None:
        return None
    taught = data[recipe.label].astype(np.float64)
    truth = data[recipe.truth].astype(np.float64) >= 0.5
    return {
        "spearman": spearman(probability[:, 0], taught),
        "mean_absolute_difference": float(np.abs(probability[:, 0] - taught).mean()),
        "teacher_roc_auc": roc_auc(truth, taught),
        "own_roc_auc": roc_auc(truth, probability[:, 0]),
    }
