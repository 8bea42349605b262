"""ORES's third API: by wiki, the models and, by revision and model, cells with score, features or error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from assay.models.model import Model
from assay.revisions.problem import Problem
from assay.scoring.request import Cell
from assay.serving.cells import bare_cell, cell_document
from assay.serving.ores.version import Answer, Version


def wikis(answers: Sequence[Answer]) -> dict[str, Any]:
    return {answer.wiki: _wiki(answer) for answer in answers}


def scores(answer: Answer) -> dict[str, Any]:
    return wikis([answer])


def _wiki(answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = {"models": answer.infos}
    if answer.table is not None:
        document["scores"] = {
            str(rev_id): {
                name: _cell(cells[model.name], model, error_codes=answer.error_codes)
                for name, model in answer.models.items()
            }
            for rev_id, cells in answer.table.items()
        }
    return document


def _cell(cell: Cell, model: Model, *, error_codes: bool) -> dict[str, Any]:
    """ORES's own acceptance test compares errors whole: nothing may be added unasked."""
    if isinstance(cell, Problem) and not error_codes:
        return bare_cell(cell)
    return cell_document(cell, model)


V3: Final = Version(
    name="v3",
    roots=("/v3/scores/",),
    paths=dict.fromkeys(("", "{wiki}/", "{wiki}/{rev_id}/", "{wiki}/{rev_id}/{model}/"), "Scores"),
    parameters=(
        "models",
        "revids",
        "features",
        "explain",
        "error_codes",
        "model_info",
        "inject",
        "precache",
        "format",
        "callback",
    ),
    default_info=("version",),
    wikis=wikis,
    scores=scores,
)
