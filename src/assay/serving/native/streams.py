"""Scores of many revisions in one answer, line by line: ``POST /api/{wiki}/scores``.

The contract: the body is ``{"revisions": [1, 2, …], "models": […], "features": false, "explain": false,
"order": "done"}``; all but `revisions` may be left out. The answer is JSON lines (``application/x-ndjson``)::

    {"wiki": "enwiki", "models": {"damaging": {"version": "1.0.0", "digest": "…"}}, "revisions": 5000}
    {"revision": 2, "scores": {"damaging": CELL}}
    {"pause": {"code": "too_many_requests", "message": "…", "retryable": true}, "retry_s": 3}
    {"revision": 1, "scores": {"damaging": CELL}}
    {"done": true, "scored": 4990, "failed": 10}

CELL is that of ``/v3/scores/``: ``{"score": {…}}`` or ``{"error": PROBLEM}``. `failed` counts revisions
with at least one error. With ``"order": "asked"`` revisions come as asked, else as they are done. An answer
without a last line was cut off. A stream that ends early says so, and what to ask for again::

    {"done": false, "error": {"code", "message", "retryable"}, "scored": 3, "failed": 0, "remaining": [7, 8]}

How the work is done: `assay.serving.native.stream`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    aclosing,
    contextmanager,
    nullcontext,
)
from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from assay.serving import openapi
from assay.serving.backend import Backend
from assay.serving.json_body import read_object
from assay.serving.native import bodies
from assay.serving.native.routes import WIKI, add_route, lines
from assay.serving.native.stream import Asked, Line, Stream
from assay.serving.native.wishes import read_wishes
from assay.serving.options import StreamOptions
from assay.serving.quota import QuotaSpent
from assay.serving.respond import NO_STORE

ORDERS: Final = ("done", "asked")
_KEYS: Final = ("revisions", "models", "features", "explain", "order")


class ScoreStreams:
    """The handler."""

    def __init__(self, backend: Backend, options: StreamOptions, draining: asyncio.Event) -> None:
        self._backend = backend
        self._options = options
        self._draining = draining
        self._open: Counter[str] = Counter()

    def router(self) -> APIRouter:
        router = APIRouter(tags=["native"])
        body = {**openapi.json_body("ManyRevisions"), "required": True}
        add_route(router, "POST", "/api/{wiki}/scores", self.stream_scores, lines("ScoreLine"), [WIKI], body)
        return router

    async def stream_scores(self, request: Request) -> Response:
        """Scores of many revisions as JSON lines"""
        wiki = self._backend.wiki(request)
        body = await read_object(request)
        bodies.check_keys(body, _KEYS)
        names, _ = read_wishes(body)
        models = wiki.select(names)
        asked = Asked(
            wiki.name,
            {model.name: model for model in models},
            bodies.revisions(body, self._options.max_revisions),
            features=bodies.flag(body, "features"),
            explain=bodies.flag(body, "explain"),
            in_order=bodies.choice(body, "order", ORDERS) == "asked",
        )

        def admit(cost: int) -> AbstractAsyncContextManager[None]:
            return self._backend.gate.hold(request, cost, bulk=True)

        stream = Stream(
            asked, self._backend.service.score, admit, self._options, self._backend.clock, self._draining
        )
        return LinesResponse(stream.parts(), self._place(request))

    def _place(self, request: Request) -> AbstractContextManager[None]:
        """Taken now, given back by the response. Raises `QuotaSpent`."""
        client, most = self._backend.gate.limited(request, bulk=True), self._options.per_client
        if client is None:
            return nullcontext()
        if self._open[client] >= most:
            raise QuotaSpent(f"{most} streams at once are allowed for each client: end one, or wait.", 5)
        self._open[client] += 1
        return self._given_back(client)

    @contextmanager
    def _given_back(self, client: str) -> Iterator[None]:
        try:
            yield
        finally:
            self._open[client] -= 1
            self._open += Counter()  # forgets those who have none left


class LinesResponse(StreamingResponse):
    """JSON lines as they come; when the client goes away their maker is told at once."""

    media_type = "application/x-ndjson"

    def __init__(self, parts: AsyncGenerator[list[Line]], place: AbstractContextManager[None]) -> None:
        super().__init__(_encoded(parts), headers={**NO_STORE, "X-Accel-Buffering": "no"})
        self._parts = parts
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._parts):
            await super().stream_response(send)


async def _encoded(parts: AsyncIterator[list[Line]]) -> AsyncIterator[bytes]:
    option = orjson.OPT_APPEND_NEWLINE
    async for part in parts:
        if part:
            yield b"".join(orjson.dumps(line, option=option) for line in part)
