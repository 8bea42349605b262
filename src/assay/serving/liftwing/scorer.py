"""Cells for the handlers of this folder: by the same gate, deadline, cache and engine as ORES's routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from assay.models.model import Model
from assay.revisions.problem import Problem
from assay.scoring.request import Cell, Scored, ScoreRequest
from assay.scoring.unsaved import Unsaved
from assay.scoring.wikis import Wiki, Wikis
from assay.serving.backend import Backend
from assay.serving.liftwing.refusals import refused
from assay.serving.liftwing.revision_data import UNSAVED_REV_ID


@dataclass(frozen=True, slots=True)
class Scorer:
    """`called`: the name here of a wiki that calls itself so in its events."""

    backend: Backend
    called: Callable[[str], str]

    @property
    def wikis(self) -> Wikis:
        return self.backend.wikis

    async def one(
        self,
        request: Request,
        wiki: Wiki,
        model: Model,
        subject: int | Unsaved,
        *,
        features: bool = False,
        explain: bool = False,
    ) -> tuple[int, Cell]:
        """The cell, and the id to answer with. Raises what the gate and the service raise."""
        if isinstance(subject, int):
            cells = await self.many(request, wiki, model, (subject,), features=features, explain=explain)
            return subject, cells[subject]
        deadline = self.backend.deadline()
        async with self.backend.gate.hold(request, cost=1):
            revision = await self.backend.service.unsaved(wiki, subject, deadline)
            row = await self.backend.service.score_revision(
                wiki, (model,), revision, {}, deadline, features=features, explain=explain
            )
        return UNSAVED_REV_ID, row[model.name]

    async def many(
        self,
        request: Request,
        wiki: Wiki,
        model: Model,
        rev_ids: Sequence[int],
        *,
        features: bool = False,
        explain: bool = False,
    ) -> Mapping[int, Cell]:
        """By id; `rev_ids` may name one twice."""
        asked = ScoreRequest(
            wiki.name, tuple(dict.fromkeys(rev_ids)), (model.name,), features=features, explain=explain
        )
        async with self.backend.gate.hold(request, cost=len(asked.rev_ids)):
            table = await self.backend.service.score(asked, self.backend.deadline())
        return {rev_id: row[model.name] for rev_id, row in table.items()}

    def headers(self, request: Request, cells: Iterable[Cell]) -> dict[str, str]:
        """Of an answer with these cells, one of each revision."""
        return self.backend.headers(request, [[cell] for cell in cells])


def scored(cell: Cell, rev_id: int) -> Scored:
    """Raises the cell's problem as Lift Wing's error."""
    if isinstance(cell, Problem):
        raise refused(cell, rev_id)
    return cell
