"""What surrounds every request, as plain ASGI: limits, ids, headers, counting, a log line, no tracebacks."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.serving.options import GuardOptions
from assay.serving.refusals import KSERVE_PATHS, HttpError, refusal
from assay.serving.respond import refusal_response
from assay.telemetry import (
    ERRORS,
    HTTP_IN_FLIGHT,
    HTTP_REQUESTS,
    HTTP_SECONDS,
    Metrics,
    Traced,
    bound,
    from_client,
    logger,
    span,
)

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""On every answer; a page, which needs more, sets its own Content-Security-Policy."""

RELEASE_HEADER: Final = "X-Assay-Release"
"""On every answer: which release gave it, so that a load balancer's word for it need not be believed."""

REQUEST_ID: Final = "assay.request_id"
"""Key of the request's id in the ASGI scope."""

_CLIENTS_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""An ``X-Request-Id`` that is taken over, so that one id leads through the client's log and ours: UUIDs and
most others. Nothing in it can forge a line or fill a log; two clients may use the same: it proves nothing."""

_OPEN: Final = re.compile(
    r"/(?:(?:v[123]/)?scores(?:/.*)?|v3/(?!precache).*|v[123](?:/spec)?/?|versions/?|openapi\.json|api/[^/]+/models/.*)",
    re.S,
)
"""Read-only paths that scripts on other sites may call, as gadgets on wikis do; a page that somebody visits
is not to precache with its reader's quota."""

_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    # Scripts on wikis name themselves as Wikimedia asks them to, and send Lift Wing's gateway their tokens.
    "Access-Control-Allow-Headers": (
        "Api-User-Agent, Authorization, Content-Type, User-Agent, X-Request-Id, X-Wikimedia-Debug"
    ),
    "Access-Control-Max-Age": "86400",
}
_EXPOSED: Final = "Retry-After, X-Assay-Release, X-Cache, X-Request-Id"


def is_open(path: str) -> bool:
    """Whether `path` is for scripts of other sites as well."""
    return _OPEN.fullmatch(path) is not None or path.startswith(KSERVE_PATHS)


_PLAIN: Final = {
    b"content-encoding": frozenset({b"", b"identity"}),
    b"transfer-encoding": frozenset({b"chunked"}),
}
"""What these headers may say of a body that is as it was meant; HTTP itself undoes the latter."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"})


class _Untaken(Exception):
    """A client leaves a piece of its answer untaken for too long. No `AssayError`: it is not to be
    answered."""


class Guard:
    """The outermost ASGI application."""

    def __init__(self, app: ASGIApp, options: GuardOptions, metrics: Metrics, release: str = "dev") -> None:
        self._app = app
        self._release = release
        self._options = options
        self._metrics = metrics
        self._log = logger("assay.access")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = _request_id(scope)
        scope[REQUEST_ID] = request_id
        parent = _single_header(scope, b"traceparent").decode("latin-1")
        with (
            bound(request_id=request_id),
            from_client(parent),
            span("request", request_id=request_id) as step,
        ):
            await self._answered(scope, receive, send, step)

    async def _answered(self, scope: Scope, receive: Receive, send: Send, step: Traced) -> None:
        opened = is_open(scope["path"])
        origin = _cross_origin(scope, self._options.allowed_origins) if opened else {}
        answer = _Answer(send, scope[REQUEST_ID], self._release, self._options.write_timeout_s, origin)
        started_s = time.perf_counter()
        self._metrics.add(HTTP_IN_FLIGHT, 1)
        try:
            if opened and scope["method"] == "OPTIONS":
                await answer.preflight()
            else:
                self._check_url(scope)
                await self._app(scope, await self._buffered(scope, receive), answer.send)
        except _Untaken:  # no defect of ours, and nobody is left to be told; the server closes the connection
            self._log.warning("answer not taken", path=scope["path"][:200])
        except Exception as error:  # the outermost frame of a request
            await self._refuse(error, scope, receive, answer)
        finally:
            self._metrics.add(HTTP_IN_FLIGHT, -1)
            self._account(scope, answer.status, time.perf_counter() - started_s, step)

    def _check_url(self, scope: Scope) -> None:
        length = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
        if length > self._options.max_url_bytes:
            raise HttpError(
                414, f"The address has {length} bytes; at most {self._options.max_url_bytes}: use POST."
            )

    async def _buffered(self, scope: Scope, receive: Receive) -> Receive:
        """The body, read whole within the limits before anybody works on it; then `receive` as it was."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._options.max_body_bytes:
            raise self._too_large()
        try:
            async with asyncio.timeout(self._options.body_timeout_s):
                body = await self._read_body(receive)
        except TimeoutError as error:
            late = "The request's body did not arrive in time; send it again."
            raise HttpError(408, late) from error
        if body is None:
            raise self._too_large()
        if body and _is_encoded(scope):
            raise HttpError(
                415,
                "Send the body as it is, without Content-Encoding, and in plain chunks if in any.",
                {"Accept-Encoding": "identity"},
            )
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        return replay

    async def _read_body(self, receive: Receive) -> bytes | None:
        """None when it is too large; the rest of it is still to come."""
        parts: list[bytes] = []
        size_bytes = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise HttpError(400, "The connection closed within the request's body.")
            parts.append(message.get("body", b""))
            size_bytes += len(parts[-1])
            if size_bytes > self._options.max_body_bytes:
                return None
            if not message.get("more_body", False):
                return b"".join(parts)

    def _too_large(self) -> HttpError:
        limit = self._options.max_body_bytes
        return HttpError(413, f"The request's body is too large; at most {limit} bytes are allowed.")

    async def _refuse(self, error: Exception, scope: Scope, receive: Receive, answer: _Answer) -> None:
        refused = refusal(error, scope[REQUEST_ID])
        if refused.status == 500:
            self._log.error("request failed", path=scope["path"][:200], exc_info=error)
        if answer.status == 0:  # otherwise the application has answered already
            self._metrics.count(ERRORS, refused.code)
            await refusal_response(refused, scope["path"])(scope, receive, answer.send)

    def _account(self, scope: Scope, status: int, seconds: float, step: Traced) -> None:
        route = (getattr(scope.get("route"), "path", None) or "(none)").rstrip("/") or "/"
        method = scope["method"] if scope["method"] in _METHODS else "(other)"
        self._metrics.count(HTTP_REQUESTS, route, method, str(status))
        self._metrics.observe(HTTP_SECONDS, seconds, route)
        step.set(method=method, route=route, status=status)
        self._log.info(
            "request",
            method=method,
            path=scope["path"][:200],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
        )


