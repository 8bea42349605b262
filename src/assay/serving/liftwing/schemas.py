"""The documents of Lift Wing and of the Open Inference Protocol, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from assay.revisions.record import MAX_ID
from assay.scoring.options import MAX_REVISIONS
from assay.serving.liftwing.tensors import INPUT, MAX_ID_CHARS, OUTPUTS
from assay.serving.openapi import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    list_of,
    map_of,
    object_of,
    ref,
    whole_number,
)

_REV_ID: Final = whole_number(1, MAX_ID)
_NAMED: Final = {"type": "object", "required": ["name"], "properties": {"name": STRING}}

SCHEMAS: Final[dict[str, Any]] = {
    "KserveError": {
        "type": "object",
        "required": ["error"],
        "properties": {"error": STRING, "detail": STRING | {"description": "The same, with a 422."}},
    },
    "KserveModels": object_of({"models": list_of(STRING)}),
    "KserveModel": object_of({"name": STRING, "ready": BOOLEAN}),
    "RevisionData": {
        "type": "object",
        "description": "A text that is not saved. What is left out is unknown.",
        "required": ["text", "page"],
        "properties": {
            "text": STRING,
            "lang": STRING,
            "comment": STRING,
            "timestamp": STRING,
            "page": {
                "type": "object",
                "required": ["title"],
                "properties": {"title": STRING, "id": INTEGER, "namespace_id": INTEGER},
            },
            "parent": {
                "type": "object",
                "description": "With its text, or with the id of a revision to fetch; none for a new page.",
                "properties": {"id": INTEGER, "text": STRING, "comment": STRING, "timestamp": STRING},
            },
            "user": {
                "type": "object",
                "description": "Id 0: logged out.",
                "properties": {
                    "id": INTEGER,
                    "name": STRING,
                    "groups": list_of(STRING),
                    "edit_count": INTEGER,
                    "registration_timestamp": STRING,
                },
            },
        },
    },
    "Prediction": {
        "type": "object",
        "description": "One of rev_id, event and revision_data; revert risk: also lang, or instances.",
        "properties": {
            "rev_id": _REV_ID,
            "event": {"type": "object", "description": "Of revision-create or page-change."},
            "revision_data": ref("RevisionData"),
            "extended_output": BOOLEAN | {"description": "Add the features, ORES's too."},
            "lang": STRING | {"description": "Such as en, for enwiki; revert risk only."},
            "instances": list_of(
                object_of({"rev_id": _REV_ID, "lang": STRING}),
                minItems=1,
                maxItems=MAX_REVISIONS,
                description="Several revisions of one language; revert risk only.",
            ),
        },
    },
    "RevertRisk": object_of(
        {
            "model_name": STRING,
            "model_version": STRING,
            "wiki_db": STRING,
            "revision_id": INTEGER,
            "output": object_of({"prediction": BOOLEAN, "probabilities": map_of(NUMBER)}),
        }
    ),
    "RevertRisks": {
        "type": "object",
        "required": ["predictions"],
        "properties": {"predictions": list_of(ref("RevertRisk")), "errors": list_of(STRING)},
    },
    "PredictedScores": {"anyOf": [ref("Scores"), ref("RevertRisk"), ref("RevertRisks")]},
    "InferenceServer": object_of({"name": STRING, "version": STRING, "extensions": list_of(STRING)}),
    "InferenceLive": object_of({"live": BOOLEAN}),
    "InferenceReady": object_of({"live": BOOLEAN, "ready": BOOLEAN}),
    "TensorMetadata": object_of({"name": STRING, "datatype": STRING, "shape": list_of(INTEGER)}),
    "InferenceModel": object_of(
        {
            "name": STRING,
            "versions": list_of(STRING),
            "platform": STRING,
            "inputs": list_of(ref("TensorMetadata")),
            "outputs": list_of(ref("TensorMetadata")),
        }
    ),
    "Inference": {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string", "maxLength": MAX_ID_CHARS},
            "parameters": {"type": "object"},
            "inputs": list_of(
                object_of(
                    {
                        "name": {"type": "string", "enum": [INPUT]},
                        "datatype": {"type": "string", "enum": ["INT64"]},
                        "shape": list_of(INTEGER, minItems=1, maxItems=1),
                        "data": list_of(_REV_ID, minItems=1, maxItems=MAX_REVISIONS),
                    }
                ),
                minItems=1,
                maxItems=1,
            ),
            "outputs": list_of(_NAMED | {"properties": {"name": {"type": "string", "enum": list(OUTPUTS)}}}),
        },
    },
    "Inferred": {
        "type": "object",
        "required": ["model_name", "model_version", "outputs"],
        "properties": {
            "model_name": STRING,
            "model_version": STRING,
            "id": STRING,
            "outputs": list_of(
                object_of(
                    {
                        "name": STRING,
                        "datatype": STRING,
                        "shape": list_of(INTEGER),
                        "data": list_of({"type": ["number", "string"]}),
                    }
                )
            ),
        },
    },
}
