"""JSON bodies of the native API: an object with known keys, read within limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from assay.errors import BadInjection, BadParameter
from assay.revisions.record import MAX_ID
from assay.scoring.request import Injection
from assay.serving.parameters import check_depth
from assay.serving.problems import HttpError

MAX_MODELS: Final = 100


def read_object(body: bytes, content_type: str, keys: Sequence[str]) -> dict[str, Any]:
    """An empty body is an empty object. Raises `HttpError` 415, `BadParameter`."""
    if content_type.partition(";")[0].strip().lower() not in ("application/json", ""):
        raise HttpError(415, "Send application/json.")
    try:
        asked = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise BadParameter(f"Could not interpret the body. It is not JSON: {error}") from error
    if not isinstance(asked, dict) or set(asked) - set(keys):
        raise BadParameter(f"Could not interpret the body. Give an object with {_listed(keys)}.")
    return asked


def model_names(asked: dict[str, Any]) -> tuple[str, ...] | None:
    """None when not given: all. Raises `BadParameter`."""
    names = asked.get("models")
    if names is None:
        return None
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_MODELS:
        raise BadParameter("Could not interpret models. Give a list of names.")
    if not all(isinstance(name, str) for name in names):
        raise BadParameter("Could not interpret models. Every name must be a string.")
    return tuple(dict.fromkeys(names))


def injection(asked: dict[str, Any]) -> Injection:
    """Raises `BadInjection`."""
    values = asked.get("injection", {})
    if not isinstance(values, dict):
        raise BadInjection("Could not interpret injection. Give an object of values by name.")
    check_depth(values, "injection")
    return values


def revisions(asked: dict[str, Any], most: int) -> tuple[int, ...]:
    """Unique, in order, at least one. Raises `BadParameter`."""
    ids = asked.get("revisions")
    if not isinstance(ids, list) or not ids:
        raise BadParameter("Could not interpret revisions. Give a list of revision ids, at least one.")
    unique = tuple(dict.fromkeys(map(_rev_id, ids)))
    if len(unique) > most:
        raise BadParameter(f"Too many revisions: {len(unique)}; at most {most} in one request.")
    return unique


def flag(asked: dict[str, Any], name: str) -> bool:
    """False when not given. Raises `BadParameter`."""
    value = asked.get(name, False)
    if not isinstance(value, bool):
        raise BadParameter(f"Could not interpret {name}. Give true or false.")
    return value


def choice(asked: dict[str, Any], name: str, known: Sequence[str]) -> str:
    """The first of `known` when not given. Raises `BadParameter`."""
    value = asked.get(name, known[0])
    if value not in known:
        raise BadParameter(f"Could not interpret {name}. Give {' or '.join(known)}.")
    return str(value)


def _rev_id(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_ID:
        raise BadParameter(
            f"Could not interpret revisions. {str(value)[:40]} is not a revision id: "
            f"give whole numbers from 1 to {MAX_ID}."
        )
    return value


def _listed(keys: Sequence[str]) -> str:
    return f"{keys[0]}, {keys[1]} or both" if len(keys) == 2 else f"some of {', '.join(keys)}"
