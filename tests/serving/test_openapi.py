"""The OpenAPI document: complete, and kept by the live application for generated requests."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from assay.serving.liftwing.predict import GATEWAY
from servers.asgi import Served
from small_app import SmallApp, ask

ROUTES = [
    "/v3/scores/",
    "/v3/scores/{wiki}/",
    "/v3/scores/{wiki}/{rev_id}/",
    "/v3/scores/{wiki}/{rev_id}/{model}/",
    "/api/wikis",
    "/api/{wiki}/recent",
    "/api/{wiki}/revisions/{rev_id}",
    "/api/{wiki}/feed",
    "/api/{wiki}/scores",
    "/api/{wiki}/models/{model}",
    "/api/{wiki}/models/{model}/thresholds",
    "/api/{wiki}/text",
    "/v1/models/{name}:predict",
    "/v1/models/{name}:explain",
    "/v1/models/{name}",
    "/v1/models",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/{name}",
    "/v2/models/{name}/ready",
    "/v2/models/{name}/infer",
    "/v2/models/{name}/versions/{version}",
    "/v2/models/{name}/versions/{version}/ready",
    "/v2/models/{name}/versions/{version}/infer",
    "/livez",
    "/readyz",
    "/metrics",
]


READ_ONLY = {"recent", "feed", "models"}
POSTED = ("/text", "}/scores", ":predict", ":explain", "/infer")
"""Endings of routes that are for POST alone."""

OPERATIONS = [
    *((route, "GET") for route in ROUTES if not route.endswith(POSTED)),
    *((route, "POST") for route in ROUTES if "{wiki}" in route and not READ_ONLY & set(route.split("/"))),
    *((route, "POST") for route in ROUTES if "{name}" in route and route.endswith(POSTED)),
]


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


def _can_be_wrong(operation: Any) -> bool:
    """Names in a path cannot: any text may be one."""
    in_path = [parameter.definition["schema"]["type"] for parameter in operation.path_parameters]
    return bool(operation.query or operation.body or set(in_path) - {"string"})


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_generated_requests_get_documented_answers(
    document: schemathesis.BaseSchema, live: Served, path: str, method: str, mode: GenerationMode
) -> None:
    operation = document[path][method]
    if mode is GenerationMode.NEGATIVE and not _can_be_wrong(operation):
        return

    @settings(max_examples=25, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(operation.as_strategy(generation_mode=mode))
    def hold(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=live.url, checks=CHECKS)

    hold()


def test_every_route_is_described(live: Served) -> None:
    assert list(ask(live, "/openapi.json").json["paths"]) == ROUTES


def test_the_application_has_no_routes_that_are_not_described() -> None:
    routers = [getattr(entry, "original_router", None) for entry in SmallApp().build().fastapi.routes]
    routes = [route for router in routers if router is not None for route in router.routes]
    assert routes
    for route in routes:
        assert isinstance(route, APIRoute)
        path = route.path.removeprefix(GATEWAY)
        assert path in ROUTES or f"{path}/" in ROUTES


def test_every_path_parameter_and_schema_is_described(live: Served) -> None:
    document = ask(live, "/openapi.json").json
    for path, operations in document["paths"].items():
        for operation in operations.values():
            described = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert set(re.findall(r"\{(\w+)\}", path)) == described
            assert operation["summary"]
    text = ask(live, "/openapi.json").body.decode()
    for name in document["components"]["schemas"]:
        assert f"#/components/schemas/{name}" in text or name in ("Scores", "ScoreLine")
