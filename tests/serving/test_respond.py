"""How an answer is written, byte for byte, and that nothing between keeps it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from assay.errors import Overloaded
from assay.serving.refusals import refusal
from assay.serving.respond import json_response, ores_response, refusal_response, unless_known

DOCUMENT = {"b": [1, 0.5], "a": {"é": None}}


@pytest.mark.parametrize(
    "response",
    [
        json_response(DOCUMENT),
        ores_response(DOCUMENT, compact=True),
        ores_response(DOCUMENT, compact=False),
        refusal_response(refusal(Overloaded("x"), ""), "/"),
    ],
)
def test_no_cache_may_keep_a_score(response: Response) -> None:
    assert response.status_code in (200, 503)
    assert "no-store" in response.headers["cache-control"]
    assert response.headers["pragma"] == "no-cache"
    assert response.headers["expires"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert response.headers["content-type"] == "application/json"


def test_keys_are_sorted_with_and_without_blanks() -> None:
    indented = '{\n  "a": {\n    "é": null\n  },\n  "b": [\n    1,\n    0.5\n  ]\n}\n'.encode()
    assert json_response(DOCUMENT).body == '{"a":{"é":null},"b":[1,0.5]}'.encode()
    assert json_response(DOCUMENT, compact=False).body == indented
    assert ores_response(DOCUMENT, compact=False).body == indented
    assert ores_response(DOCUMENT, compact=True).body == rb'{"a": {"\u00e9": null}, "b": [1, 0.5]}'


@given(st.dictionaries(st.text(max_size=3), st.floats() | st.text(max_size=3)), st.booleans())
def test_both_ways_say_the_same_and_what_is_no_number_is_null(document: Any, compact: bool) -> None:
    body = bytes(ores_response(document, compact=compact).body)
    assert orjson.loads(body) == orjson.loads(bytes(json_response(document).body))


def test_further_headers_and_the_status_are_sent() -> None:
    response = json_response({}, status=201, headers={"X-Cache": "hit", "Pragma": "mine"})
    assert (response.status_code, response.headers["x-cache"], response.headers["pragma"]) == (
        *(201, "hit", "mine"),
    )
    assert ores_response({}, compact=True, headers={"X-Cache": "hit"}).headers["x-cache"] == "hit"
    assert ores_response({}, compact=False, headers={"X-Cache": "hit"}).headers["x-cache"] == "hit"


def test_a_refusal_has_its_status_and_headers() -> None:
    response = refusal_response(refusal(Overloaded("Full.", delay_s=7), ""), "/api/x")
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")
    assert orjson.loads(bytes(response.body))["error"]["code"] == "overloaded"


def _asked(etag: str | None) -> Request:
    headers = [] if etag is None else [(b"if-none-match", etag.encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


def test_what_the_client_has_is_not_sent_again() -> None:
    whole = unless_known(json_response({"a": 1}), _asked(None))
    etag = whole.headers["etag"]
    assert (whole.status_code, whole.body, etag[0], etag[-1]) == (200, b'{"a":1}', '"', '"')
    for shown in (etag, f"W/{etag}", f'"other", {etag}'):
        known = unless_known(json_response({"a": 1}), _asked(shown))
        assert (known.status_code, known.body, known.headers["etag"]) == (304, b"", etag)
        assert not {"content-type", "content-length"} & set(known.headers)
        assert "no-store" in known.headers["cache-control"]
    assert unless_known(json_response({"a": 2}), _asked(etag)).status_code == 200
