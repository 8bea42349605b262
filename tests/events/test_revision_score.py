from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from jsonschema import Draft202012Validator

from assay.events import Change, read_event, revision_score
from assay.events.revision_score import event_id
from events.recorded import fed, streamed

NOW = datetime(2020, 12, 2, 20, 1, 1, 280999, UTC)
CELLS: dict[str, dict[str, Any]] = {
    "damaging": {"score": {"prediction": False, "probability": {"false": 0.95, "true": 0.05}}},
    "itemquality": {"score": {"prediction": "C", "probability": {"A": 0.25, "C": 0.75}}},
    "articletopic": {"score": {"prediction": ["Media", "Women"], "probability": {"Media": 0.9}}},
}
VERSIONS = {"damaging": "0.5.0", "itemquality": "0.5.0", "articletopic": "1.2.0"}
OF_THE_BROKER = frozenset({"topic", "partition", "offset"})


def schema_of(samples: list[Any]) -> dict[str, Any]:
    """What recorded documents have in common, as a JSON Schema: their types, and the fields that all have.

    Fields are closed, but for models and labels, whose names are data.
    """
    first = samples[0]
    if isinstance(first, dict):
        names = {name for sample in samples for name in sample} - OF_THE_BROKER
        inner = {name: schema_of([s[name] for s in samples if name in s]) for name in sorted(names)}
        return {
            "type": "object",
            "properties": inner,
            "required": sorted(name for name in names if all(name in sample for sample in samples)),
            "additionalProperties": False,
        }
    if isinstance(first, list):
        return {
            "type": "array",
            "items": schema_of([item for sample in samples for item in sample]),
            "minItems": 1,
        }
    kinds = {"bool": "boolean", "int": "integer", "float": "number", "str": "string"}
    return {"type": sorted({kinds[type(sample).__name__] for sample in samples})}


def recorded_schema() -> dict[str, Any]:
    events = streamed("revision-score")
    schema = schema_of(events)
    scores = [score for event in events for score in event["scores"].values()]
    score = schema_of([{**score, "probability": {}} for score in scores])
    score["properties"]["probability"] = {
        "type": "object",
        "additionalProperties": {"type": "number"},
        "minProperties": 1,
    }
    schema["properties"]["scores"] = {"type": "object", "additionalProperties": score}
    return schema


def edit(event: Any) -> Change:
    found = read_event(event)
    assert isinstance(found, Change)
    return found


def test_it_has_the_form_of_wikimedias_events() -> None:
    validator = Draft202012Validator(recorded_schema())
    assert all(
        validator.is_valid(
            {**event, "meta": {k: v for k, v in event["meta"].items() if k not in OF_THE_BROKER}}
        )
        for event in streamed("revision-score")
    )
    for event in streamed("revision-create"):
        told = revision_score(edit(event), CELLS, VERSIONS, NOW)
        assert list(validator.iter_errors(told)) == []
        same = (
            "database",
            "page_id",
            "page_title",
            "page_namespace",
            "rev_id",
            "rev_parent_id",
            "rev_timestamp",
            "page_is_redirect",
        )
        assert {key: told[key] for key in same} == {key: event[key] for key in same}
        assert {**told["performer"], "user_groups": set(told["performer"]["user_groups"])} == {
            **event["performer"],
            "user_groups": set(event["performer"]["user_groups"]),
        }


def test_scores_are_told_as_wikimedia_did() -> None:
    told = revision_score(edit(streamed("revision-create")[0]), CELLS, VERSIONS, NOW)
    assert told["scores"]["damaging"] == {
        "model_name": "damaging",
        "model_version": "0.5.0",
        "prediction": ["false"],
        "probability": {"false": 0.95, "true": 0.05},
    }
    assert told["scores"]["articletopic"]["prediction"] == ["Media", "Women"]
    assert told["meta"]["dt"] == "2020-12-02T20:01:01.280Z"
    assert "errors" not in told


def test_errors_are_told_and_spoil_no_score() -> None:
    error = {
        "error": {"type": "TextDeleted", "message": "The text is hidden.", "code": "x", "retryable": False}
    }
    told = revision_score(
        edit(fed("udp")[20]), {**CELLS, "goodfaith": error}, {**VERSIONS, "goodfaith": "1"}, NOW
    )
    assert set(told["scores"]) == set(CELLS)
    assert told["errors"] == {
        "goodfaith": {
            "model_name": "goodfaith",
            "model_version": "1",
            "type": "TextDeleted",
            "message": "The text is hidden.",
        }
    }


def test_what_a_stream_does_not_tell_is_left_out() -> None:
    told = revision_score(edit(fed("udp")[20]), CELLS, VERSIONS, NOW)
    assert {"page_id", "page_is_redirect"} & set(told) == set()
    assert set(told["performer"]) <= {"user_text", "user_is_bot"}
    assert told["meta"]["domain"] == "127.0.0.1"


def test_its_id_is_the_edits() -> None:
    edits = {item for item in map(read_event, fed("redis")) if isinstance(item, Change)}
    assert len({event_id(item) for item in edits}) == len(edits)
    one = next(iter(edits))
    assert (
        revision_score(one, CELLS, VERSIONS, NOW)["meta"]["id"]
        == revision_score(one, {}, {}, NOW)["meta"]["id"]
    )
