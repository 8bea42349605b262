"""The OpenAPI document: complete, and kept by the live application for generated requests."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.routing import Route

from assay.serving.liftwing.predict import GATEWAY
from servers.asgi import Served
from small_app import SmallApp, ask

OLDER_ROOTS = ("/scores/", "/v1/scores/", "/v2/scores/")
"""Of ORES's first two versions, which share their handler with the third."""
DESCRIBED = SmallApp().build().fastapi.openapi()["paths"]
OPERATIONS = [(path, method.upper()) for path, operations in DESCRIBED.items() for method in operations]
ELSEWHERE = ("/v1/models/{name}", "/v2/models/{name}", "/api/{wiki}/text")
"""Asked of models that exist in tests/serving/liftwing/test_generated.py."""
NEWER = [operation for operation in OPERATIONS if not operation[0].startswith((*OLDER_ROOTS, *ELSEWHERE))]
OLDER = [operation for operation in OPERATIONS if operation[0].startswith(OLDER_ROOTS)]
PAGES = ["/docs", "/docs/{name}", *(f"/v{n}{path}" for n in (1, 2, 3) for path in ("", "/spec"))]
"""Descriptions themselves, for readers."""


def served_or_asked_to_wait(
    context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """No server error but 503, which a wiki that is away rightly gives."""
    if response.status_code != 503:
        not_a_server_error(context, response, case)


CHECKS = [
    served_or_asked_to_wait,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def document(live: Served) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{live.url}/openapi.json")


MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("path", "method"), NEWER)
def test_generated_requests_get_documented_answers(
    document: schemathesis.BaseSchema, live: Served, path: str, method: str, mode: GenerationMode
) -> None:
    _hold(document, live, path, method, mode, examples=25)


@pytest.fixture(scope="module")
def inline_document(inline: Served) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{inline.url}/openapi.json")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("path", "method"), OLDER)
def test_generated_requests_to_older_versions_as_well(
    inline_document: schemathesis.BaseSchema, inline: Served, path: str, method: str, mode: GenerationMode
) -> None:
    """On one engine: they differ from the third in the documents that are made of the scores."""
    _hold(inline_document, inline, path, method, mode, examples=8)


def _can_be_wrong(operation: Any) -> bool:
    """Names in a path cannot: any text may be one."""
    in_path = [parameter.definition["schema"]["type"] for parameter in operation.path_parameters]
    return bool(operation.query or operation.body or set(in_path) - {"string"})


def _hold(
    document: schemathesis.BaseSchema,
    live: Served,
    path: str,
    method: str,
    mode: GenerationMode,
    examples: int,
) -> None:
    operation = document[path][method]
    if mode is GenerationMode.NEGATIVE and not _can_be_wrong(operation):
        return

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(operation.as_strategy(generation_mode=mode))
    def hold(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=live.url, checks=CHECKS)

    hold()


def test_the_application_has_no_routes_that_are_not_described() -> None:
    for route in SmallApp().build().routes:
        assert isinstance(route, Route)
        path = route.path.removeprefix(GATEWAY)
        assert {path, f"{path}/"} & set(DESCRIBED) or path.rstrip("/") in PAGES


def test_every_path_parameter_and_schema_is_described(live: Served) -> None:
    document = ask(live, "/openapi.json").json
    for path, operations in document["paths"].items():
        for operation in operations.values():
            described = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert set(re.findall(r"\{(\w+)\}", path)) == described
            assert operation["summary"]
    text = ask(live, "/openapi.json").body.decode()
    for name in document["components"]["schemas"]:
        # OpenAPI 3.1 cannot refer to the schema of a line of JSON lines: it is named in words.
        assert f"#/components/schemas/{name}" in text or name == "ScoreLine"


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_answer_is_described_by_a_framework_that_does_not_know_it(path: str, method: str) -> None:
    """It would say that a stream of lines, or metrics, may come as any JSON."""
    answers = DESCRIBED[path][method.lower()]["responses"]["200"]["content"]
    assert [kind for kind, content in answers.items() if content == {"schema": {}}] == []
