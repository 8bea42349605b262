"""Swagger UI over our descriptions: ``/v1/``, ``/v2/``, ``/v3/`` as ORES had them, ``/docs`` for everything.

Swagger UI's own files come from the package ``fastapi-offline``, which ships them; nothing is fetched
from elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from assay import __version__
from assay.page.headers import CONTENT_SECURITY_POLICY, PAGE_HEADERS
from assay.page.templates import environment
from assay.serving.apidocs.swagger import swagger
from assay.serving.ores.scores import VERSIONS
from assay.serving.refusals import HttpError
from assay.serving.respond import json_response

Describe = Callable[[], dict[str, Any]]
"""Gives the OpenAPI document."""

_POLICY: Final = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")
"""Swagger UI's style sheet holds its icons as data."""

_HEADERS: Final = {**PAGE_HEADERS, "Content-Security-Policy": _POLICY}
_FILES: Final = {
    "swagger-ui-bundle.js": ("fastapi_offline", "text/javascript; charset=utf-8"),
    "swagger-ui.css": ("fastapi_offline", "text/css; charset=utf-8"),
    "start.js": ("assay.serving.apidocs", "text/javascript; charset=utf-8"),
}
"""By name, the package that ships it, and its type."""

_TEMPLATES: Final = environment("assay.serving.apidocs")


def _page(title: str, spec: str) -> Response:
    """Swagger UI, which brings a frame of its own. `spec`: the address of the document that it shows."""
    return HTMLResponse(
        _TEMPLATES.get_template("swagger.html").render(title=title, spec=spec), headers=_HEADERS
    )


def router(describe: Describe) -> APIRouter:
    """The pages, their files, and the Swagger 2.0 documents at ``/v1/spec/`` and so on."""
    routes = APIRouter(include_in_schema=False)

    for version in VERSIONS:
        page, spec = _version_handlers(version.name, version.roots, describe)
        routes.add_api_route(f"/{version.name}/", page, methods=["GET"])
        routes.add_api_route(f"/{version.name}/spec/", spec, methods=["GET"])

    @routes.get("/docs")
    async def docs() -> Response:
        return _page("Assay", "/openapi.json")

    @routes.get("/docs/{name}")
    async def file(name: str, request: Request) -> Response:
        return _file(name, request.headers.get("if-none-match", ""))

    return routes


def _version_handlers(name: str, roots: tuple[str, ...], describe: Describe) -> tuple[Any, Any]:
    title = f"Assay: the API of ORES, {name}"

    @cache
    def document() -> dict[str, Any]:
        return swagger(describe(), (*roots, f"/{name}/precache"), title, f"{name[1:]} ({__version__})")

    async def spec() -> Response:
        return json_response(document(), compact=False)

    async def page(request: Request) -> Response:
        if "spec" in request.query_params:
            return await spec()
        return _page(title, f"/{name}/spec/")

    return page, spec


@cache
def _read(name: str) -> tuple[bytes, Mapping[str, str]]:
    package, media_type = _FILES[name]
    content = (files(package) / "static" / name).read_bytes()
    tag = hashlib.sha256(content).hexdigest()[:24]
    return content, {"Content-Type": media_type, "ETag": f'"{tag}"', "Cache-Control": "no-cache"}


def _file(name: str, known: str) -> Response:
    if name not in _FILES:
        raise HttpError(404, "There is no such file.")
    content, headers = _read(name)
    if headers["ETag"] in known:
        return Response(status_code=304, headers={key: headers[key] for key in ("ETag", "Cache-Control")})
    return Response(content, headers=dict(headers))
