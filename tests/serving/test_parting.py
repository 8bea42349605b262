"""Answers that are given before a request was read whole arrive; and what is left of it is no request."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from assay.rollout.traffic.haproxy_config import HaproxyConfig
from assay.serving import parting
from assay.serving.options import ServerOptions
from assay.serving.parting import Parting
from servers.haproxy import haproxy
from serving.test_protocol import LIMIT_S, listening, silent
from waiting import until

LARGE = 20_000_000
"""More than the buffers of any system hold."""
PATH = b"/v3/scores/smallwiki"
LENGTH = b"Content-Length: %d\r\n" % LARGE
NEXT = b"GET /livez?smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

EARLY = {
    "no host": (b"POST " + PATH + b" HTTP/1.1\r\n" + LENGTH + b"\r\n", 400),
    "too large": (b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\n" + LENGTH + b"\r\n", 413),
    "too long": (b"POST /" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n" + LENGTH + b"\r\n", 414),
    "preflight": (b"OPTIONS " + PATH + b" HTTP/1.1\r\nHost: x\r\n" + LENGTH + b"\r\n", 204),
    "in pieces": (
        b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % LARGE,
        413,
    ),
}
REFUSED = {
    "no body": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
    "no piece": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "a head without an end": (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", 431),
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with listening(ServerOptions()) as port:
        yield port


@pytest.fixture(scope="module")
def front(port: int) -> Iterator[int]:
    slots = {"blue": (f"127.0.0.1:{port}",), "green": ("127.0.0.1:1",)}
    with haproxy(HaproxyConfig(slots=slots, stable_slot="blue", check_ms=50)) as front:
        until(lambda: sent_whole(front.port, b"GET /livez HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200"))
        yield front.port


def sent_whole(port: int, *pieces: bytes) -> bytes:
    """All that is answered to a client that reads nothing before it has sent all. Raises ConnectionError when
    the connection is reset."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def statuses(answered: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answered)]


@pytest.mark.parametrize(("head", "status"), (EARLY | REFUSED).values(), ids=EARLY | REFUSED)
def test_who_sends_all_before_reading_is_answered(port: int, head: bytes, status: int) -> None:
    answered = sent_whole(port, head, b"x" * LARGE)
    assert statuses(answered) == [status]
    assert b"\r\nconnection: close\r\n" in answered


@pytest.mark.parametrize("name", ["no host", "too large", "too long", "preflight"])
def test_a_body_that_looks_like_a_request_is_none(port: int, name: str) -> None:
    head, status = EARLY[name]
    assert statuses(sent_whole(port, head, NEXT, NEXT)) == [status]


@pytest.mark.parametrize(("head", "status"), EARLY.values(), ids=EARLY)
def test_so_is_a_client_of_haproxys(front: int, head: bytes, status: int) -> None:
    """Which sends the client's body on until it is cut off, and then has no answer to give."""
    head = head.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\nConnection: close\r\n")
    assert statuses(sent_whole(front, head, NEXT, b"x" * LARGE)) == [status]


@pytest.mark.parametrize("body", [b"x" * LARGE, NEXT * 20_000], ids=["a body", "further requests"])
def test_so_is_one_connection_too_many(body: bytes) -> None:
    with listening(ServerOptions(max_connections=3)) as port, silent(port, 2):
        head = b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\nContent-Length: "
        answered = sent_whole(port, head + b"%d\r\n\r\n" % (LARGE if len(body) == LARGE else 0), body)
    assert statuses(answered) == [503]


@pytest.mark.parametrize("path", [PATH, b"/" + b"x" * 17_000], ids=["too large", "too long"])
def test_who_asked_first_need_not_send_the_body_and_cannot_ask_again_either(port: int, path: bytes) -> None:
    """Server and client would not agree on where the next request begins."""
    head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + LENGTH + b"\r\n"
    answered = sent_whole(port, head, NEXT)
    assert statuses(answered) in ([413], [414])
    assert b"\r\nconnection: close\r\n" in answered


def test_an_answer_to_what_was_read_whole_keeps_the_connection(port: int) -> None:
    head = b"POST /" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    last = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert statuses(sent_whole(port, head, last)) == [414, 200]


@pytest.mark.parametrize("head", [EARLY["too large"][0], REFUSED["no piece"][0]], ids=["early", "refused"])
def test_who_neither_sends_nor_closes_is_not_waited_for(head: bytes) -> None:
    last = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with (
        listening(ServerOptions(max_connections=2, head_timeout_s=1000)) as port,
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
    ):
        connection.sendall(head)
        assert len(statuses(b"".join(iter(lambda: connection.recv(65536), b"")))) == 1
        until(lambda: statuses(sent_whole(port, last)) == [200])


