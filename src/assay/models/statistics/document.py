"""A model's statistics document in ORES's shape, and beside it what ORES did not measure.

``counts, rates, match_rate … pr_auc`` and ``thresholds`` are as revscoring defined them
(``scoring/statistics/classification``), scaled to population rates where known, but computed exactly. What is
ours stands under ``assay``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from assay.models.actor_group import GROUP_NAMES
from assay.models.dataset import Array, Floats, Indices
from assay.models.model import Label
from assay.models.recipe import label_name
from assay.models.statistics.confusion import FIELDS, Confusion
from assay.models.statistics.metrics import (
    brier,
    calibration_bins,
    calibration_error,
    interval,
    pr_auc,
    roc_auc,
    within_one,
)
from assay.models.statistics.thresholds import table

DIGITS: Final = 6
"""Decimals kept in the document."""
HALF_UNIT: Final = 0.5 / 10**DIGITS
"""How far a kept number may lie from what it was, a threshold from the score that it was observed as."""
_AREAS: Final = ("roc_auc", "pr_auc")
_MIN_GROUP: Final = 20
"""A group with fewer rows is counted, not measured."""


@dataclass(frozen=True, eq=False)
class Scored:
    """Rows that were scored by a model that never saw them.

    `truth`: [n] indices into `labels`. `probability`: [n, labels]. `clusters`: [n] what is resampled
    together for intervals. `groups`: [n] actor groups (`assay.models.actor_group.GROUP_NAMES`).
    """

    labels: tuple[Label, ...]
    truth: Indices
    probability: Floats
    clusters: Array
    groups: Indices
    population_rates: Mapping[str, float] | None = None

    @property
    def prediction(self) -> Indices:
        """The likeliest label; at exactly one half, True."""
        likeliest: Indices = np.argmax(self.probability, axis=1)
        return likeliest

    def rate(self, label: int) -> float | None:
        """How frequent the label is in the population, if that is known."""
        return (
            None if self.population_rates is None else self.population_rates[label_name(self.labels[label])]
        )

    def rows(self, chosen: Array) -> Scored:
        return replace(
            self,
            truth=self.truth[chosen],
            probability=self.probability[chosen],
            clusters=self.clusters[chosen],
            groups=self.groups[chosen],
        )


def statistics(scored: Scored, seed: int) -> dict[str, Any]:
    """The whole document. `seed`: of the bootstrap."""
    names = [label_name(label) for label in scored.labels]
    confusions = [_confusion(scored, i) for i in range(len(names))]
    per_label = [confusion.statistics() for confusion in confusions]
    trues = [confusion.trues for confusion in confusions]
    areas = [_areas(scored, i) for i in range(len(names))]
    document: dict[str, Any] = {"counts": _counts(scored, names), "rates": _rates(scored, names)}
    for field in FIELDS:
        document[field] = _averaged([found[field] for found in per_label], trues, names)
    for field in _AREAS:
        document[field] = _averaged([found[field] for found in areas], trues, names)
    document["thresholds"] = {
        name: table(scored.truth == i, scored.probability[:, i], scored.rate(i))
        for i, name in enumerate(names)
    }
    document["assay"] = _beyond(scored, names, seed)
    rounded_document: dict[str, Any] = rounded(document)
    return rounded_document


def headline(document: Mapping[str, Any]) -> str:
    """The figures that one would ask for first, in one line."""
    ours = document["assay"]
    spans = ours["intervals_95"]
    told = [f"accuracy {ours['exact_accuracy']:.3f}"]
    if ours["within_one_class"] is not None:
        told.append(f"within one class {ours['within_one_class']:.3f}")
    area = document["roc_auc"]["macro"]
    if area is not None:
        span = f" ({spans['roc_auc'][0]:.3f} to {spans['roc_auc'][1]:.3f})" if spans["roc_auc"] else ""
        told.append(f"ROC-AUC {area:.3f}{span}")
    return f"{', '.join(told)} on {document['counts']['n']} rows it never saw"


def rounded(value: Any) -> Any:
    """A document with every float cut to `DIGITS` decimals."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def _confusion(scored: Scored, label: int) -> Confusion:
    truth, matched = scored.truth == label, scored.prediction == label
    counts = [
        int((a & b).sum())
        for a, b in ((truth, matched), (~truth, matched), (~truth, ~matched), (truth, ~matched))
    ]
    return Confusion(*counts).scaled(scored.rate(label))


