"""Connections that say nothing, too little, too much, or no HTTP; by the server that production has."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from assay.serving.listener import listen
from assay.serving.options import ServerOptions
from assay.serving.server import build_server
from small_app import SmallApp

LIMIT_S = 30.0


@contextmanager
def listening(options: ServerOptions, app: ASGIApp | None = None) -> Iterator[int]:
    """The port of a real server, built as `serve` builds it, in a thread. `app`: None for the small one."""
    listener = listen("127.0.0.1", 0, options)
    server = build_server(app or SmallApp().build().asgi, options)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(LIMIT_S)
        listener.close()


@pytest.fixture(scope="module")
def impatient() -> Iterator[int]:
    with listening(ServerOptions(head_timeout_s=0.2, max_head_bytes=2000)) as port:
        yield port


@pytest.fixture(scope="module")
def patient() -> Iterator[int]:
    with listening(ServerOptions()) as port:
        yield port


def conversation(port: int, *pieces: bytes) -> bytes:
    """All that is answered until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
        for piece in pieces:
            connection.sendall(piece)
        answered = b""
        while received := connection.recv(65536):
            answered += received
        return answered


def refusal(answered: bytes) -> tuple[int, str, str]:
    """Status, code and message of an answer that is the only one."""
    head, _, body = answered.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    assert b"connection: close" in head
    error = json.loads(body)["error"]
    return int(head.split()[1]), error["code"], error["message"]


def test_a_connection_that_says_nothing_is_closed(impatient: int) -> None:
    assert conversation(impatient) == b""


def test_a_head_that_drips_is_refused(impatient: int) -> None:
    status, code, message = refusal(conversation(impatient, b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slo"))
    assert (status, code) == (408, "request_timeout")
    assert "headers did not arrive in time" in message


def test_a_head_that_drips_after_another_request_is_refused(impatient: int) -> None:
    answered = conversation(impatient, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /livez HT")
    first, second = answered.split(b'{"alive":true}')
    assert first.startswith(b"HTTP/1.1 200")
    assert refusal(second)[0] == 408


CHUNKED = b"POST /v3/scores/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"POST /v3/scores/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n", 413),
    ],
    ids=["an empty line", "a body that nobody wants"],
)
def test_little_behind_an_answer_does_not_keep_the_connection(
    impatient: int, request_: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", impatient), timeout=LIMIT_S) as connection:
        connection.sendall(request_)
        assert connection.recv(65536).startswith(b"HTTP/1.1 %d" % status)
        connection.sendall(b"\r\n")
        assert b"HTTP/1.1" not in b"".join(iter(lambda: connection.recv(65536), b"")), "it is closed"


def test_headers_behind_a_body_are_not_gathered(impatient: int) -> None:
    with socket.create_connection(("127.0.0.1", impatient), timeout=LIMIT_S) as connection:
        connection.sendall(CHUNKED + b"1\r\na\r\n0\r\nX-Long: ")
        assert _is_cut_off(connection, b"a" * 100_000)


def test_a_body_in_many_small_pieces_is_no_large_head(impatient: int) -> None:
    pieces = b"1\r\na\r\n" * 3000
    answered = conversation(
        impatient, CHUNKED, *(pieces[at : at + 1999] for at in range(0, len(pieces), 1999)), b"0\r\n\r\nzz"
    )
    assert answered.startswith(b"HTTP/1.1 200")


def test_a_body_before_a_begun_head_is_not_counted_as_its() -> None:
    with (
        listening(ServerOptions(max_head_bytes=2000)) as port,
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
    ):
        body = b"POST /v3/scores/ HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + b"a" * 20_000
        head = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(body + head[:9])
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(head[9:])
        assert b'{"alive":true}' in b"".join(iter(lambda: connection.recv(65536), b""))


class Held:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for done in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{done}.complete"})
            return
        await asyncio.to_thread(self.let.wait, LIMIT_S)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})


@pytest.mark.parametrize("behind", [b"", b"GET /livez HT"])
def test_a_request_that_takes_longer_than_a_head_may_is_answered_whole(behind: bytes) -> None:
    """Also when the next one drips behind it, which is refused after it."""
    app = Held()
    with (
        listening(ServerOptions(head_timeout_s=0.2, keep_alive_s=1), app) as port,
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + behind)
        assert conversation(port) == b"", "a head that began later has been waited for long enough"
        app.let.set()
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
    first, _, second = answered.partition(b"done")
    assert first.startswith(b"HTTP/1.1 200")
    assert refusal(second)[0] == 408 if behind else second == b""


@pytest.mark.parametrize(
    ("behind", "status"),
    [(b"\x16\x03\x01 no HTTP", 400), (b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 3000, 431)],
    ids=["no HTTP", "too large"],
)
def test_what_is_refused_stands_behind_the_answer_that_is_under_way(behind: bytes, status: int) -> None:
    app = Held()
    with (
        listening(ServerOptions(max_head_bytes=2000), app) as port,
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
    ):
        for piece in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", behind, b"more"):
            connection.sendall(piece)
            assert conversation(port, b"\x16")[:12] == b"HTTP/1.1 400", "what was sent before has been read"
        app.let.set()
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
    first, _, second = answered.partition(b"done")
    assert first.startswith(b"HTTP/1.1 200")
    assert refusal(second)[0] == status


@pytest.mark.parametrize("piece", [b"a" * 1000, b"a\r\nX-More: "], ids=["one", "many"])
def test_a_head_without_an_end_is_not_gathered(impatient: int, piece: bytes) -> None:
    with socket.create_connection(("127.0.0.1", impatient), timeout=LIMIT_S) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ")
        assert _is_cut_off(connection, piece * 100)


