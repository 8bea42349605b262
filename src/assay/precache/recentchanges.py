"""A MediaWiki's recent changes, asked for again and again.

Each look goes back behind the last one (`overlap_s`), because an edit can become visible after one with a
later time: rows are written in transactions of any length, and read from replicas. What that repeats is
passed over here; what a restart repeats, the ledger knows. A wiki keeps its recent changes for 90 days
(`$wgRCMaxAge`); what happened before is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from assay.clock import Clock, Deadline
from assay.errors import BadParameter, SourceUnavailable
from assay.events import CHANGE_PROPERTIES, Change, read_row
from assay.events.document import Document
from assay.precache.patience import backoff_s
from assay.precache.stream import Followed, Told, read, row_list
from assay.revisions.wiki.action_api import ActionApi
from assay.telemetry import logger

ROWS: Final = 500
"""In one answer; what clients without special rights may ask for."""
_LOOK_LIMIT_S: Final = 60.0
_FIRST: Final = "19700101000000"
"""The position of a wiki on which nothing has happened yet."""

Pause = Callable[[], Awaitable[None]]


class RecentChanges:
    """`database`: what the wiki calls itself. `pause`: waits before the next look; None: `poll_s`."""

    def __init__(
        self,
        api: ActionApi,
        api_url: str,
        database: str,
        clock: Clock,
        *,
        poll_s: float = 1.0,
        overlap_s: float = 30.0,
        pause: Pause | None = None,
    ) -> None:
        self._api = api
        self._domain = urlsplit(api_url).hostname or ""
        self._database = database
        self._clock = clock
        self._overlap = timedelta(seconds=overlap_s)
        self._seen: dict[int, datetime] = {}
        self._pause = pause or (lambda: asyncio.sleep(poll_s))
        self._log = logger(__name__)

    async def follow(self, position: str | None) -> AsyncGenerator[Followed]:
        failures = 0
        while True:
            try:
                if position is None:
                    position = await self._newest()
                    yield Followed(None, position)
                async with aclosing(self._look(position)) as looked:
                    async for followed in looked:
                        position = followed.position or position
                        yield followed
                failures = 0
                await self._pause()
            except SourceUnavailable as error:
                failures += 1
                wait_s = max(error.delay_s, backoff_s(failures))
                self._log.warning("recent changes not to be had", wiki=self._database, reason=str(error))
                await asyncio.sleep(wait_s)

    async def aclose(self) -> None:
        await self._api.aclose()

    async def _newest(self) -> str:
        """The time of the latest change."""
        document = await self._ask({"rcdir": "older", "rclimit": "1", "rcprop": "timestamp"})
        moments = [moment for row in row_list(document) if (moment := _moment(row)) is not None]
        return _position(_not_ahead(max(moments), document)) if moments else _FIRST

    async def _look(self, position: str) -> AsyncGenerator[Followed]:
        """Everything from a little before the position on, oldest first."""
        latest = _of(position)
        start = max(latest - self._overlap, _of(_FIRST))
        asked = {"rcdir": "newer", "rcstart": _position(start), "rclimit": str(ROWS)}
        following: dict[str, str] = {}
        while True:
            document = await self._ask({**asked, "rcprop": CHANGE_PROPERTIES, **following})
            for row in row_list(document):
                moment = _moment(row) or latest
                if self._is_new(row, moment):
                    yield Followed(self._read(row))
                latest = max(latest, moment)
            reached = _not_ahead(latest, document)
            if reached < _of(position) - self._overlap:
                self._log.warning(
                    "the wiki's clock was set back",
                    wiki=self._database,
                    before=position,
                    now=_position(reached),
                )
                position = _position(reached)
            yield Followed(None, _position(reached))
            self._forget(reached - self._overlap)
            rest = document.get("continue")
            if not isinstance(rest, dict):
                return
            before, following = following, {str(key): str(value) for key, value in rest.items()}
            if following == before:  # it leads nowhere; the next look may be better
                return

    def _is_new(self, row: Any, moment: datetime) -> bool:
        """Whether no look had it before. What cannot be told is new each time."""
        rcid = row.get("rcid") if isinstance(row, dict) else None
        if not isinstance(rcid, int):
            return True
        is_new = rcid not in self._seen
        self._seen[rcid] = moment
        return is_new

    def _forget(self, before: datetime) -> None:
        """Changes that no further look will have."""
        self._seen = {rcid: moment for rcid, moment in self._seen.items() if moment >= before}

    async def _ask(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        query = {"action": "query", "list": "recentchanges", "rctype": "edit|new", "curtimestamp": "1"}
        return await self._api.query({**query, **parameters}, Deadline.after(_LOOK_LIMIT_S, self._clock))

    def _read(self, row: Any) -> Told:
        found = read(lambda: read_row(row, self._database))
        return replace(found, domain=self._domain) if isinstance(found, Change) else found


def _moment(row: Any) -> datetime | None:
    try:
        return Document(row).moment("timestamp")
    except BadParameter:
        return None


def _not_ahead(moment: datetime, document: Mapping[str, Any]) -> datetime:
    """Not later than the wiki's clock, as its answer tells it: a row that a server with a wrong clock wrote
    would hide all that happens until then."""
    try:
        return min(moment, Document(document).moment("curtimestamp"))
    except BadParameter:
        return moment


def _position(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%S")


def _of(position: str) -> datetime:
    return datetime.strptime(position, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