def test_who_sends_for_ever_is_cut_off() -> None:
    with (
        listening(ServerOptions(head_timeout_s=0.3)) as port,
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
    ):
        connection.sendall(EARLY["too large"][0])
        until(lambda: _is_closed(connection))


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side reads no more."""
    try:
        connection.sendall(b"x")
    except ConnectionError:
        return True
    return False


class Reading:
    """Reads until its client has gone."""

    def __init__(self) -> None:
        self.has_begun, self.has_ended = threading.Event(), threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.has_begun.set()
        while (message := await receive())["type"] not in ("http.disconnect", "lifespan.shutdown"):
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
        if scope["type"] == "http":
            self.has_ended.set()
        await send({"type": "lifespan.shutdown.complete"})


def test_the_application_of_a_refused_body_is_let_go() -> None:
    """It would wait for the rest while that is dropped, and then answer where nothing can be said now."""
    app = Reading()
    with (
        listening(ServerOptions(head_timeout_s=1000), app) as port,
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
    ):
        head, end, piece = REFUSED["no piece"][0].partition(b"\r\n\r\n")
        connection.sendall(head + end)
        assert app.has_begun.wait(LIMIT_S), "and waits for the body"
        connection.sendall(piece)
        assert statuses(b"".join(iter(lambda: connection.recv(65536), b""))) == [400]
        until(lambda: connection.send(b"x") and app.has_ended.is_set())


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with more than the buffers of any system hold."""
    if scope["type"] == "lifespan":
        for phase in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{phase}.complete"})
        return
    body = b"x" * (LARGE if scope["path"] == "/large" else 1)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.mark.parametrize("wish", [b"close", b"keep-alive"])
def test_who_takes_nothing_of_his_answer_keeps_no_connection(
    monkeypatch: pytest.MonkeyPatch, wish: bytes
) -> None:
    monkeypatch.setattr(parting, "_UNTAKEN_S", 0.1)
    head = b"GET /%b HTTP/1.1\r\nHost: x\r\nConnection: %b\r\n\r\n"
    with (
        listening(ServerOptions(max_connections=2), large) as port,
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
    ):
        connection.sendall(head % (b"large", wish))
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.shutdown(socket.SHUT_WR)
        until(lambda: statuses(sent_whole(port, head % (b"", b"close"))) == [200])


@dataclass(eq=False)
class Timer:
    call: Callable[[], object]
    among: deque[Timer]

    def cancel(self) -> None:
        self.among.remove(self)


class Taken(asyncio.Transport):
    """Of what is sent, so much is left each time that it is looked at; 0: the connection is closed."""

    def __init__(self, *left_bytes: int) -> None:
        super().__init__()
        self._left_bytes = deque(left_bytes)
        self.later: deque[Timer] = deque()
        self.ends: list[str] = []

    def get_write_buffer_size(self) -> int:
        return self._left_bytes.popleft()

    def close(self) -> None:
        self.ends.append("closed")

    def abort(self) -> None:
        self.ends.append("cut off")

    def is_closing(self) -> bool:
        return bool(self.ends)

    def resume_reading(self) -> None:
        """It reads all the time."""

    def write_eof(self) -> None:
        """As is seen by nobody."""

    def call_later(self, _: float, call: Callable[..., object], *given: Any) -> Timer:
        timer = Timer(partial(call, *given), self.later)
        self.later.append(timer)
        return timer


@pytest.mark.parametrize(
    ("left_bytes", "ends"), [((900, 500, 499), ["closed"]), ((900, 500, 500), ["closed", "cut off"])]
)
def test_who_takes_some_of_it_is_waited_for(left_bytes: tuple[int, ...], ends: list[str]) -> None:
    taken = Taken(*left_bytes)
    closing = Parting(taken, taken, 1.0)  # type: ignore[arg-type]  # it is the loop as well
    closing.close()
    closing.close()
    for _ in left_bytes[1:]:
        taken.later.popleft().call()
    assert taken.ends == ends
    assert len(taken.later) == (1 if ends == ["closed"] else 0)


def test_who_still_sends_is_given_time_again_and_again_but_not_for_ever() -> None:
    taken = Taken()
    closing = Parting(taken, taken, 1.0)  # type: ignore[arg-type]
    closing.parts = True
    closing.close()
    (limit, first) = taken.later
    closing.dropped()
    (_, second) = taken.later
    assert taken.later[0] is limit
    assert second is not first
    second.call()
    limit.call()
    assert taken.ends == ["closed", "cut off"]
    closing.lost()
    assert not taken.later
