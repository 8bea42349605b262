"""The JSON object in a request's body."""

from __future__ import annotations

from typing import Any, Final

import orjson
from starlette.requests import Request

from assay.errors import BadParameter
from assay.serving.refusals import HttpError

_JSON: Final = ("application/json", "")


async def read_object(request: Request, *, any_type: bool = False) -> dict[str, Any]:
    """Empty for an empty body. `any_type`: whatever Content-Type is sent; ``curl -d`` says that it is a form.

    Raises `BadParameter`, and `HttpError` 415.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not any_type and kind not in _JSON:
        raise HttpError(415, "Send application/json.")
    try:
        document = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadParameter(f"Could not interpret the body. It is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadParameter("Could not interpret the body. Give an object.")
    return document
