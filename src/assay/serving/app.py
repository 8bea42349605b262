"""The web application: routes put together, and the life of engine and service tied to the server's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from assay import __version__, tasks
from assay.clock import Clock
from assay.errors import AssayError
from assay.events import Rules
from assay.scoring.service import ScoringService
from assay.serving import openapi
from assay.serving.apidocs import pages as apidocs
from assay.serving.backend import Backend
from assay.serving.doubles import doubles
from assay.serving.feed import Feed
from assay.serving.guard import Guard
from assay.serving.health import Health
from assay.serving.liftwing.inference_v2 import InferenceV2
from assay.serving.liftwing.predict import LiftWing
from assay.serving.liftwing.schemas import SCHEMAS as LIFT_WING_SCHEMAS
from assay.serving.liftwing.scorer import Scorer
from assay.serving.native.api import NativeApi
from assay.serving.native.feed import SCHEMAS as FEED_SCHEMAS
from assay.serving.native.feed import FeedApi
from assay.serving.native.models import ConfiguredPoints, ModelsApi
from assay.serving.native.schemas import SCHEMAS as NATIVE_SCHEMAS
from assay.serving.native.streams import ScoreStreams
from assay.serving.native.text import TextApi
from assay.serving.options import AppOptions, QuotaOptions
from assay.serving.ores import versions
from assay.serving.ores.jsonp import Jsonp
from assay.serving.ores.model_info import ModelInfos
from assay.serving.ores.precache import SCHEMAS as PRECACHE_SCHEMAS
from assay.serving.ores.precache import Precache
from assay.serving.ores.schemas import SCHEMAS as ORES_SCHEMAS
from assay.serving.ores.scores import ScoreRoutes
from assay.serving.pages.routes import pages
from assay.serving.pages.site import PageOptions, Site
from assay.serving.quota import Gate
from assay.serving.refuser import Refuser
from assay.stores.quota import MemoryQuotas, Quotas
from assay.telemetry import Metrics

_SCHEMAS: Final = (ORES_SCHEMAS, PRECACHE_SCHEMAS, NATIVE_SCHEMAS, FEED_SCHEMAS, LIFT_WING_SCHEMAS)


def build_app(
    options: AppOptions,
    service: ScoringService,
    infos: ModelInfos,
    metrics: Metrics,
    clock: Clock,
    *,
    quota: QuotaOptions | None = None,
    quotas: Quotas | None = None,
    rules: Rules | None = None,
    release: str = "dev",
    operating_points: ConfiguredPoints | None = None,
    page: PageOptions | None = None,
    routers: Sequence[APIRouter] = (),
    beside: Callable[[], Awaitable[None]] | None = None,
) -> Application:
    """The ASGI application. It starts the service's engine and closes service and quotas at the end.

    `quota`: what a client may ask; None: the defaults. `quotas`: where it is counted; None: in this
    process. `rules`: which edits posted as events are scored; None: none. `release`: named on every answer.
    `operating_points`: an operator's own, by wiki and model. `page`: what the pages for people show; None:
    there are none, and refusals and versions are JSON for everybody. `routers`: further ones, matched after
    ours. `beside`: work of its own, begun with the application and cancelled at its end; it must not raise.
    """
    rules = rules or Rules()
    site = None if page is None else Site(page)
    draining = asyncio.Event()
    longest_s = max(options.request_timeout_s, options.stream.chunk_timeout_s)
    gate = Gate(quota or QuotaOptions(), quotas or MemoryQuotas(clock), metrics, longest_s)
    backend = Backend(service, gate, clock, options.request_timeout_s)
    models = ModelsApi(service.wikis, infos, operating_points or {})
    feed = Feed(service, clock)
    health = Health(service, metrics, clock, options.health)
    scorer = Scorer(backend, rules.called)
    app = _fastapi(service, gate, beside)
    own = [
        ScoreRoutes(backend, infos).router(),
        Precache(backend, infos, rules).router(),
        versions.router(service.wikis, release, site),
        NativeApi(backend).router(),
        FeedApi(backend, feed).router(),
        ScoreStreams(backend, options.stream, draining).router(),
        models.router(),
        TextApi(backend).router(),
        LiftWing(scorer, health.readiness).router(),
        InferenceV2(scorer, health.readiness).router(),
        health.router(),
        apidocs.router(lambda: app.openapi()),
        *([] if site is None else [pages(site, backend, infos, models, feed)]),
    ]
    told, further = _include(app, (*own, *routers))
    refuser = Refuser([*told, *further], metrics, site)
    for kind in (AssayError, HTTPException, Exception):
        app.add_exception_handler(kind, refuser.refuse)
    guard = Guard(Jsonp(app), options.guard, metrics, release)
    return Application(app, guard, told, draining)


def _fastapi(service: ScoringService, gate: Gate, beside: Callable[[], Awaitable[None]] | None) -> FastAPI:
    """No routes yet; its document tells of those that it has when it is first asked for."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        aside = [] if beside is None else [asyncio.ensure_future(beside())]
        try:
            await service.engine.start()
            yield
        finally:
            await tasks.end(aside)
            await service.aclose()
            await gate.aclose()

    app = FastAPI(
        title="Assay",
        version=__version__,
        description="Scores wiki edits and articles. The routes of v1, v2 and v3 answer as ORES did.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.openapi = cache(lambda: openapi.document(app, *_SCHEMAS))  # type: ignore[method-assign]
    return app


def _include(app: FastAPI, routers: Sequence[APIRouter]) -> tuple[tuple[BaseRoute, ...], Sequence[BaseRoute]]:
    """All routes of these, and their doubles, which are matched after them."""
    told = tuple(route for router in routers for route in router.routes)
    further = doubles(told)
    for router in (*routers, further):
        app.include_router(router)
    return told, further.routes


@dataclass(frozen=True, slots=True)
class Application:
    """What a server runs: `asgi`. `fastapi`: the same without its guard, for its document. `routes`: all
    that it answers, without their doubles; FastAPI itself keeps included routers closed. `draining`: to be
    set when the process is asked to end, so that long answers come to theirs."""

    fastapi: FastAPI
    asgi: ASGIApp
    routes: tuple[BaseRoute, ...]
    draining: asyncio.Event
