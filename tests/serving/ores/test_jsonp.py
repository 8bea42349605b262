"""Documents as scripts."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BadParameter
from assay.serving.ores.jsonp import callback_of, script
from servers.asgi import Served
from small_app import ask

CALL = re.compile(rb"/\*\*/([A-Za-z_$][\w$.]*)\((.*)\);", re.DOTALL)


def called(body: bytes) -> tuple[str, Any]:
    match = CALL.fullmatch(body)
    assert match is not None, body[:200]
    return match[1].decode(), json.loads(match[2])


@pytest.mark.parametrize(
    "path",
    [
        "/scores/",
        "/v1/scores/smallwiki/damaging/12",
        "/v2/scores/",
        "/v3/scores/smallwiki/12/damaging/",
        "/v3/spec/",
    ],
)
def test_an_answer_calls_the_function(inline: Served, path: str) -> None:
    reply = ask(inline, f"{path}?callback=jQuery1113_42")
    assert called(reply.body) == ("jQuery1113_42", ask(inline, path).json)
    assert reply.headers["content-type"] == "application/javascript; charset=utf-8"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert int(reply.headers["content-length"]) == len(reply.body)
    assert ask(inline, f"{path}?callback=jQuery1113_42", method="HEAD").status == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v3/scores/nowiki/", 404),
        ("/v1/scores/smallwiki/?revids=x", 400),
        ("/v2/scores/smallwiki/damaging/12/more", 404),
    ],
)
def test_errors_are_scripts_as_well(inline: Served, path: str, status: int) -> None:
    reply = ask(inline, f"{path}{'&' if '?' in path else '?'}callback=app.failed")
    name, document = called(reply.body)
    assert (reply.status, name) == (status, "app.failed")
    assert document == ask(inline, path).json


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "alert(1)",
            "a;b",
            "a b",
            "1a",
            "a..b",
            ".a",
            "a.",
            "a[0]",
            "a.b.c.d.e",
            "%C3%A9",
            "a%0A",
            "<x>",
        ),
        *("a%00", "a-b", "a/*b", "eval", "new", "a.constructor", "__proto__.x", "this.x"),
        "x" * 129,
    ],
)
def test_what_is_no_plain_name_is_refused_in_json(inline: Served, name: str) -> None:
    reply = ask(inline, f"/v3/scores/?callback={name}".replace(" ", "+"))
    assert reply.error[:2] == (400, "bad request")
    assert reply.headers["content-type"] == "application/json"
    assert "Could not interpret callback." in reply.json["error"]["message"]


def test_only_reading_and_only_these_routes_can_be_wrapped(inline: Served) -> None:
    for path in ("/api/wikis", "/livez", "/api/smallwiki/models/damaging"):
        assert ask(inline, f"{path}?callback=f").body == ask(inline, path).body
    posted = ask(inline, "/v3/scores/?callback=f", method="POST")
    assert posted.headers["content-type"] == "application/json"
    assert ask(inline, "/v1/?callback=f").headers["content-type"].startswith("text/html")


def test_of_several_callbacks_the_first_counts() -> None:
    assert callback_of(b"callback=a&callback=b") == "a"
    assert callback_of(b"xcallback=a") is None


@given(st.binary(max_size=40))
def test_any_query_is_read_or_refused(query: bytes) -> None:
    try:
        name = callback_of(b"callback=" + query)
    except BadParameter:
        return
    assert name is not None
    assert re.fullmatch(r"[\w$.]+", name, re.ASCII)


@given(st.text() | st.text(alphabet='a\u2028\u2029\\"/'))
def test_no_text_ends_the_script_early(text: str) -> None:
    wrapped = script("f", json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    assert "\u2028" not in wrapped.decode("utf-8", "surrogatepass")
    assert "\u2029" not in wrapped.decode("utf-8", "surrogatepass")
    match = CALL.fullmatch(wrapped)
    assert match is not None
    assert json.loads(match[2].decode("utf-8", "surrogatepass")) == text
