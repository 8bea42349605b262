"""What surrounds every request: limits, headers, ids, counting, no tracebacks."""

from __future__ import annotations

import gzip
import io
import json
import logging
import re
import socket
from collections.abc import Iterator

import pytest
import structlog
from fastapi import APIRouter

from assay.serving.app import build_app
from assay.serving.options import AppOptions, GuardOptions
from assay.serving.ores.model_info import ModelInfos
from assay.telemetry import ERRORS, HTTP_IN_FLIGHT, HTTP_REQUESTS, LogOptions, Metrics, configure_logging
from servers.asgi import Served, serving
from servers.small_web import SmallWeb
from small_app import CLOCK, SmallApp, ask, post_form, small_service


@pytest.fixture(scope="module")
def inline(web: SmallWeb) -> tuple[SmallApp, Served]:
    """One engine for all: what is tested here ends before an engine is asked, and some takes seconds."""
    return web.live("inline")


@pytest.fixture(scope="module")
def small_app(inline: tuple[SmallApp, Served]) -> SmallApp:
    return inline[0]


@pytest.fixture(scope="module")
def live(inline: tuple[SmallApp, Served]) -> Served:
    return inline[1]


@pytest.fixture(scope="module")
def strict() -> Iterator[Served]:
    """An application with tight limits."""
    guard = GuardOptions(max_url_bytes=500, max_body_bytes=1000, body_timeout_s=0.3)
    with serving(SmallApp(options=AppOptions(guard=guard)).build().asgi) as served:
        yield served


def test_a_long_address_is_refused_with_a_way_out(strict: Served) -> None:
    status, code, message = ask(strict, "/v3/scores/smallwiki?" + "x" * 500).error
    assert (status, code) == (414, "request too large")
    assert "POST" in message


def test_a_large_body_is_refused_by_its_declared_length(strict: Served) -> None:
    assert post_form(strict, "/v3/scores/smallwiki", b"x" * 1001).error[:2] == (413, "request too large")
    assert post_form(strict, "/v3/scores/smallwiki", b"x=" + b"x" * 998).status == 200


def test_a_packed_body_is_refused_and_never_unpacked(live: Served) -> None:
    bomb = gzip.compress(b'{"revisions": [' + b" " * 10_000_000 + b"1]}")
    for coding in ("gzip", "GZIP, identity", "br", "nonsense"):
        reply = ask(
            live, "/api/smallwiki/scores", method="POST", body=bomb, headers={"Content-Encoding": coding}
        )
        assert reply.error == (
            415,
            "unsupported_media_type",
            "Send the body as it is, without Content-Encoding, and in plain chunks if in any.",
        )
        assert reply.headers["accept-encoding"] == "identity"
    plain = {"Content-Encoding": "identity", "Content-Type": "application/x-www-form-urlencoded"}
    assert ask(live, "/v3/scores/smallwiki/12", method="POST", body=b"features", headers=plain).status == 200
    assert ask(live, "/livez", headers={"Content-Encoding": "gzip"}).status == 200, (
        "no body is none to unpack"
    )


@pytest.mark.parametrize(("coding", "status"), [(b"gzip, chunked", 415), (b"Chunked", 200)])
def test_a_body_that_is_packed_on_the_way_is_refused_too(live: Served, coding: bytes, status: int) -> None:
    """Its bytes were read as if they were the form."""
    body = b"Transfer-Encoding: " + coding + b"\r\nConnection: close\r\n\r\n8\r\nfeatures\r\n0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", live.port), timeout=30) as connection:
        connection.sendall(HEAD + body)
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answered.startswith(b"HTTP/1.1 %d " % status)


def test_a_client_whose_body_drips_is_not_kept(strict: Served) -> None:
    head = b"POST /v3/scores/smallwiki HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nabc"
    with socket.create_connection(("127.0.0.1", strict.port), timeout=30) as connection:
        connection.sendall(head)
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answered.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answered.lower()


