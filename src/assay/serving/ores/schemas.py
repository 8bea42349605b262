"""ORES's parameters and shapes, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from assay.serving.openapi import FLAG, LABEL, NUMBER, VALUE, map_of, object_of, query_parameter, ref


def _bars(description: str, name: str, example: str) -> dict[str, Any]:
    return query_parameter(name, f"{description} Separated by |.", {"type": "string", "example": example})


SCORE_PARAMETERS: Final = {
    "models": _bars(
        "Models to score with; all of the wiki's when not given.", "models", "damaging|goodfaith"
    ),
    "revids": _bars("Up to 50 revision ids.", "revids", "123|456"),
    "features": query_parameter(
        "features", "Add the values that each model read.", FLAG, allowEmptyValue=True
    ),
    "explain": query_parameter(
        "explain", "Add each feature's contribution in log-odds.", FLAG, allowEmptyValue=True
    ),
    "model_info": _bars(
        "What to tell of each model, as dotted paths.", "model_info", "version|statistics.rates"
    ),
    "inject": query_parameter(
        "inject",
        "Values to use instead of computed ones: a JSON object by revision id. Single ones for all "
        "revisions are given as `feature.…` or `datasource.…` parameters with a JSON value.",
        {"type": "string", "example": '{"123":{"feature.revision.user.is_anon":true}}'},
    ),
    "precache": query_parameter(
        "precache",
        "Nobody waits for the answer: the work gives way to requests without this flag. It changes no quota.",
        FLAG,
        allowEmptyValue=True,
    ),
    "format": query_parameter(
        "format", "`json` leaves out blanks and line breaks.", {"type": "string", "enum": ["json"]}
    ),
}
"""Every parameter of the v3 routes, by name; the documentation is tested against it."""


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


SCHEMAS: Final[dict[str, Any]] = {
    "Score": object_of(
        {
            "prediction": LABEL,
            "probability": map_of({"type": "number", "minimum": 0, "maximum": 1}),
        }
    ),
    "ScoredCell": {
        "type": "object",
        "required": ["score"],
        "properties": {
            "score": ref("Score"),
            "features": map_of(VALUE),
            "explanation": map_of(object_of({"base": NUMBER, "contributions": map_of(NUMBER)})),
        },
    },
    "WikiScores": {
        "type": "object",
        "required": ["models"],
        "properties": {
            "models": map_of({"type": "object"}),
            "scores": map_of(map_of({"anyOf": [ref("ScoredCell"), ref("CellError")]})),
        },
    },
    "Scores": map_of(ref("WikiScores")) | {"description": "By wiki; scores by revision id and model."},
}
