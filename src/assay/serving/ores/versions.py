"""What runs here, as ORES's ``/versions/`` told it: a table of components, or JSON for who asks for that."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from assay import __version__
from assay.scoring.wikis import Wiki
from assay.serving import openapi
from assay.serving.media import prefers
from assay.serving.ores.schemas import query_parameters
from assay.serving.pages.site import Site
from assay.serving.respond import json_response

_LIBRARIES: Final = ("lightgbm", "mwparserfromhell", "numpy", "scipy")
"""Those that scores depend on."""


def components(wikis: Mapping[str, Wiki], release: str) -> dict[str, str]:
    """Versions by component: Assay, what scores depend on, and each model as ``wiki/model``."""
    models = {
        f"{wiki.name}/{name}": model.version for wiki in wikis.values() for name, model in wiki.models.items()
    }
    libraries = {name: version(name) for name in _LIBRARIES}
    return {
        "assay": __version__,
        "release": release,
        "python": platform.python_version(),
        **libraries,
        **models,
    }


def router(wikis: Mapping[str, Wiki], release: str, site: Site | None) -> APIRouter:
    """`site`: where the table stands; None: JSON for everybody."""
    routes = APIRouter(tags=["Operators"])
    told = components(wikis, release)

    async def versions(request: Request) -> Response:
        """Versions of Assay, its libraries and its models"""
        asks_for_json = {"format", "callback"} & set(request.query_params)
        if site is None or asks_for_json or prefers(request, "application/json", "text/html"):
            return json_response(told, compact=False)
        return site.page("versions.html", versions=told)

    described: dict[str, Any] = {
        "responses": openapi.responses("Versions", script=True),
        "openapi_extra": {"parameters": query_parameters("format", "callback")},
    }
    described["responses"][200]["content"]["text/html"] = {}
    routes.add_api_route("/versions/", versions, methods=["GET"], summary=versions.__doc__, **described)
    return routes
