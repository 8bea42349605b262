"""Assay's own JSON under ``/api/``: what the pages need and ORES's shapes cannot say.

The contract (every answer is one JSON object; errors are ``{"error": {"code", "message", "retryable"}}``
with a status; `code` is stable, and asking again makes sense only when `retryable` is true)::

    GET /api/wikis
      {"wikis": [{"name": "enwiki", "models": [MODEL, …]}, …]}                      sorted by name
      MODEL: {"name": "damaging", "version": "1.0.0", "digest": "…", "labels": [true, false],
              "features": [{"name", "doc", "type": "bool|int|float"}, …]}           in the model's order

    GET /api/{wiki}/recent?limit=20                                                 limit 1–50, newest first
      {"wiki": "enwiki", "revisions": [123, 122, …]}

    GET /api/{wiki}/revisions/{id}
      {"wiki": "enwiki", "revision": REVISION, "diff": DIFF | null, "scores": {"damaging": CELL, …}}
      404 when the wiki has no such revision (`revision_not_found`), 503 or 504 when it cannot be had now.

    POST /api/{wiki}/revisions/{id}       what if: {"models": ["damaging"], "injection": {"feature.x": 3}}
      {"wiki": "enwiki", "scores": {"damaging": CELL}}      both keys optional; `models` defaults to all

    POST /api/{wiki}/text                 a text that is not saved: see `assay.serving.native.text`

    REVISION: {"id", "parent_id", "page": {"title", "namespace"}, "actor": {"name", "is_anonymous"},
               "timestamp": "2016-08-01T12:00:00Z", "comment", "size_bytes", "size_change_bytes": -12,
               "is_minor", "is_creation", "problems": [PROBLEM, …]}
      A value that the source does not tell, or that is hidden, is null; the reason for a hidden one stands
      in `problems` (`code` text_deleted, user_deleted, comment_deleted, parent_not_found, …). A text that is
      not saved has null for its id.

    DIFF: {"hunks": [{"old_start": 3, "new_start": 3, "lines": [LINE, …]}, …], "truncated": false,
           "added_lines", "removed_lines"}       null when either text cannot be had; [] when nothing changed
      LINE: {"kind": "equal" | "added" | "removed" | "changed", "parts": [{"kind", "text"}, …]}
      `parts` of a changed line are "equal", "added" or "removed" runs of words, in reading order: the old
      line is equal + removed, the new one equal + added. Other lines have one part of the line's own kind.
      Line numbers count from 1. Up to 3 equal lines stand around each change.

    CELL: {"prediction": true, "probability": {"true": 0.9, "false": 0.1},
           "features": [{"name", "value", "injected": false, "contributions": {"true": 0.31}}, …],
           "explanation": {"true": {"base": -2.1, "logit": 2.2}}}
      or  {"error": PROBLEM}
      `value` is null when missing. For each label, base plus all contributions is the logit of its
      probability (sigmoid for two classes, where only "true" is told; softmax for several).
    PROBLEM: {"code", "type", "message", "retryable"}
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from assay.clock import Deadline
from assay.errors import BadParameter
from assay.models.model import Model
from assay.revisions.problem import Problem
from assay.revisions.types import Revision
from assay.scoring.fetch import not_now
from assay.scoring.request import Injection
from assay.scoring.wikis import Wiki
from assay.serving import openapi
from assay.serving.backend import Backend
from assay.serving.json_body import read_object
from assay.serving.native.explained import cells_document, explained_revision
from assay.serving.native.fetched import FetchedRevisions
from assay.serving.native.routes import WIKI, add_route, document
from assay.serving.native.wishes import WISHES, read_wishes
from assay.serving.parameters import parse_limit, parse_rev_id, read_fields
from assay.serving.refusals import HttpError
from assay.serving.respond import json_response

MAX_RECENT: Final = 50
DEFAULT_RECENT: Final = 20


class NativeApi:
    """The handlers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._fetched = FetchedRevisions(backend.clock)

    def router(self) -> APIRouter:
        router = APIRouter(tags=["native"])
        limit = openapi.query_parameter(
            "limit", f"How many; {DEFAULT_RECENT} when not given.", openapi.whole_number(1, MAX_RECENT)
        )
        revision = "/api/{wiki}/revisions/{rev_id}"
        path = [WIKI, openapi.rev_id_path()]
        what_if = openapi.json_body("WhatIf")
        add_route(router, "GET", "/api/wikis", self.wikis, document("Wikis"), [])
        add_route(router, "GET", "/api/{wiki}/recent", self.recent, document("Recent"), [WIKI, limit])
        add_route(router, "GET", revision, self.revision, document("ExplainedRevision"), path)
        add_route(router, "POST", revision, self.what_if, document("WhatIfScores"), path, what_if)
        return router

    # -- handlers ------------------------------------------------------------------------------------

    async def wikis(self) -> Response:
        """All wikis with their models and what those read"""
        return json_response(
            {
                "wikis": [
                    {"name": wiki.name, "models": [_model_document(model) for model in wiki.models.values()]}
                    for wiki in self._backend.wikis.values()
                ]
            }
        )

    async def recent(self, request: Request) -> Response:
        """Ids of the latest edits, newest first"""
        wiki = self._backend.wiki(request)
        limit = parse_limit((await read_fields(request)).get("limit", str(DEFAULT_RECENT)), MAX_RECENT)
        deadline = self._backend.deadline()
        # the wiki is asked each time, so that it counts as one revision does
        async with self._backend.gate.hold(request, cost=1):
            found = await self._backend.service.recent(wiki, limit, deadline)
        return json_response({"wiki": wiki.name, "revisions": found})

    async def revision(self, request: Request) -> Response:
        """One edit: what it did, its scores, and what moved them"""
        wiki, deadline = self._backend.wiki(request), self._backend.deadline()
        async with self._backend.gate.hold(request, cost=1):
            revision = await self._fetch(wiki, request, deadline)
            explained = await explained_revision(
                self._backend.service, wiki, wiki.select(None), revision, {}, deadline
            )
        return json_response(explained)

    async def what_if(self, request: Request) -> Response:
        """Scores of an edit with some values replaced"""
        wiki, deadline = self._backend.wiki(request), self._backend.deadline()
        names, injection = await _what_if(request)
        models = wiki.select(names)
        async with self._backend.gate.hold(request, cost=1):
            revision = await self._fetch(wiki, request, deadline)
            cells = await self._backend.service.score_revision(
                wiki, models, revision, injection, deadline, told=False
            )
        return json_response({"wiki": wiki.name, "scores": cells_document(wiki, cells, injection)})

    # -- parts ---------------------------------------------------------------------------------------

    async def _fetch(self, wiki: Wiki, request: Request, deadline: Deadline) -> Revision:
        """Raises what the page can only say in place of everything else: not there, not to be had now."""
        rev_id = parse_rev_id("revid", request.path_params["rev_id"])
        if (known := self._fetched.get(wiki.name, rev_id)) is not None:
            return known
        fetched = await self._backend.service.fetch(wiki, [rev_id], deadline, pasts=True)
        found = fetched.found[rev_id]
        if isinstance(found, Problem):
            if found.retryable:
                raise not_now(found, deadline)
            raise HttpError(404, found.message, code=found.code)
        if rev_id not in fetched.short:  # else the page would show other scores than a program gets
            self._fetched.put(wiki.name, found)
        return found


async def _what_if(request: Request) -> tuple[tuple[str, ...] | None, Injection]:
    """Models (None: all) and injection. Raises `BadParameter`, `BadInjection`."""
    asked = await read_object(request)
    if set(asked) - set(WISHES):
        raise BadParameter("Could not interpret the body. Give an object with models, injection or both.")
    return read_wishes(asked)


def _model_document(model: Model) -> dict[str, Any]:
    features = [{"name": f.name, "doc": f.doc, "type": f.type} for f in model.features]
    return {
        "name": model.name,
        "version": model.version,
        "digest": model.digest,
        "labels": list(model.labels),
        "features": features,
    }
