"""What every handler that gives scores stands on: a service, the gate before it, and the time it may take."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from starlette.requests import Request

from assay.clock import Clock, Deadline
from assay.scoring.request import Cell
from assay.scoring.service import ScoringService
from assay.scoring.wikis import Wiki, Wikis
from assay.serving.quota import Gate
from assay.serving.score_headers import score_headers


@dataclass(frozen=True, slots=True)
class Backend:
    """`request_timeout_s`: seconds for one whole request."""

    service: ScoringService
    gate: Gate
    clock: Clock
    request_timeout_s: float

    @property
    def wikis(self) -> Wikis:
        return self.service.wikis

    def wiki(self, request: Request) -> Wiki:
        """The one that the path names. Raises `UnknownWiki`."""
        return self.wikis.named(request.path_params["wiki"])

    def deadline(self) -> Deadline:
        """Of a request that begins now."""
        return Deadline.after(self.request_timeout_s, self.clock)

    def headers(self, request: Request, rows: Iterable[Collection[Cell]]) -> dict[str, str]:
        """Of an answer with these cells, a row of each revision."""
        return score_headers(rows, tells_cost=self.gate.is_exempt(request))
