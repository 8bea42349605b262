"""What is answered when a request cannot be: JSON for programs, a page for a reader who mistyped."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from assay.serving.guard import REQUEST_ID
from assay.serving.media import prefers
from assay.serving.pages.site import Site
from assay.serving.refusals import HttpError, refusal
from assay.serving.respond import refusal_response
from assay.telemetry import ERRORS, Metrics


class Refuser:
    """Handles every error of the application. `routes`: all that it answers. `site`: None: no pages."""

    def __init__(self, routes: Sequence[BaseRoute], metrics: Metrics, site: Site | None) -> None:
        self._routes = routes
        self._metrics = metrics
        self._site = site

    async def refuse(self, request: Request, error: Exception) -> Response:
        refused = refusal(self._ours(error, request), request.scope.get(REQUEST_ID, "(none)"))
        self._metrics.count(ERRORS, refused.code)
        if self._site and _is_missing(error) and prefers(request, "text/html", "application/json"):
            return self._site.page("missing.html", status=refused.status, path=request.url.path[:200])
        return refusal_response(refused, request.scope["path"])

    def _ours(self, error: Exception, request: Request) -> Exception:
        """Starlette's own refusals (no route, wrong method) as ours; others as they are."""
        if not isinstance(error, HTTPException):
            return error
        if error.status_code == 404:
            return HttpError(404, "Nothing found at this location.")
        if error.status_code == 405:
            allowed = ", ".join(self._methods(request))
            return HttpError(405, f"{request.method} cannot be used here; use {allowed}.", {"Allow": allowed})
        return HttpError(error.status_code, str(error.detail), dict(error.headers or {}))

    def _methods(self, request: Request) -> list[str]:
        """All that the path knows. The router tells those of the first matching route only, and each method
        of ours is a route of its own."""
        known: set[str] = set()
        for route in self._routes:
            if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
                known |= route.methods or set()
        return sorted(known)


def _is_missing(error: Exception) -> bool:
    """Whether no route was found: a reader mistyped an address."""
    return isinstance(error, HTTPException) and error.status_code == 404
