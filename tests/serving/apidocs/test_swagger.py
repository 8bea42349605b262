"""Swagger 2.0 out of OpenAPI: valid by a validator that is not ours, and complete."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator, validate

from assay.serving.apidocs.swagger import swagger
from assay.serving.ores.schemas import PARAMETERS
from assay.serving.ores.scores import VERSIONS
from servers.asgi import Served
from small_app import ask


def test_our_own_document_is_valid(inline: Served) -> None:
    document = ask(inline, "/openapi.json").json
    assert document["openapi"].startswith("3.1")
    validate(document, cls=OpenAPIV31SpecValidator)


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_each_versions_document_is_valid_and_says_what_ours_says(inline: Served, version: Any) -> None:
    document = ask(inline, f"/{version.name}/spec/").json
    validate(document, cls=OpenAPIV2SpecValidator)
    ours = ask(inline, "/openapi.json").json["paths"]
    paths = [path for path in ours if path.startswith(version.roots)]
    assert len(paths) == len(version.roots) * len(version.paths)
    assert set(paths) <= set(document["paths"])
    for path in paths:
        assert set(document["paths"][path]) == set(ours[path]) == {"get", "post"}
        told = [p["name"] for p in document["paths"][path]["get"]["parameters"]]
        assert told == [p["name"] for p in ours[path]["get"]["parameters"]]
        assert set(document["paths"][path]["get"]["responses"]) == set(ours[path]["get"]["responses"])
        posted = {p["name"] for p in document["paths"][path]["post"]["parameters"] if p["in"] == "formData"}
        assert posted == (set(told) & set(PARAMETERS)) - {"callback"}


@pytest.mark.parametrize("name", ["v1", "v2", "v3"])
def test_a_document_has_the_addresses_that_ores_had(inline: Served, name: str) -> None:
    spec = ask(inline, f"/{name}/spec/")
    for path in (f"/{name}/spec", f"/{name}/?spec", f"/{name}?spec", f"/{name}/?spec="):
        reply = ask(inline, path)
        if path == "/v2?spec":  # which the Open Inference Protocol has, too, and sends on
            reply = ask(inline, reply.headers["location"])
        assert reply.body == spec.body
    assert spec.headers["access-control-allow-origin"] == "*"
    assert spec.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert spec.json["swagger"] == "2.0"


def test_no_header_of_the_client_is_repeated(inline: Served) -> None:
    reply = ask(inline, "/v3/spec/", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert b"evil" not in reply.body
    assert not {"host", "schemes"} & set(reply.json)


def openapi(operation: dict[str, Any], schemas: dict[str, Any] | None = None) -> dict[str, Any]:
    told = {"summary": "s", "operationId": "o", "tags": ["t"], "responses": {"200": {"description": "OK"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1", "description": "d"},
        "paths": {"/a/": {"post": told | operation}, "/b/": {"get": told}},
        "components": {"schemas": schemas or {}},
    }


def test_only_what_was_asked_for_and_what_it_refers_to_is_told() -> None:
    answer = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}
    schemas = {
        "A": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"}}},
        "B": {"anyOf": [{"$ref": "#/components/schemas/C"}, {"type": "null"}]},
        "C": {"type": ["number", "null"]},
        "D": {"type": ["boolean", "string"]},
    }
    document = openapi({"responses": {"200": {"description": "OK", **answer}}}, schemas)
    told = swagger(document, ["/a/"], "title", "1")
    validate(told, cls=OpenAPIV2SpecValidator)
    assert list(told["paths"]) == ["/a/"]
    assert set(told["definitions"]) == {"A", "B", "C"}
    assert told["definitions"]["C"] == {"type": "number", "x-nullable": True}
    assert told["definitions"]["B"]["description"] == "One of: C."


def test_a_json_body_is_told_as_such() -> None:
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    told = swagger(openapi({"requestBody": body}), ["/a/"], "title", "1")
    validate(told, cls=OpenAPIV2SpecValidator)
    operation = told["paths"]["/a/"]["post"]
    assert operation["consumes"] == ["application/json"]
    assert [parameter["in"] for parameter in operation["parameters"]] == ["body"]
