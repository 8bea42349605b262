"""The one table from errors to HTTP statuses, and the JSON shape of an error.

``{"error": {"code": …, "message": …}}`` with ORES's codes, which its clients compare. Under ``/api/`` the
code is Assay's own, finer and in one word, and `retryable` stands beside it: ``{"error": {"code",
"message", "retryable"}}``, with the `limit` that was passed, if that was the reason. On KServe's paths it is
``{"error": message}``, in which its clients look for words. A traceback never reaches a client: what is not
in the table is logged and answered with a request id to quote.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from assay.errors import (
    AssayError,
    DeadlineExceeded,
    Overloaded,
    RequestError,
    RetryableError,
    SourceUnavailable,
    TooManyRevisions,
    UnknownModel,
    UnknownWiki,
)

NATIVE_PREFIX: Final = "/api/"
"""Paths whose errors have Assay's own codes."""


class HttpError(AssayError):
    """A request refused before it means anything: its path, method, size or form.

    `code`: Assay's own, when it says more than the status does.
    """

    def __init__(
        self, status: int, message: str, headers: dict[str, str] | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.code = code or CODES[status]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is an error. `own_code`: Assay's, where `code` is ORES's. `headers`: besides the usual
    ones. `limit`: what a request may hold at most, where that was the reason."""

    status: int
    own_code: str
    message: str
    headers: dict[str, str]
    retryable: bool
    limit: int | None = None

    @property
    def code(self) -> str:
        return ORES_CODES[self.status]

    def document(self, path: str) -> dict[str, Any]:
        """`path`: of the request, since each API's clients know one shape."""
        if path.startswith(NATIVE_PREFIX):
            more = {} if self.limit is None else {"limit": self.limit}
            hint = _HINTS.get(self.own_code)
            message = f"{self.message.rstrip('.')}; {hint}" if hint else self.message
            return {"error": native_error(self.own_code, message, self.retryable) | more}
        if not path.startswith(KSERVE_PATHS):
            return {"error": {"code": self.code, "message": self.message}}
        if self.status == 422:  # Lift Wing says it the one way today, the other way before
            return {"error": self.message, "detail": self.message}
        return {"error": self.message}


_HINTS: Final = {
    "not_found": "/openapi.json lists every route.",
    "unknown_wiki": "GET /api/wikis lists all.",
    "unknown_model": "GET /api/wikis lists all.",
}
"""What to do, where the message is in ORES's words, which its clients compare."""

KSERVE_PATHS: Final = ("/v1/models", "/v2/models", "/v2/health", "/service/lw/")
"""Where Lift Wing's clients and those of the Open Inference Protocol ask."""


def native_error(code: str, message: str, retryable: bool) -> dict[str, Any]:
    """The native API's ``error``."""
    return {"code": code, "message": message, "retryable": retryable}


ORES_CODES: Final[dict[int, str]] = {
    400: "bad request",
    403: "forbidden",
    404: "not found",
    405: "method not allowed",
    408: "request_timeout",
    413: "request too large",
    414: "request too large",
    415: "unsupported media type",
    422: "unprocessable",
    429: "too_many_requests",
    431: "request too large",
    500: "internal server error",
    503: "server overloaded",
    504: "request_timeout",
}
"""`error.code` by status; 405, 408, 413, 414, 415, 422 and 431 are ours, the others ORES's."""

CODES: Final[dict[int, str]] = {
    400: "bad_request",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_too_large",
    414: "request_too_large",
    415: "unsupported_media_type",
    422: "unprocessable",
    429: "too_many_requests",
    431: "request_too_large",
    500: "internal_error",
    503: "unavailable",
    504: "deadline_exceeded",
}
"""`error.code` of the native API for a refusal that has no finer one."""

RETRYABLE: Final = frozenset({408, 429, 503, 504})
"""Statuses after which the same request may succeed."""

STATUSES: Final[tuple[tuple[type[AssayError], int], ...]] = (
    (UnknownWiki, 404),
    (UnknownModel, 404),
    (RequestError, 400),
    (Overloaded, 503),
    (SourceUnavailable, 503),
    (DeadlineExceeded, 504),
    (RetryableError, 503),
)
"""First match counts, so special cases stand before their base classes."""


def refusal(error: Exception, request_id: str) -> Refusal:
    """What to answer for `error`."""
    if isinstance(error, HttpError):
        return Refusal(error.status, error.code, str(error), error.headers, error.status in RETRYABLE)
    for kind, status in STATUSES:
        if isinstance(error, kind):
            limit = error.limit if isinstance(error, TooManyRevisions) else None
            return Refusal(status, error.code, str(error), _retry_after(error), status in RETRYABLE, limit)
    message = f"Something went wrong on this server; its log has the details under request id {request_id}."
    return Refusal(500, CODES[500], message, {}, False)


def _retry_after(error: AssayError) -> dict[str, str]:
    if not isinstance(error, RetryableError):
        return {}
    return {"Retry-After": str(max(1, ceil(error.delay_s)))}
