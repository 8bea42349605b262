"""The pieces of the OpenAPI document that FastAPI cannot know, because parameters are read by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from assay.revisions.record import MAX_ID


def query_parameter(name: str, description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    } | more


FLAG: Final = {"type": "string", "enum": ["", "true", "false", "1", "0"]}


ALLOW_DEGRADED: Final = query_parameter(
    "degraded",
    "200 as well while known scores can be given and others cannot be computed.",
    FLAG,
    allowEmptyValue=True,
)


def whole_number(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


def json_body(schema: str) -> dict[str, Any]:
    return {"required": False, "content": {"application/json": {"schema": ref(schema)}}}


def rev_id_path(least: int = 1) -> dict[str, Any]:
    return {
        "name": "rev_id",
        "in": "path",
        "required": True,
        "description": "Revision id.",
        "schema": whole_number(least, MAX_ID),
    }


def name_path(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def object_of(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)} | more


def map_of(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


def list_of(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items} | more


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


STRING: Final = {"type": "string"}
NUMBER: Final = {"type": "number"}
INTEGER: Final = {"type": "integer"}
BOOLEAN: Final = {"type": "boolean"}
VALUE: Final = {"type": ["number", "boolean", "null"]}
LABEL: Final = {"type": ["boolean", "string"]}


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


SCHEMAS: Final[dict[str, Any]] = {
    "Error": object_of({"error": object_of({"code": STRING, "message": STRING})}),
    "Problem": object_of({"code": STRING, "type": STRING, "message": STRING, "retryable": BOOLEAN}),
    "CellError": object_of({"error": ref("Problem")}),
    "Readiness": object_of(
        {
            "ready": BOOLEAN,
            "state": {"type": "string", "enum": ["ready", "degraded", "unready"]},
            "checks": map_of(STRING),
            "cache": STRING,
        }
    ),
    "Liveness": object_of({"alive": BOOLEAN}),
    "Versions": map_of(STRING),
}
"""What every folder's routes share; each has its own in its `schemas`."""

_REFUSALS: Final = {
    400: "A parameter is wrong; the message says which and what would be right.",
    404: "No such wiki, model or revision.",
    405: "The path does not know this method; see the Allow header.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    414: "The address is too long; use POST.",
    415: "The body is no form or JSON.",
    422: "The revision, or its parent, is gone or hidden.",
    429: "This client asks too much at once or too fast; try again after Retry-After seconds.",
    500: "A defect of the server; the message has an id to quote.",
    503: "Overloaded, or the wiki is not reachable; try again after Retry-After seconds.",
    504: "The deadline passed.",
}


def responses(
    schema: str, *refusals: int, error: str = "Error", script: bool = False
) -> dict[int | str, dict[str, Any]]:
    """A good answer of `schema`, and the refusals that every route can give besides `refusals`.

    `error`: the schema of these. `script`: any answer may be wrapped as a script (`ores.jsonp`).
    """
    table: dict[int | str, dict[str, Any]] = {200: {"description": "OK", "content": _content(schema, script)}}
    for status in sorted({*refusals, 400, 405, 408, 413, 414, 500}):
        table[status] = {"description": _REFUSALS[status], "content": _content(error, script)}
    return table


def _content(schema: str, script: bool) -> dict[str, Any]:
    return {"application/json": {"schema": ref(schema)}} | ({"application/javascript": {}} if script else {})


def document(app: FastAPI, *schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The whole OpenAPI document. `schemas`: those of the folders, besides what all share."""
    whole: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    known = whole.setdefault("components", {}).setdefault("schemas", {})
    for table in (SCHEMAS, *schemas):
        known.update(table)
    return whole
