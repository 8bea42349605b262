"""ORES's precaching: an event of an edit is posted, and scored if a rule wants it.

Both answer 204 when no rule is for the event. Unlike ORES, whose ``precache`` freed a client from its limits,
an event counts as one revision asked for; its work gives way to requests that somebody waits for.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from assay.errors import BadParameter
from assay.events import Change, Rules, read_event
from assay.scoring.request import ScoreRequest
from assay.serving import openapi
from assay.serving.backend import Backend
from assay.serving.ores.model_info import ModelInfos
from assay.serving.ores.schemas import query_parameters
from assay.serving.ores.v2 import V2
from assay.serving.ores.v3 import V3
from assay.serving.ores.version import Answer, Version
from assay.serving.parameters import read_fields
from assay.serving.respond import NO_STORE, ores_response

_EVENT: Final = openapi.query_parameter(
    "event", "The event as JSON, percent-encoded.", {"type": "string", "minLength": 2}
)
_NO_CONTENT: Final[dict[int | str, dict[str, Any]]] = {204: {"description": "No rule is for this event."}}


class Precache:
    """The handlers."""

    def __init__(self, backend: Backend, infos: ModelInfos, rules: Rules) -> None:
        self._backend = backend
        self._infos = infos
        self._rules = rules

    def router(self) -> APIRouter:
        router = APIRouter(tags=["ORES precaching"])
        body = {"requestBody": openapi.json_body("Event"), "parameters": query_parameters("format")}
        form = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": _FORM}}}
        self._add(router, "/v3/precache/", self.v3, "POST", body, "Scores")
        self._add(router, "/v2/precache/", self.v2, "GET", {"parameters": [_EVENT]}, "ScoresV2")
        self._add(router, "/v2/precache/", self.v2, "POST", {"requestBody": form}, "ScoresV2")
        return router

    def _add(
        self, router: APIRouter, path: str, handler: Any, method: str, extra: dict[str, Any], schema: str
    ) -> None:
        router.add_api_route(
            path,
            handler,
            methods=[method],
            summary=handler.__doc__,
            operation_id=f"precache_{handler.__name__}_{method.lower()}",
            responses=openapi.responses(schema, 404, 415, 429, 503, 504) | _NO_CONTENT,
            openapi_extra=extra,
        )

    async def v3(self, request: Request) -> Response:
        """Score the edit that an event tells of; answered as v3"""
        event = await request.body()
        if not event.strip():
            raise BadParameter("Must provide a POST'ed json as an event")
        return await self._answer(V3, request, event, compact="format" in request.query_params)

    async def v2(self, request: Request) -> Response:
        """Score the edit that an event tells of; answered as v2"""
        fields = await read_fields(request)
        if "event" not in fields:
            raise BadParameter("Must provide an 'event' parameter")
        return await self._answer(V2, request, fields["event"], compact="format" in fields)

    async def _answer(
        self, version: Version, request: Request, event: bytes | str, *, compact: bool
    ) -> Response:
        change = _change(event)
        wanted = None if change is None else self._rules.wanted(change)
        if change is None or wanted is None:
            return Response(status_code=204, headers=NO_STORE)
        models = {model.name: model for model in self._backend.wikis.named(wanted.wiki).select(wanted.models)}
        asked = ScoreRequest(wiki=wanted.wiki, rev_ids=(change.rev_id,), models=wanted.models, bulk=True)
        async with self._backend.gate.hold(request, 1, bulk=True):
            table = await self._backend.service.score(asked, self._backend.deadline())
        infos = {name: self._infos.select(model, version.default_info) for name, model in models.items()}
        document = version.scores(Answer(wanted.wiki, models, infos, table))
        headers = self._backend.headers(request, [row.values() for row in table.values()])
        return ores_response(document, compact=compact, headers=headers)


def _change(text: bytes | str) -> Change | None:
    """None when it is no edit. Raises `BadParameter` as ORES did."""
    found = read_event(_parsed(text))
    return found if isinstance(found, Change) else None


def _parsed(text: bytes | str) -> Any:
    """ORES took a second layer of percent-encoding off, and some of its clients counted on that. Further ones
    are not taken off: a text could have thousands."""
    if isinstance(text, str) and text.lstrip().startswith("%"):
        text = unquote(text).strip()
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadParameter("Can not parse event argument as JSON blob") from None


_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"event": _EVENT["schema"]},
    "required": ["event"],
}
SCHEMAS: Final[dict[str, Any]] = {
    "Event": {
        "type": "object",
        "description": "One of Wikimedia's revision-create, page_change or recentchange events, or of "
        "MediaWiki's RCFeed, as it is.",
    },
}
