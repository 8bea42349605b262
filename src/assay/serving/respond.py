"""JSON answers: sorted keys, readable unless asked for short, never cached."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from assay.serving.problems import Refusal

NO_STORE: Final = {
    "Cache-Control": "no-store, no-cache, max-age=0",
    "Pragma": "no-cache",
    "Expires": "Thu, 01 Jan 1970 00:00:00 GMT",
}
"""As ORES sent: a score may change with the next release, and caches in between must not hide that."""


def json_response(
    document: Any, *, status: int = 200, compact: bool = True, headers: Mapping[str, str] | None = None
) -> Response:
    """`document`: keys are strings. `compact`: no blanks or line breaks. `headers`: further ones."""
    option = orjson.OPT_SORT_KEYS | (0 if compact else orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Response(
        orjson.dumps(document, option=option),
        status,
        media_type="application/json",
        headers={**NO_STORE, **(headers or {})},
    )


def refusal_response(refusal: Refusal, path: str) -> Response:
    """`path`: of the request."""
    response = json_response(refusal.document(path), status=refusal.status)
    response.headers.update(refusal.headers)
    return response


def unless_known(response: Response, request: Request) -> Response:
    """`response` with its ETag, or 304 when the client has shown that it has it."""
    etag = f'"{hashlib.sha256(response.body).hexdigest()[:24]}"'
    response.headers["ETag"] = etag
    if etag not in request.headers.get("if-none-match", ""):
        return response
    described = ("content-length", "content-type")
    headers = {name: value for name, value in response.headers.items() if name not in described}
    return Response(status_code=304, headers=headers)
