"""The documents of the native API, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from assay.models.statistics.confusion import FIELDS
from assay.revisions.record import MAX_ID
from assay.serving.openapi import (
    BOOLEAN,
    INTEGER,
    LABEL,
    NUMBER,
    STRING,
    VALUE,
    list_of,
    map_of,
    nullable,
    object_of,
    ref,
    whole_number,
)

_ERROR: Final = object_of({"code": STRING, "message": STRING, "retryable": BOOLEAN})
_COUNTS: Final = object_of(dict.fromkeys(("tp", "fp", "tn", "fn"), NUMBER))
_STATISTICS: Final = object_of({field: nullable(NUMBER) for field in FIELDS})
_PAIR: Final = list_of(NUMBER, minItems=2, maxItems=2)
_NAMES: Final = {"wiki": STRING, "model": STRING, "version": STRING, "digest": STRING}
_OBJECT: Final = {"type": "object"}
_ANSWER: Final = {"satisfiable": BOOLEAN, "cut": nullable(ref("Cut")), "nearest": nullable(ref("Cut"))}
_POINT: Final = {
    "name": STRING,
    "title": STRING,
    "label": STRING,
    "query": STRING,
    **_ANSWER,
    "range": nullable(_PAIR),
}
_WISHES: Final = {
    "models": list_of(STRING, minItems=1, maxItems=100),
    "injection": {"type": "object"},
}
_ACTOR: Final = {
    "name": STRING,
    "is_anonymous": BOOLEAN,
    "id": whole_number(1, MAX_ID),
    "groups": list_of(STRING),
    "registered_at": {"type": "string", "format": "date-time"},
    "edit_count": INTEGER,
}

SCHEMAS: Final[dict[str, Any]] = {
    "NativeError": object_of({"error": _ERROR | {"properties": _ERROR["properties"] | {"limit": INTEGER}}}),
    "Feature": object_of(
        {"name": STRING, "doc": STRING, "type": {"type": "string", "enum": ["bool", "int", "float"]}}
    ),
    "Model": object_of(
        {
            "name": STRING,
            "version": STRING,
            "digest": STRING,
            "labels": list_of(LABEL),
            "features": list_of(ref("Feature")),
        }
    ),
    "Wikis": object_of({"wikis": list_of(object_of({"name": STRING, "models": list_of(ref("Model"))}))}),
    "Recent": object_of({"wiki": STRING, "revisions": list_of(INTEGER)}),
    "Revision": object_of(
        {
            "id": nullable(INTEGER),
            "parent_id": nullable(INTEGER),
            "page": object_of({"title": STRING, "namespace": nullable(INTEGER)}),
            "actor": nullable(object_of({"name": nullable(STRING), "is_anonymous": BOOLEAN})),
            "timestamp": nullable(STRING),
            "comment": nullable(STRING),
            "size_bytes": nullable(INTEGER),
            "size_change_bytes": nullable(INTEGER),
            "is_minor": nullable(BOOLEAN),
            "is_creation": BOOLEAN,
            "problems": list_of(ref("Problem")),
        }
    ),
    "DiffLine": object_of(
        {
            "kind": {"type": "string", "enum": ["equal", "added", "removed", "changed"]},
            "parts": list_of(
                object_of({"kind": {"type": "string", "enum": ["equal", "added", "removed"]}, "text": STRING})
            ),
        }
    ),
    "Diff": object_of(
        {
            "hunks": list_of(
                object_of(
                    {
                        "old_start": INTEGER,
                        "new_start": INTEGER,
                        "lines": list_of(ref("DiffLine")),
                    }
                )
            ),
            "truncated": BOOLEAN,
            "added_lines": INTEGER,
            "removed_lines": INTEGER,
        }
    ),
    "ExplainedCell": object_of(
        {
            "prediction": LABEL,
            "probability": map_of(NUMBER),
            "features": list_of(
                object_of(
                    {
                        "name": STRING,
                        "value": VALUE,
                        "injected": BOOLEAN,
                        "contributions": map_of(NUMBER),
                    }
                )
            ),
            "explanation": map_of(object_of({"base": NUMBER, "logit": NUMBER})),
        }
    ),
    "ExplainedScores": map_of({"anyOf": [ref("ExplainedCell"), ref("CellError")]}),
    "ExplainedRevision": object_of(
        {
            "wiki": STRING,
            "revision": ref("Revision"),
            "diff": nullable(ref("Diff")),
            "scores": ref("ExplainedScores"),
        }
    ),
    "WhatIfScores": object_of({"wiki": STRING, "scores": ref("ExplainedScores")}),
    "ManyRevisions": {
        "type": "object",
        "additionalProperties": False,
        "required": ["revisions"],
        "properties": {
            "revisions": list_of(whole_number(1, MAX_ID), minItems=1),
            "models": list_of(STRING, minItems=1, maxItems=100),
            "features": BOOLEAN,
            "explain": BOOLEAN,
            "order": {"type": "string", "enum": ["done", "asked"]},
        },
    },
    "ScoreLine": {
        "anyOf": [
            object_of({"wiki": STRING, "models": map_of(_OBJECT), "revisions": INTEGER}),
            object_of({"revision": INTEGER, "scores": map_of(_OBJECT)}),
            object_of({"pause": _ERROR, "retry_s": NUMBER}),
            object_of({"done": {"const": True}, "scored": INTEGER, "failed": INTEGER}),
            object_of(
                {
                    "done": {"const": False},
                    "error": _ERROR,
                    "scored": INTEGER,
                    "failed": INTEGER,
                    "remaining": list_of(INTEGER),
                }
            ),
        ]
    },
    "ModelCard": object_of(
        {
            **_NAMES,
            "kind": STRING,
            "description": STRING,
            "labels": list_of(STRING),
            "statistics": nullable(_OBJECT),
            "training": _OBJECT,
            "limits": list_of(STRING),
            "operating_points": list_of(STRING),
        }
    ),
    "Cut": object_of(
        {
            "threshold": NUMBER,
            "statistics": _STATISTICS,
            "intervals_95": object_of({field: nullable(_PAIR) for field in FIELDS}),
            "counts": _COUNTS,
        }
    ),
    "OperatingPoint": object_of(_POINT),
    "NamedPoint": object_of({**_NAMES, **_POINT}),
    "Optimum": object_of({**_NAMES, "label": STRING, "query": STRING, **_ANSWER}),
    "Thresholds": object_of(
        {
            **_NAMES,
            "labels": list_of(STRING),
            "label": STRING,
            "sample": object_of({"rows": INTEGER, "with_label": INTEGER}),
            "population_rate": nullable(NUMBER),
            "table": list_of(
                object_of({"threshold": NUMBER, **{f: nullable(NUMBER) for f in FIELDS}, "counts": _COUNTS})
            ),
            "operating_points": list_of(ref("OperatingPoint")),
        }
    ),
    "WhatIf": {"type": "object", "additionalProperties": False, "properties": _WISHES},
    "UnsavedText": {
        "type": "object",
        "additionalProperties": False,
        "required": ["text"],
        "properties": {
            "text": STRING,
            "parent_rev_id": whole_number(1, MAX_ID),
            "parent_text": STRING | {"description": "Instead of parent_rev_id; neither begins a page."},
            "title": STRING | {"description": "Needed unless parent_rev_id is given."},
            "comment": STRING,
            "is_minor": BOOLEAN,
            "actor": {"type": "object", "additionalProperties": False, "properties": _ACTOR},
            **_WISHES,
        },
    },
}
