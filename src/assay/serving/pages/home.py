"""The home page: one edit with its diff, scores and reasons, and ORES's own page of scores at ``/ui/``.

Both ask the API for all that they show, so nothing here knows of models or revisions. Without JavaScript they
say where the API is.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from assay.serving.pages.site import Site


def add_home(routes: APIRouter, site: Site) -> None:
    """``/`` and ``/ui/``."""

    async def home(request: Request) -> Response:
        is_asked = bool(request.query_params.get("rev"))
        return site.page("home.html", wikis=site.options.wikis, is_asked=is_asked)

    async def scores(_: Request) -> Response:
        return site.page("scores.html", here="scores", wikis=site.options.wikis)

    site.add(routes, "/", home)
    site.add(routes, "/ui/", scores)
