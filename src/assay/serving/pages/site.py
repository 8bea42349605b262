"""The frame that all pages for people stand in, their files, and refusals that people can read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from assay.errors import AssayError
from assay.page.assets import Assets
from assay.page.headers import PAGE_HEADERS
from assay.page.templates import environment
from assay.serving.guard import REQUEST_ID
from assay.serving.pages.languages import language
from assay.serving.pages.wording import FILTERS
from assay.serving.refusals import refusal

_PACKAGE: Final = "assay.serving.pages"
_NO_FILE: Final = "There is no such file.\n"

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class PageOptions:
    """What the pages show beside what the service knows."""

    wikis: Sequence[str]
    """Names in the order of the lists; the first is chosen until the reader chooses."""

    index_urls: Mapping[str, str] = field(default_factory=dict)
    """By wiki, the address of a live wiki's ``index.php``; a revision then links to its diff there."""

    version: str = ""
    """Of Assay, for the foot of the page; empty: not shown."""


class Site:
    """Renders templates in the frame. Every page works without any other host: no fonts, scripts or images
    from elsewhere, and a content security policy that forbids them."""

    def __init__(self, options: PageOptions) -> None:
        self.options = options
        self.assets = Assets(_PACKAGE)
        self._templates = environment(_PACKAGE)
        self._templates.filters.update(FILTERS, language=language)

    def page(self, template: str, *, status: int = 200, here: str = "", **told: Any) -> HTMLResponse:
        """`here`: the part of the site that the page belongs to, marked in the navigation."""
        text = self._templates.get_template(template).render(
            here=here,
            digest=self.assets.digest,
            version=self.options.version,
            index_urls=self.options.index_urls,
            **told,
        )
        return HTMLResponse(text, status, headers=PAGE_HEADERS)

    def add(self, routes: APIRouter, path: str, handler: Handler) -> None:
        """GET `path`, with or without its final slash; a refusal becomes a page that says what to do."""

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except AssayError as error:
                refused = refusal(error, request.scope.get(REQUEST_ID, "(none)"))
                page = self.page("refusal.html", status=refused.status, message=refused.message)
                page.headers.update(refused.headers)
                return page

        routes.add_api_route(path, guarded, methods=["GET"])
        if path != "/":
            routes.add_api_route(
                path.rstrip("/") if path.endswith("/") else f"{path}/", guarded, methods=["GET"]
            )

    def add_files(self, routes: APIRouter) -> None:
        """``/static/{digest}/{name}``, ``/favicon.svg`` and ``/favicon.ico``."""

        @routes.get("/static/{digest}/{name}")
        async def static(digest: str, name: str, request: Request) -> Response:
            return self.assets.answer(name, digest, request) or _no_file()

        @routes.get("/favicon.svg")
        @routes.get("/favicon.ico")
        async def favicon(request: Request) -> Response:
            return self.assets.icon(request) or _no_file()


def _no_file() -> Response:
    return Response(_NO_FILE, status_code=404, media_type="text/plain")
