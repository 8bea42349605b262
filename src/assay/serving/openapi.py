"""The pieces of the OpenAPI document that FastAPI cannot know: parameters read by hand, ORES's shapes."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from assay.revisions.record import MAX_ID


def _query(name: str, description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    } | more


def _bars(description: str, name: str, example: str) -> dict[str, Any]:
    return _query(name, f"{description} Separated by |.", {"type": "string", "example": example})


_FLAG: Final = {"type": "string", "enum": ["", "true", "false", "1", "0"]}

SCORE_PARAMETERS: Final = {
    "models": _bars(
        "Models to score with; all of the wiki's when not given.", "models", "damaging|goodfaith"
    ),
    "revids": _bars("Up to 50 revision ids.", "revids", "123|456"),
    "features": _query("features", "Add the values that each model read.", _FLAG, allowEmptyValue=True),
    "explain": _query("explain", "Add each feature's contribution in log-odds.", _FLAG, allowEmptyValue=True),
    "model_info": _bars(
        "What to tell of each model, as dotted paths.", "model_info", "version|statistics.rates"
    ),
    "inject": _query(
        "inject",
        "Values to use instead of computed ones: a JSON object by revision id. Single ones for all "
        "revisions are given as `feature.…` or `datasource.…` parameters with a JSON value.",
        {"type": "string", "example": '{"123":{"feature.revision.user.is_anon":true}}'},
    ),
    "precache": _query(
        "precache",
        "Nobody waits for the answer: the work gives way to requests without this flag. It changes no quota.",
        _FLAG,
        allowEmptyValue=True,
    ),
    "format": _query(
        "format", "`json` leaves out blanks and line breaks.", {"type": "string", "enum": ["json"]}
    ),
}
"""Every parameter of the v3 routes, by name; the documentation is tested against it."""


ALLOW_DEGRADED: Final = _query(
    "degraded",
    "200 as well while known scores can be given and others cannot be computed.",
    _FLAG,
    allowEmptyValue=True,
)


def query_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return _query(name, description, schema)


def whole_number(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


def json_body(schema: str) -> dict[str, Any]:
    return {"required": False, "content": {"application/json": {"schema": _ref(schema)}}}


def query_parameters(*names: str) -> list[dict[str, Any]]:
    return [SCORE_PARAMETERS[name] for name in names]


def form_body(*names: str) -> dict[str, Any]:
    """The same parameters as a form, for requests that are too long for an address."""
    properties = {
        name: {**SCORE_PARAMETERS[name]["schema"], "description": SCORE_PARAMETERS[name]["description"]}
        for name in names
    }
    schema = {"type": "object", "properties": properties}
    return {"required": False, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def rev_id_path(name: str = "rev_id") -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": "Revision id.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
    }


def name_path(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)} | more


def _map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_STRING: Final = {"type": "string"}
_NUMBER: Final = {"type": "number"}
_INTEGER: Final = {"type": "integer"}
_BOOLEAN: Final = {"type": "boolean"}
_VALUE: Final = {"type": ["number", "boolean", "null"]}
_LABEL: Final = {"type": ["boolean", "string"]}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


SCHEMAS: Final[dict[str, Any]] = {
    "Error": _object({"error": _object({"code": _STRING, "message": _STRING})}),
    "Problem": _object({"code": _STRING, "type": _STRING, "message": _STRING, "retryable": _BOOLEAN}),
    "CellError": _object({"error": _ref("Problem")}),
    "Score": _object(
        {
            "prediction": _LABEL,
            "probability": _map({"type": "number", "minimum": 0, "maximum": 1}),
        }
    ),
    "ScoredCell": {
        "type": "object",
        "required": ["score"],
        "properties": {
            "score": _ref("Score"),
            "features": _map(_VALUE),
            "explanation": _map(_object({"base": _NUMBER, "contributions": _map(_NUMBER)})),
        },
    },
    "WikiScores": {
        "type": "object",
        "required": ["models"],
        "properties": {
            "models": _map({"type": "object"}),
            "scores": _map(_map({"anyOf": [_ref("ScoredCell"), _ref("CellError")]})),
        },
    },
    "Scores": _map(_ref("WikiScores")) | {"description": "By wiki; scores by revision id and model."},
    "Feature": _object(
        {"name": _STRING, "doc": _STRING, "type": {"type": "string", "enum": ["bool", "int", "float"]}}
    ),
    "Model": _object(
        {
            "name": _STRING,
            "version": _STRING,
            "digest": _STRING,
            "labels": {"type": "array", "items": _LABEL},
            "features": {"type": "array", "items": _ref("Feature")},
        }
    ),
    "Wikis": _object(
        {
            "wikis": {
                "type": "array",
                "items": _object({"name": _STRING, "models": {"type": "array", "items": _ref("Model")}}),
            }
        }
    ),
    "Recent": _object({"wiki": _STRING, "revisions": {"type": "array", "items": _INTEGER}}),
    "Revision": _object(
        {
            "id": _INTEGER,
            "parent_id": _nullable(_INTEGER),
            "page": _object({"title": _STRING, "namespace": _nullable(_INTEGER)}),
            "actor": _nullable(_object({"name": _STRING, "is_anonymous": _BOOLEAN})),
            "timestamp": _STRING,
            "comment": _nullable(_STRING),
            "size_bytes": _nullable(_INTEGER),
            "is_minor": _nullable(_BOOLEAN),
            "is_creation": _BOOLEAN,
            "problems": {"type": "array", "items": _ref("Problem")},
        }
    ),
    "DiffLine": _object(
        {
            "kind": {"type": "string", "enum": ["equal", "added", "removed", "changed"]},
            "parts": {
                "type": "array",
                "items": _object(
                    {"kind": {"type": "string", "enum": ["equal", "added", "removed"]}, "text": _STRING}
                ),
            },
        }
    ),
    "Diff": _object(
        {
            "hunks": {
                "type": "array",
                "items": _object(
                    {
                        "old_start": _INTEGER,
                        "new_start": _INTEGER,
                        "lines": {"type": "array", "items": _ref("DiffLine")},
                    }
                ),
            },
            "truncated": _BOOLEAN,
            "added_lines": _INTEGER,
            "removed_lines": _INTEGER,
        }
    ),
    "ExplainedCell": _object(
        {
            "prediction": _LABEL,
            "probability": _map(_NUMBER),
            "features": {
                "type": "array",
                "items": _object(
                    {
                        "name": _STRING,
                        "value": _VALUE,
                        "injected": _BOOLEAN,
                        "contributions": _map(_NUMBER),
                    }
                ),
            },
            "explanation": _map(_object({"base": _NUMBER, "logit": _NUMBER})),
        }
    ),
    "ExplainedScores": _map({"anyOf": [_ref("ExplainedCell"), _ref("CellError")]}),
    "ExplainedRevision": _object(
        {
            "wiki": _STRING,
            "revision": _ref("Revision"),
            "diff": _nullable(_ref("Diff")),
            "scores": _ref("ExplainedScores"),
        }
    ),
    "WhatIfScores": _object({"wiki": _STRING, "scores": _ref("ExplainedScores")}),
    "WhatIf": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "models": {"type": "array", "items": _STRING, "minItems": 1, "maxItems": 100},
            "injection": {"type": "object"},
        },
    },
    "Readiness": _object(
        {
            "ready": _BOOLEAN,
            "state": {"type": "string", "enum": ["ready", "degraded", "unready"]},
            "checks": _map(_STRING),
            "cache": _STRING,
        }
    ),
    "Liveness": _object({"alive": _BOOLEAN}),
}

_REFUSALS: Final = {
    400: "A parameter is wrong; the message says which and what would be right.",
    404: "No such wiki, model or revision.",
    405: "The path does not know this method; see the Allow header.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    414: "The address is too long; use POST.",
    415: "The body is no form or JSON.",
    429: "This client asks too much at once or too fast; try again after Retry-After seconds.",
    500: "A defect of the server; the message has an id to quote.",
    503: "Overloaded, or the wiki is not reachable; try again after Retry-After seconds.",
    504: "The deadline passed.",
}


def responses(schema: str, *refusals: int) -> dict[int | str, dict[str, Any]]:
    """A good answer of `schema`, and the refusals that every route can give besides `refusals`."""
    every = sorted({*refusals, 400, 405, 408, 413, 414, 500})
    table: dict[int | str, dict[str, Any]] = {
        200: {"description": "OK", "content": {"application/json": {"schema": _ref(schema)}}}
    }
    for status in every:
        content = {"application/json": {"schema": _ref("Error")}}
        table[status] = {"description": _REFUSALS[status], "content": content}
    return table


def document(app: FastAPI) -> dict[str, Any]:
    """The whole OpenAPI document."""
    whole: dict[str, Any] = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    whole.setdefault("components", {}).setdefault("schemas", {}).update(SCHEMAS)
    return whole