def _areas(scored: Scored, label: int) -> dict[str, float | None]:
    truth, score = scored.truth == label, scored.probability[:, label]
    return {"roc_auc": roc_auc(truth, score), "pr_auc": pr_auc(truth, score, scored.rate(label))}


def _averaged(values: Sequence[float | None], trues: Sequence[float], names: Sequence[str]) -> dict[str, Any]:
    """ORES's averages: micro weighs labels by how frequent they are; None when any label is None."""
    known = [value for value in values if value is not None]
    complete = len(known) == len(values)
    micro = sum(v * t for v, t in zip(known, trues, strict=True)) / sum(trues) if complete else None
    macro = sum(known) / len(known) if complete else None
    return {"micro": micro, "macro": macro, "labels": dict(zip(names, values, strict=True))}


def _counts(scored: Scored, names: list[str]) -> dict[str, Any]:
    matrix = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(matrix, (scored.truth, scored.prediction), 1)
    return {
        "n": len(scored.truth),
        "labels": dict(zip(names, matrix.sum(axis=1).tolist(), strict=True)),
        "predictions": {
            name: dict(zip(names, row, strict=True)) for name, row in zip(names, matrix.tolist(), strict=True)
        },
    }


def _rates(scored: Scored, names: list[str]) -> dict[str, Any]:
    n = max(len(scored.truth), 1)
    rates: dict[str, Any] = {
        "sample": {name: int((scored.truth == i).sum()) / n for i, name in enumerate(names)}
    }
    if scored.population_rates is not None:
        rates["population"] = dict(scored.population_rates)
    return rates


def _beyond(scored: Scored, names: list[str], seed: int) -> dict[str, Any]:
    right = scored.prediction == scored.truth
    bins = {
        name: calibration_bins(scored.truth == i, scored.probability[:, i]) for i, name in enumerate(names)
    }
    return {
        "exact_accuracy": float(right.mean()),
        "within_one_class": within_one(scored.truth, scored.prediction) if len(names) > 2 else None,
        "intervals_95": _intervals(scored, seed),
        "brier": {name: brier(scored.truth == i, scored.probability[:, i]) for i, name in enumerate(names)},
        "calibration_error": {name: calibration_error(found) for name, found in bins.items()},
        "calibration": {
            name: [[part.n, part.mean_probability, part.observed] for part in found]
            for name, found in bins.items()
        },
        "groups": _groups(scored, seed),
    }


def _intervals(scored: Scored, seed: int) -> dict[str, Any]:
    """Of the accuracy, and of the first label's areas (binary: True; several classes: the mean of all)."""
    right = (scored.prediction == scored.truth).astype(float)
    near = (np.abs(scored.prediction - scored.truth) <= 1).astype(float)
    labels = range(1 if len(scored.labels) == 2 else len(scored.labels))

    def roc(weight: Floats) -> float | None:
        return _mean([roc_auc(scored.truth == i, scored.probability[:, i], weight) for i in labels])

    def pr(weight: Floats) -> float | None:
        return _mean(
            [pr_auc(scored.truth == i, scored.probability[:, i], scored.rate(i), weight) for i in labels]
        )

    found = {
        "accuracy": interval(lambda w: float((right * w).sum() / w.sum()), scored.clusters, seed),
        "roc_auc": interval(roc, scored.clusters, seed),
        "pr_auc": interval(pr, scored.clusters, seed),
    }
    if len(scored.labels) > 2:
        found["within_one_class"] = interval(
            lambda w: float((near * w).sum() / w.sum()), scored.clusters, seed
        )
    return found


def _groups(scored: Scored, seed: int) -> dict[str, Any]:
    """Figures for each kind of actor, of the first label; nothing when no row tells its actor."""
    if len(scored.labels) > 2:
        return {}
    return {
        name: _group(scored.rows(scored.groups == number), seed)
        for number, name in GROUP_NAMES.items()
        if (scored.groups == number).any()
    }


def _group(scored: Scored, seed: int) -> dict[str, Any]:
    truth, score = scored.truth == 0, scored.probability[:, 0]
    document: dict[str, Any] = {"n": len(truth), "trues": int(truth.sum())}
    if len(truth) < _MIN_GROUP:
        return document
    at_half = _confusion(replace(scored, population_rates=None), 0)
    return {
        **document,
        "observed_rate": float(truth.mean()),
        "mean_probability": float(score.mean()),
        "roc_auc": roc_auc(truth, score),
        "roc_auc_95": interval(lambda w: roc_auc(truth, score, w), scored.clusters, seed),
        "recall": at_half.statistics()["recall"],
        "fpr": at_half.statistics()["fpr"],
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) and known else None
