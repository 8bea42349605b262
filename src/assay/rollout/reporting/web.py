"""The page of rollouts, and the verdict for other controllers of traffic: an own process that only reads.

It takes no lock and writes nothing, so it can be started, stopped and broken at any time; the controller and
serving know nothing of it. It works without any other host: no fonts, scripts or images from elsewhere, and a
content security policy that forbids them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import structlog
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from assay.clock import Clock, SystemClock
from assay.errors import JournalError, cannot_listen
from assay.page.headers import PAGE_HEADERS
from assay.rollout.journal import Entry
from assay.rollout.reporting.access import Access
from assay.rollout.reporting.gate import (
    MAX_BODY_BYTES,
    MAX_NAME,
    Gate,
    Hook,
    HookRefused,
    ask,
    read_age,
    read_call,
    read_release,
    status,
)
from assay.rollout.reporting.journal_reader import JournalReader, Reading
from assay.rollout.reporting.pages import Pages, headline
from assay.rollout.reporting.story import Story
from assay.rollout.reporting.view import document

BODY_LIMIT_S: Final = 10.0
_MAX_ENTRY: Final = 10**12
_MAX_CONNECTIONS: Final = 100
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_CODES: Final = {400: "bad request", 401: "unauthorized", 403: "forbidden", 404: "not found"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PageOptions:
    """A page of rollouts."""

    state_dir: str = "assay-rollout"
    """Folder of the journal that the controller writes."""
    host: str = "127.0.0.1"
    """Address to listen on. Any but loopback's needs `token_file`."""
    port: int = 8090
    """Port to listen on."""
    token_file: str = ""
    """File with the token that every request must show, at least 16 characters. Empty: no token, and only
    this machine may ask."""
    max_age_s: float = 120.0
    """Seconds after which a verdict is too old to let a release have more traffic. A controller judges every
    few seconds; one that has not for two minutes is dead or cut off."""
    version: str = ""
    """Of Assay, for the foot of the page; empty: not shown."""