def _is_cut_off(connection: socket.socket, piece: bytes) -> bool:
    """Whether the server closes the connection of a client that sends this for as long as it may."""
    until_s = time.monotonic() + LIMIT_S
    while time.monotonic() < until_s:
        try:
            connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            return True
    return False


def test_a_head_that_is_too_large_is_told_so(impatient: int) -> None:
    with socket.create_connection(("127.0.0.1", impatient), timeout=LIMIT_S) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 2000)
        answered = connection.recv(65536)
    status, code, message = refusal(answered)
    assert (status, code) == (431, "request too large")
    assert "at most 2000 bytes" in message


@contextmanager
def silent(port: int, count: int) -> Iterator[None]:
    """So many connections that say nothing."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S))
        yield


def test_one_connection_too_many_is_told_when_to_come_again() -> None:
    with listening(ServerOptions(max_connections=3)) as port, silent(port, 2):
        for path, code in ((b"/v3/scores/", "server overloaded"), (b"/api/wikis", "overloaded")):
            with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
                connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
                answered = b"".join(iter(lambda: connection.recv(65536), b""))
            head, _, body = answered.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503")
            assert b"retry-after: 2" in head
            assert b"connection: close" in head, "so that its place becomes free"
            assert json.loads(body)["error"]["code"] == code


def test_connections_that_say_nothing_shut_nobody_out_for_long() -> None:
    with listening(ServerOptions(head_timeout_s=0.2, max_connections=3)) as port, silent(port, 5):
        assert conversation(port) == b"", "those that were there before are closed, too"
        answered = conversation(port, b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("head", "hosts"),
    [
        (b"GET /livez HTTP/1.1\r\n\r\n", "none"),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nHOST: x\r\n\r\n", "2"),
        (b"GET /livez HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", "2"),
        (b"POST /v3/scores/ HTTP/1.1\r\nContent-Length: 1\r\n\r\na", "none"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nHost: x\r\n\r\n", "none"),
    ],
)
def test_a_request_that_does_not_name_one_host_is_refused(patient: int, head: bytes, hosts: str) -> None:
    status, code, message = refusal(conversation(patient, head))
    assert (status, code) == (400, "bad request")
    assert f"one Host header; this one has {hosts}." in message


@pytest.mark.parametrize(
    "head",
    [
        b"GET /livez HTTP/1.0\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    ],
    ids=["HTTP/1.0 knows none", "an empty one is one"],
)
def test_no_more_is_asked_of_a_host(patient: int, head: bytes) -> None:
    assert conversation(patient, head).startswith(b"HTTP/1.1 200")


LAST = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
WISH = b"Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"


@pytest.mark.parametrize(
    ("wish", "answer"),
    [
        (b"GET /livez HTTP/1.1\r\n" + WISH + b"\r\n", 200),
        (b"POST /v3/scores/ HTTP/1.1\r\n" + WISH + b"Content-Length: 40\r\n\r\n" + LAST[:40], 200),
        (
            b"POST /livez HTTP/1.1\r\n" + WISH + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            405,
        ),
    ],
    ids=["without a body", "with one that looks like a request", "in pieces"],
)
def test_a_wish_for_another_protocol_is_passed_over_and_nothing_behind_it(
    patient: int, wish: bytes, answer: int, caplog: pytest.LogCaptureFixture
) -> None:
    """As `curl --http2` has it. In one packet, or in as many as there are bytes."""
    for pieces in ((wish + wish + LAST,), [bytes([byte]) for byte in wish + wish + LAST]):
        answered = conversation(patient, *pieces)
        assert [int(status) for status in re.findall(rb"HTTP/1.1 (\d{3}) ", answered)] == [
            answer,
            answer,
            200,
        ]
        assert answered.endswith(b'{"alive":true}')
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_who_closes_his_half_is_answered() -> None:
    """As nc -N does, and an HTTP/1.0 client may."""
    app = Held()
    with (
        listening(ServerOptions(), app) as port,
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert conversation(port, b"\x16")[:12] == b"HTTP/1.1 400", "what was sent before has been read"
        app.let.set()
        answered = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answered.endswith(b"done")
    assert b"\r\nconnection: close\r\n" in answered, "he can ask for nothing more"


@pytest.mark.parametrize("head", [b"GET /li", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"])
def test_who_closes_his_half_before_he_has_said_all_is_let_go(patient: int, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", patient), timeout=LIMIT_S) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536) == b""


@pytest.mark.parametrize(("version", "is_told"), [(b"1.0", False), (b"1.1", True)])
def test_only_who_knows_of_it_is_told_to_go_on(patient: int, version: bytes, is_told: bool) -> None:
    head = (
        b"POST /v3/scores/ HTTP/" + version + b"\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
    )
    answered = conversation(patient, head + b"Content-Length: 3\r\n\r\n", b"abc")
    assert answered.startswith(b"HTTP/1.1 100 Continue\r\n\r\n") is is_told
    assert b"HTTP/1.1 200" in answered


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /v3/scores/\xc3\xa9/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n" + WISH + b"\r\n",
        b"GET http://x HTTP/1.1\r\n" + WISH + b"\r\n",
    ],
)
def test_what_is_no_http_is_told_what_to_look_at(patient: int, request_: bytes) -> None:
    answered = conversation(patient, request_)
    status, code, message = refusal(answered[answered.rindex(b"HTTP/1.1 400") :])
    assert (status, code) == (400, "bad request")
    assert "percent-encoded" in message
