"""Errors of the whole request, from the domain to the wire, and what surrounds an application's life."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from assay.clock import Deadline
from assay.errors import Overloaded
from assay.scoring.inline import InlineEngine
from assay.scoring.request import Cell, Job
from assay.serving.app import build_app
from assay.serving.options import AppOptions
from assay.serving.ores.model_info import ModelInfos
from assay.telemetry import Metrics
from servers.asgi import Served, serving
from small_app import CLOCK, SmallApp, ask, small_service, with_pages
from small_models import small_models


class MoodyEngine(InlineEngine):
    """Refuses everything, or never answers; counts how often it was started and closed."""

    def __init__(self, mood: str) -> None:
        super().__init__(small_models(), Metrics())
        self._mood = mood
        self.life: list[str] = []
        self._released = asyncio.Event()

    async def start(self) -> None:
        self.life.append("start")

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        if self._mood == "full":
            raise Overloaded("60 revisions wait to be scored already; try again.", delay_s=3.2)
        if self._mood == "stuck":
            await asyncio.sleep(deadline.remaining_s() + 0.2)
        return await super().score(job, deadline)

    async def aclose(self) -> None:
        self.life.append("close")


def test_a_full_engine_is_503_with_retry_after() -> None:
    with serving(SmallApp(engine=MoodyEngine("full")).build().asgi) as served:
        for path, code in (
            ("/v3/scores/smallwiki/12", "server overloaded"),
            ("/api/smallwiki/revisions/12", "overloaded"),
        ):
            reply = ask(served, path)
            assert reply.error[:2] == (503, code)
            assert reply.headers["retry-after"] in ("2", "4"), (
                "the service's 2 s, or the engine's 3.2 s and not before"
            )


def test_a_passed_deadline_is_504() -> None:
    app = SmallApp(engine=MoodyEngine("stuck"), options=AppOptions(request_timeout_s=0.1))
    with serving(app.build().asgi) as served:
        assert ask(served, "/v3/scores/smallwiki/12").error[:2] == (504, "request_timeout")


def test_engine_and_service_live_as_long_as_the_server() -> None:
    engine = MoodyEngine("good")
    with serving(SmallApp(engine=engine).build().asgi) as served:
        assert engine.life == ["start"]
        assert ask(served, "/v3/scores/smallwiki/12").status == 200
    assert engine.life == ["start", "close"]


def test_pages_come_after_our_routes_and_keep_their_own_policy() -> None:
    router = APIRouter()

    async def page() -> HTMLResponse:
        return HTMLResponse("<p>hello", headers={"Content-Security-Policy": "default-src 'self'"})

    router.add_api_route("/", page)
    metrics = Metrics()
    app = build_app(AppOptions(), small_service(metrics), ModelInfos({}), metrics, CLOCK, routers=[router])
    with serving(app.asgi) as served:
        reply = ask(served, "/")
    assert reply.body == b"<p>hello"
    assert reply.headers["content-security-policy"] == "default-src 'self'"
    assert reply.headers["x-frame-options"] == "DENY"


TOLD = SmallApp().build().fastapi.openapi()["paths"]
NAMES = {
    "wiki": "smallwiki",
    "rev_id": 12,
    "model": "damaging",
    "name": "smallwiki-damaging",
    "version": "1.2.3",
    "digest": "any",
}
REFUSED = [
    "/api/smallwiki/revisions/404",
    "/api/smallwiki/recent?limit=0",
    "/api/smallwiki/models/damaging/thresholds",  # nothing was measured of it
    "/v2/precache/",  # without an event
    "/v3/scores/nowiki",
    "/nowhere",
]
GETS = [
    *(
        path
        for path in (path.format_map(NAMES) for path in TOLD if "get" in TOLD[path])
        if path not in REFUSED
    ),
    *("/v3/scores", "/v3/scores/smallwiki", "/v3/scores/smallwiki/12", "/v3/scores/smallwiki/12/damaging"),
    *("/openapi.json", "/", "/favicon.svg", "/favicon.ico", "/static/any/main.js"),
    *("/ui/", "/feed/smallwiki", "/models/", "/models/smallwiki/damaging"),
]
MOVED = ["/feed/"]  # to the only wiki


@pytest.mark.parametrize("path", [*GETS, *REFUSED, *MOVED])
def test_head_is_answered_like_get_without_a_body(paged: Served, path: str) -> None:
    got, head = ask(paged, path), ask(paged, path, method="HEAD")
    assert (got.status == 200) == (path in GETS)
    assert head.status == got.status
    assert head.body == b""
    assert got.body
    assert set(head.headers) - {"server-timing"} == set(got.headers) - {
        "server-timing"
    }  # of what is computed
    assert head.headers["content-type"] == got.headers["content-type"]
    if path != "/metrics":  # its counters have moved on
        assert head.headers["content-length"] == got.headers["content-length"]


NOWHERE = b"Nothing found at this location."


def asked_paths() -> list[tuple[str, str]]:
    """A method and a path for each route of the application with its pages. Not ``/v2``, where the Open
    Inference Protocol describes the server, while ``/v2/`` is ORES's page: two routes of their own."""
    return sorted(
        (method, route.path.format_map(NAMES))
        for route in with_pages().routes
        if isinstance(route, APIRoute) and route.path not in ("/", "/v2", "/v2/")
        for method in route.methods or ()
    )


@pytest.mark.parametrize(("method", "path"), asked_paths())
def test_every_route_answers_with_and_without_a_final_slash_and_to_head(
    paged: Served, method: str, path: str
) -> None:
    other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
    body = b"{}" if method == "POST" else None
    usual, same = (ask(paged, form, method=method, body=body) for form in (path, other))
    assert same.status == usual.status != 405
    assert same.headers["content-type"] == usual.headers["content-type"]
    assert NOWHERE not in same.body
    if same.headers["content-type"] == "application/json":
        assert same.json.keys() == usual.json.keys()
    if method == "GET":
        assert [ask(paged, form, method="HEAD").status for form in (path, other)] == [usual.status] * 2
