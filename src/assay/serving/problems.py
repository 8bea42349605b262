"""The one table from errors to HTTP statuses, and the JSON shape of an error.

``{"error": {"code": …, "message": …}}`` with ORES's codes, which its clients compare; on KServe's paths
``{"error": message}``, in which its clients look for words. A traceback never reaches a client: what is not
in the table is logged and answered with a request id to quote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from assay.errors import (
    AssayError,
    DeadlineExceeded,
    Overloaded,
    RequestError,
    RetryableError,
    SourceUnavailable,
    UnknownModel,
    UnknownWiki,
)


class HttpError(AssayError):
    """A request refused before it means anything: its path, method, size or form."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is an error. `headers`: besides the usual ones."""

    status: int
    code: str
    message: str
    headers: dict[str, str]

    def document(self, path: str) -> dict[str, Any]:
        """`path`: of the request, since each API's clients know one shape."""
        if not path.startswith(KSERVE_PATHS):
            return {"error": {"code": self.code, "message": self.message}}
        if self.status == 422:  # Lift Wing says it the one way today, the other way before
            return {"error": self.message, "detail": self.message}
        return {"error": self.message}


KSERVE_PATHS: Final = ("/v1/models", "/v2/models", "/v2/health", "/service/lw/")
"""Where Lift Wing's clients and those of the Open Inference Protocol ask."""


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
    500: "internal server error",
    503: "server overloaded",
    504: "request_timeout",
}
"""`error.code` by status; 405, 408, 413, 414, 415 and 422 are ours, the others ORES's."""

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
        return Refusal(error.status, ORES_CODES[error.status], str(error), error.headers)
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return Refusal(status, ORES_CODES[status], str(error), _retry_after(error))
    message = f"Something went wrong on this server; its log has the details under request id {request_id}."
    return Refusal(500, ORES_CODES[500], message, {})


def _retry_after(error: AssayError) -> dict[str, str]:
    if not isinstance(error, RetryableError):
        return {}
    return {"Retry-After": str(max(1, round(error.delay_s)))}
