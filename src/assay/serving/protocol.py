"""HTTP/1.1 as uvicorn speaks it, with the limits that it leaves out: how long and how large a request's head
may be. What comes behind the head is the guard's (`assay.serving.guard`).

Without them a connection that says nothing is kept for ever, so that a few thousand of them shut everybody
out, and a header without an end is gathered until no memory is left. What is refused here has met no
application: it has no request id, and its path may not be known, so that all errors have the shape of ORES's.
"""

from __future__ import annotations

import asyncio
from typing import Final

import orjson
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from assay.errors import Overloaded
from assay.serving.options import ServerOptions
from assay.serving.refusals import HttpError, refusal
from assay.serving.respond import refusal_response

_UNREADABLE: Final = (
    "This is no HTTP/1.1 request that can be read. Check its method, address and headers: all but ASCII in "
    "the address must be percent-encoded, and it may have 64 KiB at most; use POST for more."
)


class LimitedHttp(HttpToolsProtocol):
    """One connection. The limits are set by `limited_http`."""

    head_timeout_s: float
    max_head_bytes: int
    max_connections: int

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_done()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_timer is not None and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > self.max_head_bytes:
                limit = f"at most {self.max_head_bytes} bytes are allowed"
                self._refuse(HttpError(431, f"The request's headers are too large; {limit}."))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_begun = True
        if self._head_timer is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        self._head_done()
        self.app = self.config.loaded_app
        if max(len(self.connections), len(self.tasks)) >= self.max_connections:
            self.app = _full
            self.logger.warning("Exceeded concurrency limit.")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words say nothing
        self._refuse(HttpError(400, _UNREADABLE))

    # -- the head ------------------------------------------------------------------------------------

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_timeout_s, self._late)

    def _head_done(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        self._head_bytes = 0
        self._is_begun = False

    def _late(self) -> None:
        """Who began to ask is told; who said nothing is not. While an earlier request of the connection is
        being answered, nothing may stand within that answer."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._await_head()
        elif self._is_begun:
            self._refuse(HttpError(408, "The request's headers did not arrive in time; send it again."))
        else:
            self.transport.close()

    def _refuse(self, error: HttpError) -> None:
        self._head_done()
        body = orjson.dumps(refusal(error, "(none)").document("/"))
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + body)
        self.transport.close()


async def _full(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers in the application's place, at the least cost."""
    refused = refusal(Overloaded("This server has too many connections; try again shortly.", delay_s=2.0), "")
    await refusal_response(refused, scope["path"])(scope, receive, send)


def limited_http(options: ServerOptions) -> type[LimitedHttp]:
    """The class that uvicorn makes a connection of."""
    names = ("head_timeout_s", "max_head_bytes", "max_connections")
    return type("LimitedHttp", (LimitedHttp,), {name: getattr(options, name) for name in names})