def build_page(options: PageOptions, clock: Clock | None = None) -> FastAPI:
    """The application. Raises `ConfigurationError` when it would be open to strangers, or its token cannot be
    used."""
    page = _Page(options, Access.of(options.host, options.token_file), clock or SystemClock())
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(_routes(page))
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(HookRefused, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(Exception, _refused)
    return app


def run_page(options: PageOptions, announce: Callable[[str], None] | None = None) -> None:
    """Serve the page until TERM or INT; `announce` is told its address once it listens. Raises
    `ConfigurationError` as `build_page` does, and when the address cannot be listened on."""
    app = build_page(options)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listener = socket.create_server((options.host, options.port), family=family)
    except OSError as error:
        raise cannot_listen(error, options.host, options.port) from None
    port = listener.getsockname()[1]
    host = f"[{options.host}]" if family is socket.AF_INET6 else options.host
    if announce:
        announce(f"http://{host}:{port}/")
    log.info("page of rollouts", host=options.host, port=port, journal=options.state_dir)
    config = uvicorn.Config(
        app,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=[listener])


class _Page:
    """What the routes share."""

    def __init__(self, options: PageOptions, access: Access, clock: Clock) -> None:
        self.options, self.access, self.clock = options, access, clock
        self.pages = Pages(options.version)
        self._journal = JournalReader(Path(options.state_dir))

    def told(self, rollout_id: str | None, before: int | None) -> tuple[dict[str, Any], str]:
        """The document, and its version. 404 when no rollout of that id is kept."""
        with self._journal.refreshed() as (reading, stories):
            chosen = _chosen(stories, rollout_id)
            entries: Sequence[Entry] = ()
            try:
                entries = self._journal.page(before)
            except JournalError as error:
                reading = replace(reading, problem=str(error))
            return document(reading, stories, chosen, entries), _version(reading)

    def version(self) -> str:
        """Changes with everything that `told` tells."""
        with self._journal.refreshed() as (reading, _):
            return _version(reading)

    def gate(self, release: str, max_age_s: float | None) -> Gate:
        """The newest verdict on a release."""
        with self._journal.refreshed() as (reading, stories):
            now_s = self.clock.now().timestamp()
            return ask(reading, stories, release, now_s, max_age_s or self.options.max_age_s)


def _routes(page: _Page) -> APIRouter:
    def admit(request: Request) -> None:
        page.access.admit(request)

    routes, guarded = APIRouter(), APIRouter(dependencies=[Depends(admit)])
    _page_routes(guarded, page)
    _data_routes(guarded, page)
    _hook_routes(routes, page)
    routes.include_router(guarded)
    return routes


_RolloutId = Annotated[str | None, Query(alias="rollout", max_length=MAX_NAME)]
_Before = Annotated[int | None, Query(ge=2, le=_MAX_ENTRY)]


def _page_routes(routes: APIRouter, page: _Page) -> None:
    """What browsers ask for."""

    @routes.api_route("/", methods=["GET", "HEAD"])
    def home(rollout: _RolloutId = None, before: _Before = None) -> Response:
        try:
            told, version = page.told(rollout, before)
        except HTTPException as refusal:
            text = page.pages.refusal("No such rollout", str(refusal.detail))
            return HTMLResponse(text, refusal.status_code, headers=PAGE_HEADERS)
        return HTMLResponse(page.pages.render(told, version=version, before=before), headers=PAGE_HEADERS)

    @routes.get("/static/{digest}/{name}")
    async def static(digest: str, name: str, request: Request) -> Response:
        answer = page.pages.assets.answer(name, digest, request, scope="private")
        if answer is None:
            raise HTTPException(404, "there is no such file")
        return answer


def _data_routes(routes: APIRouter, page: _Page) -> None:
    """What programs ask for."""

    @routes.get("/api/rollout")
    def told(rollout: _RolloutId = None, before: _Before = None) -> Response:
        told, version = page.told(rollout, before)
        return _json({"version": version, "headline": headline(told), **told})

    @routes.get("/api/rollout/version")
    def version() -> Response:
        return _json({"version": page.version()})

    @routes.get("/api/verdict")
    def verdict(release: str, max_age_s: str = "") -> Response:
        return _json(page.gate(read_release(release), read_age(max_age_s)).as_data())


def _hook_routes(routes: APIRouter, page: _Page) -> None:
    """What shows its token otherwise, or none."""

    @routes.post("/api/flagger/{hook}")
    async def flagger(hook: Hook, request: Request) -> Response:
        call = read_call(await _body(request))
        page.access.admit(request, call.token)
        gate = await run_in_threadpool(page.gate, call.release, call.max_age_s)
        return _json({"hook": hook, **gate.as_data()}, status(hook, gate.verdict))

    @routes.get("/livez")
    async def livez() -> Response:
        return _json({"status": "ok"})


async def _body(request: Request) -> bytes:
    """Not more than a webhook may have, and not for longer than it may take."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise HTTPException(413, f"the body has more than {MAX_BODY_BYTES} bytes")
    except TimeoutError:
        raise HTTPException(408, f"the body did not arrive within {BODY_LIMIT_S:.0f} s") from None
    return bytes(body)


def _json(data: Any, status_code: int = 200) -> Response:
    return Response(orjson.dumps(data), status_code, _HEADERS, media_type="application/json")


async def _refused(_: Request, error: Exception) -> Response:
    """The one shape of an error, and never a traceback."""
    headers: dict[str, str] = {}
    match error:
        case HTTPException():
            code, message, headers = error.status_code, str(error.detail), dict(error.headers or {})
        case HookRefused():
            code, message = 400, str(error)
        case RequestValidationError():
            where, what = ".".join(map(str, error.errors()[0]["loc"])), error.errors()[0]["msg"]
            code, message = (404 if where == "path.hook" else 400), f"{where}: {what}"
        case _:
            log.error("page failed", exc_info=error)
            code, message = 500, "something went wrong in this page: its log says what"
    answer = _json({"error": {"code": _CODES.get(code, f"http {code}"), "message": message}}, code)
    answer.headers.update(headers)
    return answer


def _chosen(stories: Sequence[Story], rollout_id: str | None) -> Story | None:
    """The newest rollout, or the newest of that id."""
    if rollout_id is None:
        return stories[-1] if stories else None
    for story in reversed(stories):
        if story.rollout.id == rollout_id:
            return story
    raise HTTPException(
        404, f"the page keeps no rollout {rollout_id}; `assay rollout report` tells of older ones"
    )


def _version(reading: Reading) -> str:
    state = "damaged" if reading.problem else "behind" if reading.is_behind else "sound"
    return f"{reading.entries}-{reading.digest[:12]}-{state}"
