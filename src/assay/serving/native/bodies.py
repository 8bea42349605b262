"""Members of a JSON object under ``/api/``, read within limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from assay.errors import BadParameter, TooManyRevisions
from assay.revisions.record import MAX_ID


def check_keys(asked: Mapping[str, Any], known: Sequence[str], where: str = "the body") -> None:
    """Raises `BadParameter`: a misspelt key is a wish that would not be granted, or a fact that a score would
    not know of."""
    if strangers := sorted(set(asked) - set(known)):
        raise BadParameter(
            f"Could not interpret {where}. There is no {strangers[0][:100]!r}; known are {', '.join(known)}."
        )


def revisions(asked: Mapping[str, Any], most: int) -> tuple[int, ...]:
    """Unique, in order, at least one. Raises `BadParameter`, `TooManyRevisions`."""
    ids = asked.get("revisions")
    if not isinstance(ids, list) or not ids:
        raise BadParameter("Could not interpret revisions. Give a list of revision ids, at least one.")
    unique = tuple(dict.fromkeys(map(_rev_id, ids)))
    if len(unique) > most:
        raise TooManyRevisions(len(unique), most)
    return unique


def flag(asked: Mapping[str, Any], name: str) -> bool:
    """False when not given. Raises `BadParameter`."""
    value = asked.get(name, False)
    if not isinstance(value, bool):
        raise BadParameter(f"Could not interpret {name}. Give true or false.")
    return value


def choice(asked: Mapping[str, Any], name: str, known: Sequence[str]) -> str:
    """The first of `known` when not given. Raises `BadParameter`."""
    value = asked.get(name, known[0])
    if value not in known:
        raise BadParameter(f"Could not interpret {name}. Give {' or '.join(known)}.")
    return str(value)


def _rev_id(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_ID:
        shown = orjson.dumps(value)[:40].decode(errors="ignore")
        raise BadParameter(
            f"Could not interpret revisions. {shown} is not a revision id: "
            f"give whole numbers from 1 to {MAX_ID}."
        )
    return value
