"""Reading parameters: any bytes give either a meaning or a clear refusal."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request

from assay.errors import BadParameter, RequestError
from assay.revisions.record import MAX_ID
from assay.scoring.options import MAX_REVISIONS
from assay.serving.parameters import parse, read_fields
from assay.serving.refusals import HttpError

KNOWN = [
    "models",
    "revids",
    "features",
    "explain",
    "model_info",
    "inject",
    "format",
    "precache",
    "feature.x",
    "datasource.y",
]
json_texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
).map(lambda value: orjson.dumps(value, default=str).decode() if _fits(value) else "0")
values = st.text(max_size=30) | json_texts | st.sampled_from(["1", "1|2", "true", "", "|", "[" * 500])


def _fits(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def fields_of(query: bytes, body: bytes = b"", content_type: str = "") -> dict[str, str]:
    """Fields of a POST request with this query and body."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", content_type.encode("latin-1"))] if content_type else []
    scope = {"type": "http", "method": "POST", "query_string": query, "headers": headers}
    return asyncio.run(read_fields(Request(scope, receive)))


@given(st.dictionaries(st.sampled_from(KNOWN) | st.text(max_size=8), values, max_size=6))
def test_any_fields_are_understood_or_refused(fields: dict[str, str]) -> None:
    try:
        asked = parse(fields)
    except RequestError:
        return
    assert all(0 <= rev_id <= MAX_ID for rev_id in asked.rev_ids)
    assert len(set(asked.rev_ids)) == len(asked.rev_ids) <= MAX_REVISIONS
    assert set(asked.injection) <= set(asked.rev_ids)


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=6))
def test_query_and_form_give_the_same_fields(fields: dict[str, str]) -> None:
    encoded = urlencode(fields).encode()
    assert fields_of(encoded) == fields
    assert fields_of(b"", encoded, "application/x-www-form-urlencoded") == fields


@given(st.binary(max_size=200))
@example(b"revids=1%ff")
@example(b"\xff=1")
def test_any_query_bytes_are_read_or_refused(query: bytes) -> None:
    refused = "the query string"
    try:
        fields_of(query)
    except BadParameter as error:
        refused = str(error)
    assert "the query string" in refused


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters='"\r\n', exclude_categories=["Cs"]), min_size=1, max_size=8),
        st.text(max_size=20),
        min_size=1,
        max_size=6,
    )
)
@example({"models": "a\r\n\r\n--", "revids": ""})
def test_a_multipart_form_gives_the_same_fields(fields: dict[str, str]) -> None:
    body = "".join(
        f'--x(y\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    kind = 'multipart/form-data; boundary="x(y"'
    assert fields_of(b"", f"preamble\r\n{body}--x(y--\r\n".encode(), kind) == fields
    with pytest.raises(BadParameter, match="cut short"):
        fields_of(b"", body.encode(), kind)


NESTED = b"".join(
    b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (depth, depth + 1)
    for depth in range(999)
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (NESTED + b"\r\n--b0--", "no plain field"),
        (
            b'--b0\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\n1\r\n--b0--',
            "no plain field",
        ),
        (b'--b0\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1001 + b"--b0--", "1000 fields"),
        (b"--b0--", "no fields"),
    ],
)
def test_a_multipart_form_of_anything_but_a_few_plain_fields_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(BadParameter, match=reason):
        fields_of(b"", body, "multipart/form-data; boundary=b0")


@given(
    st.binary(max_size=300), st.sampled_from(["", "; boundary=x", '; boundary="', "; boundary=" + "y" * 80])
)
@example(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--\r\n', "; boundary=x")
@example(b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n", "; boundary=x")
def test_any_multipart_body_is_read_or_refused(body: bytes, parameter: str) -> None:
    refused = "the form body"
    try:
        fields_of(b"", body, "multipart/form-data" + parameter)
    except (BadParameter, HttpError) as error:
        refused = str(error)
    assert "form" in refused or "Could not interpret" in refused


@given(st.lists(st.integers(1, MAX_ID), min_size=1, max_size=60))
def test_ids_keep_their_order_once_each(rev_ids: list[int]) -> None:
    unique = list(dict.fromkeys(rev_ids))
    fields = {"revids": "|".join(map(str, rev_ids))}
    if len(unique) > MAX_REVISIONS:
        with pytest.raises(BadParameter):
            parse(fields)
    else:
        assert list(parse(fields).rev_ids) == unique


@pytest.mark.parametrize(
    ("query", "bulk"),
    [
        (b"", False),
        (b"precache", True),
        (b"precache=", True),
        (b"precache=true", True),
        (b"precache=0", False),
    ],
)
def test_precache_is_a_flag_of_query_and_form(query: bytes, bulk: bool) -> None:
    assert parse(fields_of(query)).bulk is bulk
    assert parse(fields_of(b"", query, "application/x-www-form-urlencoded")).bulk is bulk


def test_an_empty_injection_is_none() -> None:
    assert parse({"revids": "1", "inject": '{"1": {}}'}).injection == {}


def test_the_path_comes_before_the_parameters() -> None:
    asked = parse({"revids": "1|2", "models": "a|b"}, "3", "c")
    assert (asked.rev_ids, asked.models) == ((3,), ("c",))


def test_a_list_may_be_repeated_and_of_all_else_the_first_value_counts() -> None:
    """`revids=1&revids=2` is how many libraries write lists; the second must not be lost without a word."""
    fields = fields_of(
        b"revids=1|2&revids=3&models=a&models=b&format=json&format=xml",
        b"revids=9&models=c",
        "application/x-www-form-urlencoded",
    )
    assert parse(fields).rev_ids == (1, 2, 3)
    assert parse(fields).models == ("a", "b")
    assert fields["format"] == "json"


def test_empty_fields_of_a_repeated_list_say_nothing() -> None:
    fields = fields_of(b"revids=&revids=1&revids=+&models=a&models=")
    assert (parse(fields).rev_ids, parse(fields).models) == ((1,), ("a",))
    with pytest.raises(BadParameter, match="Could not interpret revids"):
        parse(fields_of(b"revids=&revids="))


def test_commas_between_ids_are_refused_with_what_stands_there_instead() -> None:
    with pytest.raises(BadParameter, match=r"'1,2' is not .* with \| between several\.$"):
        parse({"revids": "1,2"})
    with pytest.raises(BadParameter, match=r"to [0-9]+\.$"):
        parse({}, "1,2")
