"""What every stream of edits gives."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from assay.errors import BadParameter
from assay.events import Change, NoEdit, read_event


@dataclass(frozen=True, slots=True)
class Malformed:
    """An event that cannot be read. `reason`: a sentence."""

    reason: str


Told = Change | NoEdit | Malformed


@dataclass(frozen=True, slots=True)
class Followed:
    """`told`: what happened; None: nothing, but that the stream has come this far. `position`: from where to
    go on after this and everything before it; None: as before. Only the stream itself can read it."""

    told: Told | None
    position: str | None = None


class Stream(Protocol):
    """A stream may repeat itself, and must leave nothing out that came after a position."""

    def follow(self, position: str | None) -> AsyncGenerator[Followed]:
        """Without end, through failures of the other side. `position`: None at the very first start, which
        begins with what happens from now on."""
        ...

    async def aclose(self) -> None: ...


def read_json(text: bytes | str) -> Told:
    """An event of a stream that should be one of JSON."""
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Malformed(f"It is no JSON: {error}")
    return read(lambda: read_event(event))


def read(reading: Callable[[], Change | NoEdit]) -> Told:
    try:
        return reading()
    except BadParameter as error:
        return Malformed(str(error))


def row_list(document: Any) -> list[Any]:
    """The rows of an answer to ``list=recentchanges``; empty when there are none."""
    query = document.get("query") if isinstance(document, dict) else None
    found = query.get("recentchanges") if isinstance(query, dict) else None
    return found if isinstance(found, list) else []
