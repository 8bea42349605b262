"""What can be configured of the follower, and what is wrong at once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.precache.options import HTTP_URL, PrecacheOptions, SinkOptions, StreamOptions, host_and_port

ADDRESS = "http://127.0.0.1:8080/"


@pytest.mark.parametrize(
    ("kind", "needed", "value"),
    [
        ("eventstreams", "url", ADDRESS),
        ("recentchanges", "wiki", "clubwiki"),
        ("redis", "channel", "rc"),
        ("udp", "address", "127.0.0.1:9390"),
    ],
)
def test_a_stream_needs_one_thing(kind: Any, needed: str, value: str) -> None:
    assert getattr(StreamOptions(kind, **{needed: value}), needed) == value  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"^{needed}: must be given for the kind {kind}$"):
        StreamOptions(kind)


@pytest.mark.parametrize(("kind", "needed", "value"), [("file", "path", "x"), ("http", "url", ADDRESS)])
def test_a_sink_needs_one_thing(kind: Any, needed: str, value: str) -> None:
    assert getattr(SinkOptions(kind, **{needed: value}), needed) == value  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"^{needed}: must be given for the kind {kind}$"):
        SinkOptions(kind)


@pytest.mark.parametrize("kind", ["stdout", "redis"])
def test_other_sinks_need_nothing(kind: Any) -> None:
    assert SinkOptions(kind).kind == kind


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://a:b@x/", "http://x/ y", "x", "http://x:port"])
def test_addresses_that_are_none(url: str) -> None:
    wrong = "^(url|assay): must be an http:// or https:// address without user name or password$"
    for make in (
        lambda: StreamOptions("eventstreams", url=url),
        lambda: SinkOptions("http", url=url),
        lambda: PrecacheOptions(assay=url),
    ):
        with pytest.raises(ValueError, match=wrong):
            make()
    assert StreamOptions("recentchanges", url=url, wiki="x").url == url, "who does not use it is not asked"


@pytest.mark.parametrize(
    "url", ["http://x", "https://[::1]:8080/a?b=%20", "http://stream.example.org/v2/stream/a,b?since=2026"]
)
def test_addresses_that_are_right(url: str) -> None:
    assert re.fullmatch(HTTP_URL, url)
    assert PrecacheOptions(assay=url).assay == url


@pytest.mark.parametrize("batch", [0, -1, 51])
def test_a_request_names_1_to_50_revisions(batch: int) -> None:
    with pytest.raises(ValueError, match=f"^batch: it is {batch}; a request may name 1 to 50 revisions$"):
        PrecacheOptions(batch=batch)
    assert [PrecacheOptions(batch=right).batch for right in (1, 50)] == [1, 50]


@given(st.sampled_from(["127.0.0.1", "localhost", "::1"]), st.integers(0, 65535))
def test_a_host_and_a_port(host: str, port: int) -> None:
    assert host_and_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}") == (host, port)


@pytest.mark.parametrize("address", ["", "x", ":1", "x:", "x:-1", "x:65536", "x:1.5", "x:1 ", "1:x"])
def test_what_is_no_host_and_port(address: str) -> None:
    told = f"^address: {re.escape(repr(address))} is not host:port, such as "
    with pytest.raises(ValueError, match=told):
        host_and_port(address)
    if address:
        with pytest.raises(ValueError, match=told):
            StreamOptions("udp", address=address)
