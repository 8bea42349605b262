"""Cells as JSON: in ORES's third shape with what we add (`code`, `retryable`, `explanation`), and bare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.models.model import Label, Model, Score
from assay.models.recipe import label_name
from assay.revisions.problem import Problem
from assay.scoring.request import Cell, Scored


def keyed(values: Mapping[Label, Any]) -> dict[str, Any]:
    return {label_name(label): value for label, value in values.items()}


def error_document(problem: Problem) -> dict[str, Any]:
    return {
        "type": problem.type,
        "message": problem.message,
        "code": problem.code,
        "retryable": problem.retryable,
    }


def score_document(score: Score) -> dict[str, Any]:
    return {"prediction": score.prediction, "probability": keyed(score.probability)}


def bare_cell(cell: Cell) -> dict[str, Any]:
    """As in ORES's first two APIs: the score with nothing around it, or ``{"error": {type, message}}``."""
    if isinstance(cell, Problem):
        return {"error": {"type": cell.type, "message": cell.message}}
    return score_document(cell.score)


def cell_document(cell: Cell, model: Model) -> dict[str, Any]:
    """``{"score": …}`` with features and explanation when they were asked for, or ``{"error": …}``."""
    if isinstance(cell, Problem):
        return {"error": error_document(cell)}
    document: dict[str, Any] = {"score": score_document(cell.score)}
    if cell.features is not None:
        document["features"] = dict(cell.features)
    if cell.explanation is not None:
        document["explanation"] = explanation_document(cell, model)
    return document


def explanation_document(cell: Scored, model: Model) -> dict[str, Any]:
    """By label: the base value and each feature's contribution, in log-odds; they sum to the logit."""
    if cell.explanation is None:
        return {}
    names = [feature.name for feature in model.features]
    contributions = cell.explanation.contributions
    return {
        label_name(label): {
            "base": base,
            "contributions": dict(zip(names, contributions[label], strict=True)),
        }
        for label, base in cell.explanation.base.items()
    }
