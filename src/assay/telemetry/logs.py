"""Log lines as JSON, without secrets, with the request that they belong to."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final, Literal, TextIO

import structlog

_SECRET_KEY: Final = re.compile(r"password|passwd|secret|token|authorization|cookie|api_?key", re.IGNORECASE)
_CREDENTIALS_IN_URL: Final = re.compile(r"(?<=://)\S+@")
"""Up to the last @, for a password that was not percent-encoded may hold others."""
_REDACTED: Final = "[redacted]"


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: values under secret-sounding keys and credentials in URLs are blotted out."""
    for key, value in event.items():
        event[key] = redacted(key, value)
    return event


def is_secret(key: str) -> bool:
    """Whether what stands under this key is never told."""
    return _SECRET_KEY.search(key) is not None


def redacted(key: str, value: Any) -> Any:
    """`value`, or what may be told of it, however deep it holds what may not.

    None stays None, because that a secret is not set is no secret.
    """
    if value is not None and is_secret(key):
        return _REDACTED
    if isinstance(value, str):
        return _CREDENTIALS_IN_URL.sub(_REDACTED + "@", value) if "://" in value else value
    if isinstance(value, Mapping):
        return {name: redacted(str(name), inner) for name, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(redacted(key, item) for item in value)
    return value


def _without_colours(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: uvicorn adds each message a second time, with terminal colours in it."""
    event.pop("color_message", None)
    return event


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How logs are written."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity written; `info` is one line a request."""

    json: bool = True
    """One JSON object a line; False: readable lines for a terminal."""


def configure_logging(options: LogOptions, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's records to `stream` (stderr), redacted, one a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        _without_colours,
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if options.json else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared[:-1], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared[:-1],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(options.level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = name != "uvicorn.access"  # our own access log says more


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A structured logger; `name` as in the standard library."""
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return log


def request_id() -> str:
    """Of the HTTP request that is being answered, empty when there is none; see `bound`."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def bound(**values: str) -> AbstractContextManager[None]:
    """Within it, every log line holds these values: ``with bound(request_id=…)``."""
    return structlog.contextvars.bound_contextvars(**values)
