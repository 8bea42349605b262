"""JSON answers: sorted keys, readable unless asked for short, never cached."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from assay.serving.refusals import Refusal

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
    return _response(orjson.dumps(document, option=option), status, headers)


def ores_response(document: Any, *, compact: bool, headers: Mapping[str, str] | None = None) -> Response:
    """As ORES wrote it. `compact`: in one line, with a blank after each comma and colon, by which some bots
    take scores out of it with regular expressions."""
    if not compact:
        return json_response(document, compact=False, headers=headers)
    plain = orjson.loads(orjson.dumps(document))  # numbers that JSON does not know are null, as everywhere
    return _response(json.dumps(plain, sort_keys=True).encode("ascii"), 200, headers)


def _response(body: bytes, status: int, headers: Mapping[str, str] | None) -> Response:
    return Response(body, status, media_type="application/json", headers={**NO_STORE, **(headers or {})})


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
