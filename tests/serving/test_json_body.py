"""Which bodies are JSON objects."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from assay.errors import BadParameter
from assay.serving.json_body import read_object
from assay.serving.refusals import HttpError


def request(body: bytes, content_type: str | None) -> Request:
    headers = [] if content_type is None else [(b"content-type", content_type.encode())]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON ; charset=utf-8", " application/json", "", None]
)
async def test_an_object_is_read_and_nothing_is_an_empty_one(kind: str | None) -> None:
    assert await read_object(request(b'{"a": [1]}', kind)) == {"a": [1]}
    assert await read_object(request(b"", kind)) == {}


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/json", "application/json-seq"])
async def test_another_type_is_refused_unless_any_will_do(kind: str) -> None:
    with pytest.raises(HttpError, match=r"Send application/json\.") as refused:
        await read_object(request(b"{}", kind))
    assert refused.value.status == 415
    assert await read_object(request(b'{"a": 1}', kind), any_type=True) == {"a": 1}


@pytest.mark.parametrize("body", [b"{", b"\xff", b"NaN", b'{"a": 1} x'])
async def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadParameter, match=r"Could not interpret the body\. It is not JSON: ."):
        await read_object(request(body, None))


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null"])
async def test_another_value_is_refused(body: bytes) -> None:
    with pytest.raises(BadParameter, match="Give an object"):
        await read_object(request(body, None))
