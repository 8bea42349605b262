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
from servers.small_web import SmallWeb
from small_app import SmallApp, ask

OLDER = [
    f"{root}{path}"
    for root in ("/scores/", "/v1/scores/", "/v2/scores/")
    for path in ("", "{wiki}/", "{wiki}/{model}/", "{wiki}/{model}/{rev_id}/")
]
"""Of ORES's first two versions, which share their handler with the third."""

ROUTES = [
    "/v3/scores/",
    "/v3/scores/{wiki}/",
    "/v3/scores/{wiki}/{rev_id}/",
    "/v3/scores/{wiki}/{rev_id}/{model}/",
    "/versions/",
    "/api/wikis",
    "/api/{wiki}/recent",
    "/api/{wiki}/revisions/{rev_id}",
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


READ_ONLY = {"recent", "models"}
POSTED = ("/text", "}/scores")
"""Endings of routes that are for POST alone."""

OPERATIONS = [
    *((route, "GET") for route in ROUTES if "{name}" not in route and not route.endswith(POSTED)),
    *(
        (route, "POST")
        for route in ROUTES
        if "{wiki}" in route and not route.endswith("/text") and not READ_ONLY & set(route.split("/"))
    ),
]
"""The others are asked in tests/serving/liftwing/test_generated.py, of models that exist."""


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


def _can_be_wrong(operation: Any) -> bool:
    """Names in a path cannot: any text may be one."""
    in_path = [parameter.definition["schema"]["type"] for parameter in operation.path_parameters]
    return bool(operation.query or operation.body or set(in_path) - {"string"})


MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_generated_requests_get_documented_answers(
    document: schemathesis.BaseSchema, live: Served, path: str, method: str, mode: GenerationMode
) -> None:
    _hold(document, live, path, method, mode, examples=25)


@pytest.fixture(scope="module")
def inline(web: SmallWeb) -> tuple[schemathesis.BaseSchema, Served]:
    _, served = web.live("inline")
    return schemathesis.openapi.from_url(f"{served.url}/openapi.json"), served


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", OLDER)
def test_generated_requests_to_older_versions_as_well(
    inline: tuple[schemathesis.BaseSchema, Served], path: str, method: str, mode: GenerationMode
) -> None:
    """On one engine: they differ from the third in the documents that are made of the scores."""
    _hold(*inline, path, method, mode, examples=8)


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


def test_every_route_is_described(live: Served) -> None:
    assert list(ask(live, "/openapi.json").json["paths"]) == [*OLDER, *ROUTES]


def test_the_application_has_no_routes_that_are_not_described() -> None:
    routers = [getattr(entry, "original_router", None) for entry in SmallApp().build().fastapi.routes]
    routes = [route for router in routers if router is not None for route in router.routes]
    assert routes
    for route in routes:
        assert isinstance(route, APIRoute)
        path = route.path.removeprefix(GATEWAY)
        assert {path, f"{path}/"} & {*OLDER, *ROUTES} or path.rstrip("/") in PAGES


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