def _request_id(scope: Scope) -> str:
    """The client's own when it is well-formed, else a new one."""
    given = _single_header(scope, b"x-request-id")
    return given.decode() if _CLIENTS_ID.fullmatch(given) else secrets.token_hex(8)


def _single_header(scope: Scope, name: bytes) -> bytes:
    """Empty when it is absent, or given twice: then nobody knows which is meant."""
    values = [value for key, value in scope["headers"] if key == name]
    return bytes(values[0]) if len(values) == 1 else b""


def _is_encoded(scope: Scope) -> bool:
    """Whether the body is packed. It is never unpacked: ten bytes could become a gigabyte."""
    return any(
        value.strip().lower() not in _PLAIN[name] for name, value in scope["headers"] if name in _PLAIN
    )


def _cross_origin(scope: Scope, allowed: tuple[str, ...]) -> dict[str, str]:
    """The headers by which a browser lets a script of another site read the answer."""
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": _EXPOSED}
    origin = _single_header(scope, b"origin").decode("latin-1")
    if origin not in allowed:
        return {"Vary": "Origin"} if allowed else {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": _EXPOSED,
        "Vary": "Origin",
    }


class _Answer:
    """Sends an answer on, with our headers; remembers its status, 0 before it began. `origin`: headers for
    scripts of other sites."""

    def __init__(
        self, send: Send, request_id: str, release: str, write_timeout_s: float, origin: Mapping[str, str]
    ) -> None:
        self._send = send
        self._write_timeout_s = write_timeout_s
        self._request_id = request_id
        self._release = release
        self._origin = origin
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers["X-Request-Id"] = self._request_id
            headers[RELEASE_HEADER] = self._release
            headers.update(self._origin)
        try:
            async with asyncio.timeout(self._write_timeout_s):
                await self._send(message)
        except TimeoutError as error:
            raise _Untaken from error

    async def preflight(self) -> None:
        told = {**_PREFLIGHT, "Allow": _PREFLIGHT["Access-Control-Allow-Methods"]}
        headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
        await self.send({"type": "http.response.start", "status": 204, "headers": headers})
        await self._send({"type": "http.response.body", "body": b""})
