"""What pages are made from, before it is HTML."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from assay.serving.pages.site import PageOptions, Site


class Told(Site):
    """Renders as usual, and keeps what the last page was `told`."""

    def __init__(self) -> None:
        super().__init__(PageOptions(("smallwiki",)))
        self.told: dict[str, Any] = {}

    def page(self, template: str, *, status: int = 200, here: str = "", **told: Any) -> HTMLResponse:
        self.told = told
        return super().page(template, status=status, here=here, **told)


def asked(query: str = "", **path: str) -> Request:
    """A request whose path named these."""
    return Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/",
            "path_params": path,
            "query_string": query.encode(),
            "headers": [],
            "client": ("127.0.0.1", 1),
        }
    )