def converse(served: Served, request: bytes) -> bytes:
    """Raw bytes there and back; nothing is sent after `request`."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
            if b"\r\n\r\n" in answer and answer.endswith(b"}}"):
                break
        return answer


HEAD = b"POST /v3/scores/smallwiki HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"


def test_a_large_body_of_unknown_length_is_refused_while_it_is_read(strict: Served) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (400, b"y" * 400) for _ in range(3))
    answer = converse(strict, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 413")


LARGE = 20_000_000


@pytest.mark.parametrize("declared", [True, False])
def test_who_sends_all_before_reading_is_told_that_it_was_too_much(live: Served, declared: bool) -> None:
    head = HEAD + b"Connection: close\r\n"
    if declared:
        request = head + b"Content-Length: %d\r\n\r\n" % LARGE + b"x" * LARGE
    else:
        request = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (LARGE, b"x" * LARGE)
    assert converse(live, request).startswith(b"HTTP/1.1 413")


def test_who_asks_before_sending_is_refused_before(live: Served) -> None:
    answer = converse(live, HEAD + b"Expect: 100-continue\r\nContent-Length: 20000000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_body_that_drips_is_not_waited_for(strict: Served) -> None:
    answer = converse(strict, HEAD + b"Content-Length: 500\r\n\r\nrevids")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request_timeout" in answer


@pytest.mark.parametrize("path", ["/v3/scores/", "/nothing", "/api/wikis", "/livez"])
def test_every_answer_has_an_id_and_safe_headers(live: Served, path: str) -> None:
    first, second = ask(live, path).headers, ask(live, path).headers
    assert len(first["x-request-id"]) == 16
    assert first["x-request-id"] != second["x-request-id"]
    assert first["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in first["content-security-policy"]


@pytest.mark.parametrize("given", ["x", "0af7651916cd43dd", "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "a" * 64])
def test_a_clients_request_id_is_taken_over(live: Served, given: str) -> None:
    assert ask(live, "/livez", headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a" * 65, "two words", 'a"b', "a;b=c", "ä", "a\tb", "${jndi}", "../x"])
def test_an_odd_request_id_is_replaced(live: Served, given: str) -> None:
    own = ask(live, "/livez", headers={"X-Request-Id": given}).headers["x-request-id"]
    assert re.fullmatch("[0-9a-f]{16}", own)


def test_of_two_request_ids_neither_is_taken(live: Served) -> None:
    ids = b"X-Request-Id: one\r\nX-Request-Id: two\r\n"
    answer = converse(live, HEAD + ids + b"Connection: close\r\nContent-Length: 2\r\n\r\nx=")
    (own,) = re.findall(rb"(?im)^x-request-id: (.*?)\r$", answer)
    assert re.fullmatch(rb"[0-9a-f]{16}", own)


def test_a_defect_is_logged_and_the_client_gets_only_an_id() -> None:
    router = APIRouter()

    async def broken() -> None:
        raise RuntimeError("secret detail")

    router.add_api_route("/broken", broken)
    metrics = Metrics()
    app = build_app(AppOptions(), small_service(metrics), ModelInfos({}), metrics, CLOCK, routers=[router])
    log = io.StringIO()
    before = logging.getLogger().handlers
    configure_logging(LogOptions(), log)
    try:
        with serving(app.asgi) as served:
            reply = ask(served, "/broken")
    finally:
        logging.getLogger().handlers = before
        structlog.reset_defaults()
    status, code, message = reply.error
    assert (status, code) == (500, "internal server error")
    assert reply.headers["x-request-id"] in message
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body
    records = [json.loads(line) for line in log.getvalue().splitlines()]
    (failed,) = [record for record in records if record["event"] == "request failed"]
    assert "secret detail" in failed["exception"]
    assert failed["request_id"] == reply.headers["x-request-id"]
    assert metrics.value(ERRORS, "internal server error") == 1


def test_requests_are_counted_by_route_never_by_what_a_client_wrote(
    small_app: SmallApp, live: Served
) -> None:
    def counts() -> tuple[float, float]:
        value = small_app.metrics.value
        route = "/v3/scores/{wiki}/{rev_id}"  # the final slash does not count
        return value(HTTP_REQUESTS, route, "GET", "200"), value(HTTP_REQUESTS, "(none)", "(other)", "404")

    before = counts()
    ask(live, "/v3/scores/smallwiki/12/")
    ask(live, "/surprise", method="PROPFIND")
    after = counts()
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)
    assert "surprise" not in ask(live, "/metrics").body.decode().lower()


def test_requests_in_flight_return_to_none(small_app: SmallApp, live: Served) -> None:
    ask(live, "/livez")
    ask(live, "/nothing")
    assert small_app.metrics.value(HTTP_IN_FLIGHT) == 0


@pytest.mark.parametrize("path", ["/v3/scores/", "/nothing", "/api/wikis", "/livez", "/" + "x" * 20_000])
def test_every_answer_names_the_release_that_gave_it(live: Served, path: str) -> None:
    assert ask(live, path).headers["x-assay-release"] == "dev"


# -- scripts of other sites --------------------------------------------------------------------------

OPEN = [
    "/v1/models/smallwiki-damaging",
    "/v2/health/live",
    "/scores/",
    "/v1/scores/smallwiki",
    "/v2/scores/smallwiki/damaging/12",
    "/v3/scores/",
    "/v3/none",
]
OPEN += ["/v1/", "/v2/spec/", "/v3", "/versions/", "/openapi.json", "/v3/scores/nowiki/"]
CLOSED = [
    "/livez",
    "/api/wikis",
    "/metrics",
    "/scoresheet",
    "/v1/model",
    "/docs",
    "/v4/scores/",
    "/v3/precache/",
]
SITE = {"Origin": "https://wiki.example"}


@pytest.mark.parametrize("path", OPEN)
def test_scripts_of_any_site_may_read_scores(live: Served, path: str) -> None:
    told = ask(live, path, headers=SITE).headers
    assert told["access-control-allow-origin"] == "*"
    assert "Retry-After" in told["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in told
    preflight = ask(live, path, method="OPTIONS", headers=SITE)
    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, POST, OPTIONS"
    assert "X-Wikimedia-Debug" in preflight.headers["access-control-allow-headers"]


@pytest.mark.parametrize("path", CLOSED)
def test_other_paths_are_for_our_own_pages(live: Served, path: str) -> None:
    assert "access-control-allow-origin" not in ask(live, path, headers=SITE).headers


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        (("https://wiki.example", "http://localhost:8080"), "https://wiki.example"),
        (("https://other.example",), None),
        ((), None),
    ],
)
def test_sites_can_be_chosen(allowed: tuple[str, ...], told: str | None) -> None:
    options = AppOptions(guard=GuardOptions(allowed_origins=allowed))
    with serving(SmallApp(options=options).build().asgi) as served:
        headers = ask(served, "/v3/scores/", headers=SITE).headers
        assert headers.get("access-control-allow-origin") == told
        assert headers.get("vary") == ("Origin" if allowed else None)
        assert "access-control-allow-origin" not in ask(served, "/v3/scores/").headers


@pytest.mark.parametrize("origin", ["wiki.example", "https://wiki.example/", "null", "https://*", ""])
def test_what_is_no_site_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="is no site; write for example"):
        GuardOptions(allowed_origins=(origin,))
