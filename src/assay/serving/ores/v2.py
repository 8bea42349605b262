"""ORES's second API: by wiki and model, with the model's version and features beside the scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from assay.scoring.request import Scored
from assay.serving.cells import bare_cell
from assay.serving.ores.version import Answer, Version


def wikis(answers: Sequence[Answer]) -> dict[str, Any]:
    return {"scores": {answer.wiki: _models(answer) for answer in answers}}


def scores(answer: Answer) -> dict[str, Any]:
    return wikis([answer])


def _models(answer: Answer) -> dict[str, Any]:
    return {name: _model(answer, name) for name in answer.models}


def _model(answer: Answer, name: str) -> dict[str, Any]:
    """``features`` only where there are some: a revision without a score has none."""
    model = answer.models[name]
    document: dict[str, Any] = {"version": model.version}
    if answer.infos[name]:
        document["info"] = answer.infos[name]
    if answer.table is None:
        return document
    cells = {str(rev_id): row[model.name] for rev_id, row in answer.table.items()}
    document["scores"] = {rev_id: bare_cell(cell) for rev_id, cell in cells.items()}
    features = {
        rev_id: dict(cell.features)
        for rev_id, cell in cells.items()
        if isinstance(cell, Scored) and cell.features is not None
    }
    return document | ({"features": features} if features else {})


V2: Final = Version(
    name="v2",
    roots=("/v2/scores/",),
    paths=dict.fromkeys(("", "{wiki}/", "{wiki}/{model}/", "{wiki}/{model}/{rev_id}/"), "ScoresV2"),
    parameters=("models", "revids", "features", "model_info", "inject", "precache", "format", "callback"),
    default_info=(),
    wikis=wikis,
    scores=scores,
)
