"""The latest edits with their scores, for lists that refresh themselves.

The contract::

    GET /api/{wiki}/feed?limit=25                                                   limit 1–50, newest first
      {"wiki": "enwiki", "is_complete": true, "edits": [EDIT, …]}
      EDIT: {"id": 123, "revision": REVISION | null, "scores": {"damaging": CELL, …}}
      REVISION as in `assay.serving.native.api`, and "is_bot": false | null
      CELL: {"prediction": true, "probability": {"true": 0.9, "false": 0.1}} or {"error": PROBLEM}
      `is_complete` is false while a score is late: ask again soon. `revision` is null when the wiki does not
      give it; the cells say why.

Answers have an ``ETag``; ``If-None-Match`` with it gets 304 while nothing is new. A request costs as many
revisions of the client's quota as `limit` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from assay.revisions.problem import Problem
from assay.scoring.request import Cell
from assay.serving import openapi
from assay.serving.backend import Backend
from assay.serving.cells import error_document, score_document
from assay.serving.feed import DEFAULT_EDITS, MAX_EDITS, Edit, Feed
from assay.serving.native.routes import WIKI, add_route, document
from assay.serving.native.schemas import SCHEMAS as NATIVE
from assay.serving.openapi import (
    BOOLEAN,
    INTEGER,
    LABEL,
    NUMBER,
    STRING,
    list_of,
    map_of,
    nullable,
    object_of,
    ref,
)
from assay.serving.parameters import parse_limit, read_fields
from assay.serving.respond import json_response, unless_known

SCHEMAS: Final[dict[str, Any]] = {
    "PlainCell": object_of({"prediction": LABEL, "probability": map_of(NUMBER)}),
    "FeedRevision": object_of(
        {
            **NATIVE["Revision"]["properties"],
            "is_bot": nullable(BOOLEAN),
        }
    ),
    "Edit": object_of(
        {
            "id": INTEGER,
            "revision": nullable(ref("FeedRevision")),
            "scores": map_of({"anyOf": [ref("PlainCell"), ref("CellError")]}),
        }
    ),
    "Feed": object_of({"wiki": STRING, "is_complete": BOOLEAN, "edits": list_of(ref("Edit"))}),
}


class FeedApi:
    """The handler."""

    def __init__(self, backend: Backend, feed: Feed) -> None:
        self._backend = backend
        self._feed = feed

    def router(self) -> APIRouter:
        router = APIRouter(tags=["native"])
        limit = openapi.query_parameter(
            "limit", f"How many; {DEFAULT_EDITS} when not given.", openapi.whole_number(1, MAX_EDITS)
        )
        add_route(router, "GET", "/api/{wiki}/feed", self.feed, document("Feed"), [WIKI, limit])
        return router

    async def feed(self, request: Request) -> Response:
        """The latest edits with their scores, newest first"""
        wiki = self._backend.wiki(request)
        limit = parse_limit((await read_fields(request)).get("limit", str(DEFAULT_EDITS)), MAX_EDITS)
        deadline = self._backend.deadline()
        async with self._backend.gate.hold(request, cost=limit):
            edits = await self._feed.latest(wiki, limit, deadline)
        return unless_known(json_response(feed_document(wiki.name, edits)), request)


def feed_document(wiki: str, edits: Sequence[Edit]) -> dict[str, Any]:
    return {
        "wiki": wiki,
        "is_complete": all(edit.is_complete for edit in edits),
        "edits": [
            {"id": edit.id, "revision": edit.revision, "scores": scores_document(edit.cells)}
            for edit in edits
        ],
    }


def scores_document(cells: Mapping[str, Cell]) -> dict[str, Any]:
    """``CELL``s by model."""
    return {
        name: {"error": error_document(cell)} if isinstance(cell, Problem) else score_document(cell.score)
        for name, cell in cells.items()
    }
