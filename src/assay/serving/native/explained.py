"""What an edit did, its scores and what moved them, as JSON: ``CELL`` and ``DIFF`` of the contract in
`assay.serving.native.api`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from assay.clock import Deadline
from assay.models.model import Model
from assay.models.recipe import label_name
from assay.revisions.problem import Problem
from assay.revisions.types import Revision
from assay.scoring.request import Cell, Injection
from assay.scoring.service import ScoringService
from assay.scoring.wikis import Wiki
from assay.serving.cells import error_document, score_document
from assay.serving.native.linediff import diff
from assay.serving.native.revision import revision_document


async def explained_revision(
    service: ScoringService,
    wiki: Wiki,
    models: Sequence[Model],
    revision: Revision,
    injection: Injection,
    deadline: Deadline,
) -> dict[str, Any]:
    """What the edit did, its scores, and what moved them. Raises as `ScoringService.score_revision`."""
    cells, difference = await asyncio.gather(
        service.score_revision(wiki, models, revision, injection, deadline, told=False),
        asyncio.to_thread(diff_document, revision),
    )
    return {
        "wiki": wiki.name,
        "revision": revision_document(revision),
        "diff": difference,
        "scores": cells_document(wiki, cells, injection),
    }


def cells_document(wiki: Wiki, cells: Mapping[str, Cell], injection: Injection) -> dict[str, Any]:
    """By the models' names. `injection`: which values were given instead of computed."""
    return {name: _cell_document(cell, wiki.models[name], injection) for name, cell in cells.items()}


def _cell_document(cell: Cell, model: Model, injection: Injection) -> dict[str, Any]:
    if isinstance(cell, Problem):
        return {"error": error_document(cell)}
    explanation, values = cell.explanation, cell.features
    assert explanation is not None
    assert values is not None
    columns = {label_name(label): parts for label, parts in explanation.contributions.items()}
    return {
        **score_document(cell.score),
        "features": [
            {
                "name": feature.name,
                "value": values[feature.name],
                "injected": feature.name in injection,
                "contributions": {label: parts[index] for label, parts in columns.items()},
            }
            for index, feature in enumerate(model.features)
        ],
        "explanation": {
            label_name(label): {"base": base, "logit": base + sum(explanation.contributions[label])}
            for label, base in explanation.base.items()
        },
    }


def diff_document(revision: Revision) -> dict[str, Any] | None:
    """None when either text cannot be had. Takes its time: not for the event loop."""
    parent = revision.parent
    before = "" if parent is None else parent.text if isinstance(parent, Revision) else parent
    if not isinstance(before, str) or not isinstance(revision.text, str):
        return None
    return diff(before, revision.text).document()
