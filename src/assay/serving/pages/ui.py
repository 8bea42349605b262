"""The home page: one HTML document, its style and its scripts, served from memory.

The page itself asks the native API (`assay.serving.native.api`) for everything it shows, so nothing here
knows of models or revisions. It works without any other host: no fonts, scripts or images from elsewhere, and
a content security policy that forbids them. Without JavaScript it only says where the API is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Nothing inline and nothing from elsewhere: wiki text that slipped into the markup could still not run."""

_PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_FOREVER: Final = "public, max-age=31536000, immutable"
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class PageOptions:
    """What the page shows beside the API's answers."""

    wikis: Sequence[str]
    """Names in the order of the list; the first is chosen until the reader chooses."""

    index_urls: Mapping[str, str] = field(default_factory=dict)
    """By wiki, the address of a live wiki's ``index.php``; a revision then links to its diff there."""

    version: str = ""
    """Of Assay, for the foot of the page; empty: not shown."""


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    etag: str


class Assets:
    """The package's static files. `digest` names their state; it stands in their addresses."""

    def __init__(self) -> None:
        folder = files("assay.serving.pages") / "static"
        self._assets = {
            entry.name: _asset(entry.name, entry.read_bytes())
            for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
            if _suffix(entry.name) in _MEDIA_TYPES
        }
        etags = "".join(name + asset.etag for name, asset in self._assets.items())
        self.digest = hashlib.sha256(etags.encode()).hexdigest()[:12]

    def answer(self, name: str, request: Request, *, cache_control: str) -> Response:
        """The file `name`, or 304 when the client has it, or 404."""
        asset = self._assets.get(name)
        if asset is None:
            return Response("There is no such file.\n", status_code=404, media_type="text/plain")
        headers = {"ETag": asset.etag, "Cache-Control": cache_control, "X-Content-Type-Options": "nosniff"}
        if asset.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(asset.content, media_type=asset.media_type, headers=headers)


def router(options: PageOptions) -> APIRouter:
    """Routes of the page: ``/``, ``/static/<digest>/<file>``, ``/favicon.svg`` and ``/favicon.ico``."""
    assets = Assets()
    page = _render(options, assets.digest)
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    @routes.get("/static/{digest}/{name}")
    async def static(digest: str, name: str, request: Request) -> Response:
        # A page of another release may ask for its own digest: it gets our file, but must not keep it.
        kept = _FOREVER if digest == assets.digest else "no-cache"
        return assets.answer(name, request, cache_control=kept)

    @routes.get("/favicon.svg")
    @routes.get("/favicon.ico")
    async def favicon(request: Request) -> Response:
        return assets.answer("favicon.svg", request, cache_control="public, max-age=86400")

    return routes


def _render(options: PageOptions, digest: str) -> str:
    environment = Environment(
        loader=PackageLoader("assay.serving.pages", "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("home.html").render(
        wikis=options.wikis, index_urls=options.index_urls, version=options.version, digest=digest
    )


def _asset(name: str, content: bytes) -> _Asset:
    return _Asset(content, _MEDIA_TYPES[_suffix(name)], f'"{hashlib.sha256(content).hexdigest()[:24]}"')


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]
