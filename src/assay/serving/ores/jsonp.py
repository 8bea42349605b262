"""JSONP: a document as a script that calls a function, for pages that cannot read other sites' JSON.

It stands around the application, so that refusals are wrapped like answers. Only a plain path of names may be
called. The comment in front keeps the answer's first bytes from being the client's choice, a file name makes
it a download wherever it is no script, and `X-Content-Type-Options: nosniff` is on every answer.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.errors import BadParameter
from assay.serving.guard import is_open
from assay.serving.refusals import NATIVE_PREFIX

MAX_CALLBACK_CHARS: Final = 128
CALLBACK_PATTERN: Final = r"^[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*){0,3}$"
_CALLBACK: Final = re.compile(CALLBACK_PATTERN[1:-1], re.ASCII)
_RESERVED: Final = frozenset(
    {
        "arguments", "await", "break", "case", "catch", "class", "const", "constructor", "continue",
        "debugger", "default", "delete", "do", "else", "enum", "eval", "export", "extends", "false",
        "finally", "for", "function", "if", "implements", "import", "in", "instanceof", "interface", "let",
        "new", "null", "package", "private", "protected", "prototype", "public", "return", "static",
        "super", "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while", "with",
        "yield", "__proto__"
    }
)  # fmt: skip
_LINE_ENDS: Final = ((b"\xe2\x80\xa8", rb"\u2028"), (b"\xe2\x80\xa9", rb"\u2029"))
"""Allowed within JSON's strings; older browsers end a script's line at them."""


def callback_of(query: bytes) -> str | None:
    """The function to call, None when none is asked for. Raises `BadParameter` for what is no plain name."""
    if b"callback" not in query:
        return None
    names = dict(reversed(parse_qsl(query.decode("latin-1"), keep_blank_values=True)))
    if "callback" not in names:
        return None
    name = names["callback"]
    if len(name) > MAX_CALLBACK_CHARS or not _CALLBACK.fullmatch(name) or _RESERVED & {*name.split(".")}:
        raise BadParameter(
            "Could not interpret callback. Give a function's name: letters, digits, _ and $, up to four "
            f"names with dots between them, {MAX_CALLBACK_CHARS} characters at most, no reserved word."
        )
    return name


def script(callback: str, document: bytes) -> bytes:
    """A call of `callback` with `document`, which is JSON."""
    for raw, escaped in _LINE_ENDS:
        document = document.replace(raw, escaped)
    return b"/**/" + callback.encode("ascii") + b"(" + document.rstrip() + b");"


class Jsonp:
    """Around the application: what it answers in JSON is wrapped where a callback is asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        callback = callback_of(scope["query_string"]) if _may_wrap(scope) else None
        await self._app(scope, receive, send if callback is None else _Wrapped(callback, send).send)


def _may_wrap(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    path = scope["path"]
    return is_open(path) and not path.startswith(NATIVE_PREFIX)


class _Wrapped:
    """Holds an answer back until it is whole, for its length changes."""

    def __init__(self, callback: str, send: Send) -> None:
        self._callback = callback
        self._send = send
        self._start: dict[str, Any] = {}
        self._parts: list[bytes] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = dict(message)
            return
        self._parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            await self._finish(b"".join(self._parts))

    async def _finish(self, body: bytes) -> None:
        headers = MutableHeaders(raw=list(self._start["headers"]))
        if headers.get("content-type", "").startswith("application/json"):
            body = script(self._callback, body)
            headers["Content-Type"] = "application/javascript; charset=utf-8"
            headers["Content-Disposition"] = "attachment; filename=answer.js"
            headers["Content-Length"] = str(len(body))
        await self._send({**self._start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})
