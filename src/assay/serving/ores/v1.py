"""ORES's first API: scores alone, by revision and model. Its paths also stand without the version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from assay.serving.cells import bare_cell
from assay.serving.ores.version import Answer, Version


def wikis(answers: Sequence[Answer]) -> dict[str, Any]:
    return {"contexts": sorted(answer.wiki for answer in answers)}


def scores(answer: Answer) -> dict[str, Any]:
    """By revision, then by model unless the path names one; without revisions what is known of the models."""
    if answer.table is None:
        return {"models": answer.infos} if answer.only is None else dict(answer.infos[answer.only])
    rows = {
        str(rev_id): {name: bare_cell(cells[model.name]) for name, model in answer.models.items()}
        for rev_id, cells in answer.table.items()
    }
    return rows if answer.only is None else {rev_id: row[answer.only] for rev_id, row in rows.items()}


V1: Final = Version(
    name="v1",
    roots=("/scores/", "/v1/scores/"),
    paths={
        "": "WikisV1",
        "{wiki}/": "ScoresV1",
        "{wiki}/{model}/": "ModelScoresV1",
        "{wiki}/{model}/{rev_id}/": "ModelScoresV1",
    },
    parameters=("models", "revids", "inject", "precache", "format", "callback"),
    default_info=("",),
    wikis=wikis,
    scores=scores,
)
