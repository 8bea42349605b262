"""HTTP/1.1 as uvicorn speaks it, with the limits that it leaves out: how long and how large a request's head
may be. What comes behind the head is the guard's (`assay.serving.guard`).

Without them a connection that says nothing is kept for ever, so that a few thousand of them shut everybody
out, and a header without an end, also one behind a body, is gathered until no memory is left. What is refused
here has met no application: it has no request id, and its path may not be known, so that all errors have the
shape of ORES's.
"""

from __future__ import annotations

import asyncio
from typing import Final

import httptools
import orjson
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from assay.errors import Overloaded
from assay.serving.options import ServerOptions
from assay.serving.parting import Parting
from assay.serving.refusals import HttpError, refusal
from assay.serving.respond import refusal_response

_UNREADABLE: Final = (
    "This is no HTTP/1.1 request that can be read. Check its method, address and headers: all but ASCII in "
    "the address must be percent-encoded, and it may have 64 KiB at most; use POST for more."
)


_HOST: Final = (
    "An HTTP/1.1 request names the host that it asks in one Host header; this one has {count}. Whoever "
    "cannot name it asks with HTTP/1.0."
)


class LimitedHttp(HttpToolsProtocol):
    """One connection. The limits are set by `limited_http`."""

    head_timeout_s: float
    max_head_bytes: int
    max_connections: int

    transport: Parting

    _head_timer: asyncio.TimerHandle | None = None
    _gathered_bytes = 0
    """Since the parser last gave anything away: of a head, or of what stands between and behind a body's
    pieces."""
    _is_begun = False
    _refused: HttpError | None = None
    """What is told once the answers are given that are under way."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Parting(transport, self.loop, self.head_timeout_s))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_done()
        self.transport.lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.has_parted:
            self.transport.dropped()
            return
        if self._refused is not None:
            return
        self._gathered_bytes += len(data)
        self._unset_keepalive_if_required()
        self._parse(memoryview(data))
        if self._refused is not None or self.transport.is_closing():
            return
        if self._gathered_bytes > self.max_head_bytes:
            limit = f"at most {self.max_head_bytes} bytes are allowed"
            self._refuse(HttpError(431, f"The request's headers are too large; {limit}."))
        elif self._head_timer is None and self.cycle.response_complete:
            # An empty line, or a body that nobody waits for: it has ended the wait for the next request.
            self._await_head()

    def _parse(self, data: memoryview) -> None:
        try:
            while data:
                data = data[self._parsed_bytes(data) :]
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self._refuse(HttpError(400, _UNREADABLE))

    def _parsed_bytes(self, data: memoryview) -> int:
        """All, or those of one head with a wish. Raises HttpParserError, also when that head is read anew."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as wish:
            self._pass_over_wish()
            return int(wish.args[0])
        return len(data)

    def _pass_over_wish(self) -> None:
        """Read a head anew without its wish for another protocol, such as h2c, which is not granted. For the
        parser, a request with a wish has no body: its bytes would be taken for the next request."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(
            b"\r\n".join([b"%b %b HTTP/%b" % (method, self.url, version), *lines, b"", b""])
        )

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whether the connection stays open for an answer that is owed: who has said all may close his half.
        One whose answer has begun is taken to have gone, so that nobody makes the rest of a long one."""
        cycle = self.cycle
        is_owed = cycle is not None and not cycle.more_body and not cycle.response_started
        if is_owed:
            cycle.keep_alive = False
        else:
            self.transport.close()
        return is_owed

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_begun = True
        if self._head_timer is None:
            self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """What comes behind a body is no header: a server before this one may not have looked at it."""
        if self._is_begun:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.get_method() == b"CONNECT":  # to the parser, one more wish
            raise httptools.HttpParserInvalidMethodError
        if self.parser.should_upgrade():
            return
        self._head_done()
        if self.parser.get_http_version() == "1.0":  # which knows no answer before the answer
            self.expect_100_continue = False
        answering = _Answering(self._who_answers(), self.transport)
        self.app = answering
        super().on_headers_complete()
        answering.cycle = self.cycle

    def _who_answers(self) -> ASGIApp:
        if max(len(self.connections), len(self.tasks)) >= self.max_connections:
            self.logger.warning("Exceeded concurrency limit.")
            return _full
        return self.config.loaded_app if self._names_its_host() else _hostless

    def _names_its_host(self) -> bool:
        """As RFC 9112, 3.2 wants it. Two may mean that a server before this one read another than we do."""
        count = sum(name == b"host" for name, _ in self.headers)
        return count == 1 or (count == 0 and self.parser.get_http_version() == "1.0")

    def on_body(self, body: bytes) -> None:
        self._gathered_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._gathered_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._refused is not None and self.cycle.response_complete and not self.transport.is_closing():
            self._tell(self._refused)

    # -- the head ------------------------------------------------------------------------------------

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_timeout_s, self._late)

    def _head_done(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self._gathered_bytes = 0
        self._is_begun = False

    def _late(self) -> None:
        """Who began to ask is told; who said nothing is not. While an earlier request of the connection is
        being answered, uvicorn may read no further, and the head can wait."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._await_head()
        elif self._is_begun:
            self._refuse(HttpError(408, "The request's headers did not arrive in time; send it again."))
        else:
            self.transport.close()

    def _refuse(self, error: HttpError) -> None:
        """The request that is being read: at once, unless what is owed to earlier ones comes first."""
        self._head_done()
        self._refused = error
        cycle = self.cycle
        is_own = cycle is not None and cycle.more_body and not cycle.response_started and not self.pipeline
        if cycle is None or cycle.response_complete or is_own:
            self._tell(error)

    def _tell(self, error: HttpError) -> None:
        if self.cycle is not None and not self.cycle.response_complete:  # its application need not wait
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        body = orjson.dumps(refusal(error, "(none)").document("/"))
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.parts = True
        self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + body)
        self.transport.close()


class _Answering:
    """Answers a request by `app`, and closes the connection if the answer begins before the request was read
    whole: what is left of the body must not be taken for the next request, nor reset the connection.

    Nor can it be told from a next one when its client asked first whether to send it (`Expect`).
    """

    cycle: RequestResponseCycle

    def __init__(self, app: ASGIApp, transport: Parting) -> None:
        self._app = app
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and (self.cycle.more_body or self._app in _REFUSING):
                MutableHeaders(scope=message)["Connection"] = "close"
                self._transport.parts = True
            await send(message)

        await self._app(scope, receive, tell)


async def _full(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers in the application's place, at the least cost. One that stayed would keep its place, and the
    server full."""
    error = Overloaded("This server has too many connections; try again shortly.", delay_s=2.0)
    await _refused(error, scope, receive, send)


async def _hostless(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers in the application's place."""
    count = sum(name == b"host" for name, _ in scope["headers"])
    await _refused(HttpError(400, _HOST.format(count=count or "none")), scope, receive, send)


async def _refused(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    await refusal_response(refusal(error, ""), scope["path"])(scope, receive, send)


_REFUSING: Final = (_full, _hostless)


def limited_http(options: ServerOptions) -> type[LimitedHttp]:
    """The class that uvicorn makes a connection of."""
    names = ("head_timeout_s", "max_head_bytes", "max_connections")
    return type("LimitedHttp", (LimitedHttp,), {name: getattr(options, name) for name in names})
