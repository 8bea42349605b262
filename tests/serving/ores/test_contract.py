"""Our answers against JSON schemas that are drawn from recorded ones: what is required was not our idea."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import jsonschema
import pytest

from servers.asgi import Served
from shared_data import shared
from small_app import ask

FIXED: Final = {"models", "scores", "version", "score", "features", "prediction", "probability"}
"""Keys with a meaning of their own; all others are names: of wikis, revisions, models, features, labels."""

DOCUMENTS: Final = [
    "ores-v3__enwiki__articlequality__features__2revs.json",
    "ores-v3__wikidatawiki__itemquality__features__2revs.json",
    "liftwing-ores-legacy__ores_example_responses.json",
    "liftwing-ores-legacy__enwiki_ores_responses.json",
    "liftwing-ores-legacy__liftwing_responses.json",
]


def schema_of(values: list[Any]) -> dict[str, Any]:
    """What all of `values` have in common: types, and for objects the keys that none of them lacks."""
    kinds = sorted({_kind(value) for value in values})
    if kinds != ["object"]:
        return {"type": kinds}
    keys = set().union(*values) & FIXED
    named = [item for value in values for key, item in value.items() if key not in FIXED]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {key: schema_of([value[key] for value in values if key in value]) for key in keys},
        "required": sorted(key for key in keys if all(key in value for value in values)),
    }
    return schema | {"additionalProperties": schema_of(named) if named else False}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "object" if isinstance(value, dict) else "string"


def recorded(name: str) -> Iterator[dict[str, Any]]:
    """Every answer of the third API in a file, however it is wrapped."""
    yield from _answers(json.loads(shared(f"samples/ores/{name}").read_text()))


def _answers(value: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(value, dict):
        return
    if value and all(isinstance(part, dict) and "models" in part for part in value.values()):
        yield value
        return
    for part in value.values():
        yield from _answers(part)


@pytest.fixture(scope="module")
def schemas() -> dict[str, dict[str, Any]]:
    """By what was asked: ``models`` alone, ``scores``, or scores with ``features``."""
    answers: dict[str, list[Any]] = {"models": [], "scores": [], "features": []}
    for name in DOCUMENTS:
        for answer in recorded(name):
            text = json.dumps(answer)
            kind = "features" if '"features"' in text else "scores" if '"scores"' in text else "models"
            answers[kind].append(answer)
    assert all(answers.values())
    return {kind: schema_of(found) for kind, found in answers.items()}


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("models", "/v3/scores/"),
        ("models", "/v3/scores/samplewiki/"),
        ("models", "/v3/scores/samplewiki/?models=damaging|articlequality&model_info=version"),
        ("scores", "/v3/scores/samplewiki/?revids=1260|1261|1275"),
        ("scores", "/v3/scores/samplewiki/1260"),
        ("scores", "/v3/scores/samplewiki/1260/damaging"),
        ("features", "/v3/scores/samplewiki/?models=articlequality&revids=1260|1261&features"),
        ("features", "/v3/scores/samplewiki/1260/articlequality?features"),
    ],
)
def test_an_answer_is_what_was_recorded(
    shipped: Served, schemas: dict[str, dict[str, Any]], kind: str, path: str
) -> None:
    jsonschema.validate(without_unknown(ask(shipped, path).json), schemas[kind])


def without_unknown(value: Any) -> Any:
    """Nulls left out. ORES's models had no feature that may be unknown; ours have, and say so by null."""
    if not isinstance(value, dict):
        return value
    return {key: without_unknown(item) for key, item in value.items() if item is not None}


def test_the_schemas_can_fail(schemas: dict[str, dict[str, Any]]) -> None:
    bare = {"x": {"models": {"m": {"version": "1"}}, "scores": {"1": {"m": {"prediction": True}}}}}
    broken: list[dict[str, Any]] = [bare, {"scores": {}}, {"x": {"models": {"m": {}}, "scores": {}}}]
    for wrong in broken:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schemas["scores"])


def test_errors_keep_the_legacys_envelopes(shipped: Served) -> None:
    """None was recorded; these are the fields that its source wrote."""
    cell = ask(shipped, "/v3/scores/samplewiki/999999/damaging").json["samplewiki"]["scores"]["999999"][
        "damaging"
    ]
    assert {"type", "message"} <= set(cell["error"])
    assert cell["error"]["type"] == "RevisionNotFound"
    whole = ask(shipped, "/v3/scores/samplewiki/1/none").json
    assert set(whole) == {"error"}
    assert set(whole["error"]) == {"code", "message"}


def test_model_information_names_what_the_legacys_tree_had(shipped: Served) -> None:
    told = ask(shipped, "/v3/scores/samplewiki/?models=damaging&model_info").json
    info = told["samplewiki"]["models"]["damaging"]
    assert {"type", "version", "params", "environment", "statistics", "score_schema"} <= set(info)
    assert set(info["params"]["population_rates"]) == {"true", "false"}
    jsonschema.Draft7Validator.check_schema(info["score_schema"])
    score = ask(shipped, "/v1/scores/samplewiki/damaging/1260").json["1260"]
    jsonschema.validate(score, info["score_schema"])
