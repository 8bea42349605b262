"""Routes that answer as others do, so that none has to think of it: HEAD, and the other final slash.

HEAD wherever GET is, by the same handler (the server keeps the body back): load balancers and link checkers
ask so. Every path with and without its final slash: ORES's clients write either, and who builds addresses by
hand forgets it. They are answered, not redirected: a redirected POST loses its body in many clients, and
behind a proxy that speaks https a redirect's address is easily the wrong one. Lift Wing's and KServe's
clients need neither, and lose nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute


def doubles(routes: Sequence[BaseRoute]) -> APIRouter:
    """To be matched after `routes`. Undescribed: they would make the document four times as long."""
    router = APIRouter(include_in_schema=False)
    own = [route for route in routes if isinstance(route, APIRoute)]
    known = {(route.path, method) for route in own for method in route.methods or ()}
    for route in own:
        methods = set(route.methods or ())
        if "GET" in methods:
            methods.add("HEAD")
        for path in (route.path, other_form(route.path)):
            missing = {method for method in methods if (path, method) not in known}
            if path and missing:
                router.add_api_route(path, route.endpoint, methods=sorted(missing))
                known |= {(path, method) for method in missing}
    return router


def other_form(path: str) -> str:
    """With its final slash, or without; empty for the root."""
    return path.removesuffix("/") if path.endswith("/") else f"{path}/"
