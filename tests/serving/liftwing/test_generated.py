"""Bodies generated from the OpenAPI document, sound and unsound, for models that exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from servers.asgi import Served, serving
from small_app import SmallApp, ask

MODEL = {"name": "smallwiki-damaging"}
RISK = {"name": "revertrisk-multilingual"}
OPERATIONS: list[tuple[str, str, dict[str, str]]] = [
    ("POST", "/v1/models/{name}:predict", MODEL),
    ("POST", "/v1/models/{name}:predict", RISK),
    ("POST", "/v1/models/{name}:explain", MODEL),
    ("POST", "/v2/models/{name}/infer", MODEL),
    ("POST", "/v2/models/{name}/versions/{version}/infer", MODEL | {"version": "1.2.3"}),
    ("POST", "/api/{wiki}/text", {"wiki": "smallwiki"}),
]
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def live() -> Iterator[Served]:
    """On one engine: what is generated here is read before any engine has it."""
    with serving(SmallApp().build().asgi) as served:
        yield served


@pytest.fixture(scope="module")
def document(live: Served) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{live.url}/openapi.json")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("method", "path", "names"), OPERATIONS)
def test_generated_bodies_get_documented_answers(
    document: schemathesis.BaseSchema,
    live: Served,
    method: str,
    path: str,
    names: dict[str, Any],
    mode: GenerationMode,
) -> None:
    statuses: set[int] = set()

    @settings(max_examples=15, suppress_health_check=list(HealthCheck), derandomize=True, deadline=None)
    @given(document[path][method].as_strategy(generation_mode=mode))
    def hold(case: schemathesis.Case[Any]) -> None:
        case.path_parameters = dict(names)
        answer = case.call_and_validate(base_url=live.url, checks=CHECKS)
        assert answer.status_code not in (405, 500)
        statuses.add(answer.status_code)

    hold()
    if mode is GenerationMode.NEGATIVE:
        assert 400 in statuses


@pytest.mark.parametrize("path", ["/v1/models/{name}", "/v2/models/{name}", "/v2/models/{name}/ready"])
def test_what_is_told_of_a_model_is_as_described(
    document: schemathesis.BaseSchema, live: Served, path: str
) -> None:
    case = document[path]["GET"].Case(path_parameters=MODEL)
    assert ask(live, path.format(**MODEL)).status == 200
    case.call_and_validate(base_url=live.url, checks=CHECKS)
