"""An Assay that answers as the test says, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from aiohttp import web

from assay.events import Rules
from assay.precache.judge import NOT_FOUND
from servers.aiohttp_site import site

WIKI = "smallwiki"
RULES = Rules({WIKI: {"damaging": ("edit",)}})
_ERRORS: Mapping[Any, Any] = {
    "lag": {"type": "RevisionNotFound", "message": "Not yet.", "code": NOT_FOUND},
    "wiki_away": {"type": "RequestError", "message": "It does not answer.", "retryable": True},
}
SCORE = {"prediction": False, "probability": {"false": 0.9, "true": 0.1}}

Doing = int | Literal["drop", "hang", "garble", "truncate", "lag", "wiki_away"]
"""A status; or no answer: the connection is reset, nothing comes, 200 and no scores, half of an answer; or
200 and errors: the wiki does not know the revisions yet, or does not answer."""
Doings = Callable[[list[int]], Doing]
"""From the revisions of a request to what becomes of it."""


@asynccontextmanager
async def assay(doings: Doings) -> AsyncIterator[str]:
    async def models(request: web.Request) -> web.Response:
        return web.json_response({WIKI: {"models": {"damaging": {"version": "1"}}}})

    async def scores(request: web.Request) -> web.StreamResponse:
        rev_ids = [int(rev_id) for rev_id in str((await request.post())["revids"]).split("|")]
        return await _answer(request, doings(rev_ids), rev_ids)

    application = web.Application()
    application.router.add_get("/v3/scores/", models)
    application.router.add_post(f"/v3/scores/{WIKI}/", scores)
    async with site(application) as port:
        yield f"http://127.0.0.1:{port}"


async def _answer(request: web.Request, doing: Doing, rev_ids: list[int]) -> web.StreamResponse:
    assert request.transport is not None
    told: dict[int, Any] = {rev_id: {"damaging": {"score": SCORE}} for rev_id in rev_ids}
    answer = {WIKI: {"models": {"damaging": {"version": "1"}}, "scores": told}}
    if error := _ERRORS.get(doing):
        told.update({rev_id: {"damaging": {"error": error}} for rev_id in rev_ids})
    if doing == 200 or error:
        return web.json_response(answer)
    if isinstance(doing, int):
        return web.json_response({"error": {"code": "any", "message": "No scorer here."}}, status=doing)
    if doing == "drop":
        request.transport.abort()
    elif doing == "hang":
        await asyncio.Event().wait()
    elif doing == "truncate":
        half = web.StreamResponse(headers={"Content-Length": "1000"})
        await half.prepare(request)
        await half.write(b"{")
        request.transport.close()
        return half
    return web.Response(text="<html>")
