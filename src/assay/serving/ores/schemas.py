"""ORES's parameters and shapes, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from assay.serving.openapi import (
    FLAG,
    LABEL,
    NUMBER,
    STRING,
    VALUE,
    list_of,
    map_of,
    name_path,
    object_of,
    query_parameter,
    ref,
    rev_id_path,
)
from assay.serving.ores.jsonp import CALLBACK_PATTERN, MAX_CALLBACK_CHARS
from assay.serving.parameters import NO_REVISION


def _bars(description: str, name: str, example: str) -> dict[str, Any]:
    """`example`: in the description, since pages would fill in what they are given as an example."""
    return query_parameter(name, f"{description} Separated by |, as in `{example}`.", {"type": "string"})


PARAMETERS: Final = {
    "models": _bars(
        "Models to score with; all of the wiki's when not given.", "models", "damaging|goodfaith"
    ),
    "revids": _bars("Up to 50 revision ids.", "revids", "123|456"),
    "features": query_parameter(
        "features",
        "Add the values that each model read, and those that ORES told with it.",
        FLAG,
        allowEmptyValue=True,
    ),
    "explain": query_parameter(
        "explain", "Add each feature's contribution in log-odds.", FLAG, allowEmptyValue=True
    ),
    "error_codes": query_parameter(
        "error_codes",
        "Add to each cell's error its stable code, and whether asking again makes sense.",
        FLAG,
        allowEmptyValue=True,
    ),
    "model_info": _bars(
        "What to tell of each model, as dotted paths.", "model_info", "version|statistics.rates"
    ),
    "inject": query_parameter(
        "inject",
        "Values to use instead of computed ones: a JSON object by revision id. Single ones for all "
        "revisions are given as `feature.…` or `datasource.…` parameters with a JSON value. "
        'As in `{"123":{"feature.revision.user.is_anon":true}}`.',
        {"type": "string"},
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
    "callback": query_parameter(
        "callback",
        "A function's name: the answer is a script that calls it with the document (JSONP).",
        {"type": "string", "maxLength": MAX_CALLBACK_CHARS, "pattern": CALLBACK_PATTERN},
    ),
}
"""Every parameter of the score routes, by name; the documentation is tested against it."""

PATH_PARAMETERS: Final = {
    "wiki": name_path("wiki", "Database name of the wiki, such as enwiki."),
    "model": name_path("model", "Name of the model, such as damaging."),
    "rev_id": rev_id_path(least=NO_REVISION),
}


def query_parameters(*names: str) -> list[dict[str, Any]]:
    return [PARAMETERS[name] for name in names]


def form_body(*names: str) -> dict[str, Any]:
    """The same parameters as a form, for requests that are too long for an address. Scripts cannot post."""
    properties = {
        name: {**PARAMETERS[name]["schema"], "description": PARAMETERS[name]["description"]}
        for name in names
        if name != "callback"
    }
    schema = {"type": "object", "properties": properties}
    return {"required": False, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


_BARE_CELL: Final = {"anyOf": [ref("Score"), ref("BareError")]}
_MODEL_INFO: Final = {"type": "object"}

SCHEMAS: Final[dict[str, Any]] = {
    "Score": object_of(
        {
            "prediction": LABEL,
            "probability": map_of({"type": "number", "minimum": 0, "maximum": 1}),
        }
    ),
    "BareError": object_of({"error": object_of({"type": STRING, "message": STRING})}),
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
            "models": map_of(_MODEL_INFO),
            "scores": map_of(map_of({"anyOf": [ref("ScoredCell"), ref("BareError"), ref("CellError")]})),
        },
    },
    "Scores": map_of(ref("WikiScores")) | {"description": "By wiki; scores by revision id and model."},
    "WikisV1": object_of({"contexts": list_of(STRING)}),
    "ModelsV1": object_of({"models": map_of(_MODEL_INFO)}) | {"description": "What is known of the models."},
    "RowsV1": map_of(map_of(_BARE_CELL)) | {"description": "Scores by revision id and model."},
    "ScoresV1": {"anyOf": [ref("ModelsV1"), ref("RowsV1")]},
    "ModelV1": {
        "type": "object",
        "required": ["type", "version"],
        "description": "What is known of the model.",
    },
    "ColumnV1": map_of(_BARE_CELL) | {"description": "Scores by revision id."},
    "ModelScoresV1": {"anyOf": [ref("ModelV1"), ref("ColumnV1")]},
    "ModelScoresV2": {
        "type": "object",
        "required": ["version"],
        "properties": {
            "version": STRING,
            "info": _MODEL_INFO,
            "scores": map_of(_BARE_CELL),
            "features": map_of(map_of(VALUE)),
        },
    },
    "ScoresV2": object_of({"scores": map_of(map_of(ref("ModelScoresV2")))})
    | {"description": "By wiki and model; scores and features by revision id."},
}
