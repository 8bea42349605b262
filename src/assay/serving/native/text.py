"""Scores of a text that is not saved yet: ``POST /api/{wiki}/text``.

::

    {"text": "…",
     "parent_rev_id": 123 | "parent_text": "…",      neither: the text would begin its page
     "title": "…",                                   needed unless parent_rev_id tells the page
     "comment": "…", "is_minor": false,
     "actor": {"name": "Ann" | "192.0.2.1", "is_anonymous", "id", "groups", "registered_at", "edit_count"},
     "models": ["damaging"], "injection": {"feature.x": 3}}

Only `text` is always needed. The answer is that of ``GET /api/{wiki}/revisions/{id}``, with null for the id.
What is not told is unknown, and features of it are missing. Nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from assay.errors import BadParameter
from assay.events.document import Document
from assay.revisions.record import is_ip
from assay.revisions.types import UNKNOWN, Actor, Known, anonymous_actor
from assay.scoring.unsaved import ParentText, Unsaved
from assay.serving import openapi
from assay.serving.backend import Backend
from assay.serving.json_body import read_object
from assay.serving.native.bodies import check_keys
from assay.serving.native.explained import explained_revision
from assay.serving.native.routes import WIKI, add_route, document
from assay.serving.native.wishes import WISHES, read_wishes
from assay.serving.respond import json_response

TEXT_KEYS: Final = ("text", "parent_rev_id", "parent_text", "title", "comment", "is_minor", "actor")
ACTOR_KEYS: Final = ("name", "is_anonymous", "id", "groups", "registered_at", "edit_count")


class TextApi:
    """The handler."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def router(self) -> APIRouter:
        router = APIRouter(tags=["native"])
        body = openapi.json_body("UnsavedText")
        add_route(router, "POST", "/api/{wiki}/text", self.text, document("ExplainedRevision"), [WIKI], body)
        return router

    async def text(self, request: Request) -> Response:
        """A text that is not saved yet: what it would change, its scores, and what moved them"""
        wiki = self._backend.wiki(request)
        deadline = self._backend.deadline()
        asked = await read_object(request)
        told, (names, injection) = read_unsaved(asked), read_wishes(asked)
        models = wiki.select(names)
        async with self._backend.gate.hold(request, cost=1):
            revision = await self._backend.service.unsaved(wiki, told, deadline)
            explained = await explained_revision(
                self._backend.service, wiki, models, revision, injection, deadline
            )
        return json_response(explained)


def read_unsaved(asked: Mapping[str, Any]) -> Unsaved:
    """Raises `BadParameter`."""
    check_keys(asked, (*TEXT_KEYS, *WISHES))
    fields = Document(asked)
    if fields.has("parent_rev_id") and fields.has("parent_text"):
        raise BadParameter("Give parent_rev_id or parent_text, not both.")
    if not fields.has("title") and not fields.has("parent_rev_id"):
        raise BadParameter("Give title, the page that the text is for, or parent_rev_id, which tells it.")
    parent: int | ParentText | None = None
    if fields.has("parent_rev_id"):
        parent = fields.rev_id("parent_rev_id")
    elif fields.has("parent_text"):
        parent = ParentText(fields.prose("parent_text"))
    return Unsaved(
        text=fields.prose("text"),
        parent=parent,
        title=fields.known_text("title"),
        comment=fields.known_prose("comment"),
        is_minor=fields.flag("is_minor"),
        actor=_actor(asked["actor"]) if fields.has("actor") else UNKNOWN,
    )


def _actor(asked: Any) -> Actor:
    fields = Document(asked, "actor")
    check_keys(asked, ACTOR_KEYS, "actor")
    name, is_anonymous = fields.known_text("name"), fields.flag("is_anonymous")
    if is_anonymous is UNKNOWN:
        if not isinstance(name, str):
            raise BadParameter("Could not interpret actor. Give its name, or is_anonymous.")
        is_anonymous = is_ip(name)
    if is_anonymous:
        return anonymous_actor(name)
    return Actor(
        name,
        is_anonymous=False,
        id=_account(fields),
        groups=fields.texts("groups"),
        registered_at=fields.known_moment("registered_at"),
        edit_count=fields.known_number("edit_count"),
    )


def _account(fields: Document) -> Known[int]:
    return fields.rev_id("id") if fields.has("id") else UNKNOWN
