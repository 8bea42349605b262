"""How a native route is described: what all of them have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, Response

from assay.serving import openapi

WIKI: Final = openapi.name_path("wiki", "Name of the wiki, such as enwiki.")
MODEL: Final = openapi.name_path("model", "Name of the model, such as damaging.")


def add_route(
    router: APIRouter,
    method: str,
    path: str,
    handler: Any,
    answer: dict[str, Any],
    parameters: Sequence[dict[str, Any]],
    body: dict[str, Any] | None = None,
) -> None:
    """`handler`: its docstring is the summary, its name the operation. `answer`: content by media type."""
    responses = openapi.responses("NativeError", 404, 415, 429, 503, 504, error="NativeError")
    router.add_api_route(
        path,
        handler,
        methods=[method],
        response_class=Response,  # whose type is not told: FastAPI would describe JSON beside `answer`
        summary=handler.__doc__,
        operation_id=handler.__name__,
        responses=responses | {200: {"description": "OK", "content": answer}},
        openapi_extra={"parameters": list(parameters), **({"requestBody": body} if body else {})},
    )


def document(schema: str) -> dict[str, Any]:
    """One JSON document."""
    return {"application/json": {"schema": openapi.ref(schema)}}


def lines(schema: str) -> dict[str, Any]:
    """JSON lines, each of `schema`."""
    return {"application/x-ndjson": {"schema": {"type": "string", "description": f"Lines, each a {schema}."}}}
