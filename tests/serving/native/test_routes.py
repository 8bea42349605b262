"""Every native route is described in the one way: what for, what it takes, answers and refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from servers.asgi import Served
from small_app import Reply, SmallApp, ask, post_json

ROUTES = {
    (method, path): operation
    for path, operations in SmallApp().build().fastapi.openapi()["paths"].items()
    if path.startswith("/api/")
    for method, operation in operations.items()
}
BODIES: dict[str, Any] = {
    "/api/{wiki}/scores": {"revisions": [12]},
    "/api/{wiki}/text": {"text": "x", "title": "x"},
}


def answered(served: Served, method: str, path: str, wiki: str = "smallwiki") -> Reply:
    asked = path.format(wiki=wiki, rev_id=12, model="damaging")
    return ask(served, asked) if method == "get" else post_json(served, asked, BODIES.get(path, {}))


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_route_is_described_and_answers_in_the_form_that_is_described(
    inline: Served, method: str, path: str
) -> None:
    operation = ROUTES[method, path]
    assert operation["summary"][0].isupper()
    assert ("requestBody" in operation) == (method == "post")
    described = operation["responses"]
    reply = answered(inline, method, path)
    if reply.status == 200:
        (form,) = described["200"]["content"]
        assert reply.headers["content-type"] == form
    for status in {*described} - {"200"}:
        (content,) = described[status]["content"].values()
        assert content["schema"] == {"$ref": "#/components/schemas/NativeError"}
    assert {"404", "415", "429", "503", "504"} <= set(described)


def test_refusals_come_as_described(inline: Served) -> None:
    for method, path in ROUTES:
        nowhere = path.format(wiki="nowiki", rev_id=12, model="none")
        if "{" in path:
            reply = (
                ask(inline, nowhere) if method == "get" else post_json(inline, nowhere, BODIES.get(path, {}))
            )
            assert reply.error[:2] == (404, "unknown_wiki"), path
    assert ask(inline, "/api/smallwiki/scores", method="POST", body=b"x", content_type="text/x").status == 415


def test_what_stands_in_a_path_is_told_and_what_comes_has_a_shape() -> None:
    """Without a shape, who generates clients gets nothing to work with."""
    for (_, path), operation in ROUTES.items():
        told = {it["name"]: it for it in operation.get("parameters", ()) if it["in"] == "path"}
        assert set(told) == set(re.findall(r"\{(\w+)\}", path))
        assert all(it["required"] and it["description"].endswith(".") for it in told.values())
        for form, content in operation["responses"]["200"]["content"].items():
            shape = content["schema"]
            assert {"$ref", "anyOf"} & set(shape) if form == "application/json" else shape["type"] == "string"
    (lines,) = ROUTES["post", "/api/{wiki}/scores"]["responses"]["200"]["content"].values()
    assert "ScoreLine" in lines["schema"]["description"]


def test_operations_have_short_names_that_stay_for_those_who_generate_clients() -> None:
    names = {operation["operationId"]: operation["summary"] for operation in ROUTES.values()}
    assert set(names) == {
        *("wikis", "recent", "revision", "what_if", "text", "feed"),
        *("model", "thresholds", "stream_scores"),
    }
    assert len(names) == len(ROUTES)
    assert all(summary.lower() != name.replace("_", " ") for name, summary in names.items())
