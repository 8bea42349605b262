"""Wikimedia's EventStreams, or any server of server-sent events that takes up again at ``Last-Event-ID``.

Until the first event there is no id to take up again at. So a first start fixes the time from which it wants
events, and every connection asks for it by ``?since=``, as EventStreams have it, until an id is known; then
they go by the id alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, urlsplit

import aiohttp

from assay import __version__
from assay.clock import Clock
from assay.errors import reason_of
from assay.precache.patience import MOST_S, backoff_s
from assay.precache.sse import MAX_ID_BYTES, ServerEvent, SseParser
from assay.precache.stream import Followed, Malformed, read_json
from assay.revisions.record import iso
from assay.revisions.wiki.action_api import retry_after_s
from assay.telemetry import logger

CONNECT_LIMIT_S: Final = 20.0
SILENCE_LIMIT_S: Final = 120.0
"""Without a byte, a connection counts as dead. Wikimedia's streams of all wikis are never quiet for so long,
and a reconnection loses nothing."""
CLOCKS_DIFFER_S: Final = 10.0
"""How far before the first start events are asked for: our clock may be ahead of theirs. An edit from before
is scored, which does no harm."""
_SINCE: Final = "since="
"""Begins a position that is a time; ids of events are JSON, or anything else that the server chose."""
_CHUNK_BYTES: Final = 2**16

Sleep = Callable[[float], Awaitable[None]]


class _Refused(Exception):
    """The answer was no stream. `delay_s`: what the server asked to wait, None if it did not."""

    def __init__(self, reason: str, delay_s: float | None = None) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


class EventStreams:
    """`contact`: the operator's address, for the User-Agent; Wikimedia asks for one."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        contact: str = "",
        *,
        silence_limit_s: float = SILENCE_LIMIT_S,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._url = url
        self._clock = clock
        self._agent = f"Assay/{__version__}{f' ({contact})' if contact else ''} aiohttp/{aiohttp.__version__}"
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_LIMIT_S, sock_read=silence_limit_s
        )
        self._sleep = sleep
        self._session: aiohttp.ClientSession | None = None
        self._has_long_ids = False
        self._log = logger(__name__)

    async def follow(self, position: str | None) -> AsyncGenerator[Followed]:
        if position is None:
            position = _from(self._clock.now())
            yield Followed(None, position)
        since, last_id = (position, "") if position.startswith(_SINCE) else ("", position)
        failures = 0
        retry_s: float | None = None
        while True:
            parser, reason, asked_s = SseParser(last_id), "the server ended the stream", None
            try:
                async with aclosing(self._connection(parser, since)) as events:
                    async for event in events:
                        failures = 0
                        yield _followed(event)
            except _Refused as refused:
                reason, asked_s = str(refused), refused.delay_s
            except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
                reason = reason_of(error)
            failures += 1
            last_id = parser.last_id
            retry_s = retry_s if parser.retry_ms is None else min(parser.retry_ms / 1000, MOST_S)
            wait_s = max(backoff_s(failures), retry_s or 0.0, asked_s or 0.0)
            self._log.warning("stream ended", url=self._url, reason=reason, again_in_s=round(wait_s, 2))
            await self._sleep(wait_s)

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _connection(self, parser: SseParser, since: str) -> AsyncGenerator[ServerEvent]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        asked: dict[str, str] = {}
        if parser.last_id:
            headers["Last-Event-ID"] = parser.last_id
        elif "since" not in parse_qs(urlsplit(self._url).query):  # an operator's own stands
            asked["since"] = since.removeprefix(_SINCE)
        async with self._open_session().get(self._url, params=asked, headers=headers) as response:
            if response.status != 200 or response.content_type != "text/event-stream":
                wait_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
                raise _Refused(f"HTTP {response.status}, {response.content_type}", wait_s)
            self._log.info("stream begun", url=self._url, resumed=bool(parser.last_id))
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                for event in parser.feed(chunk):
                    self._note_ids(parser)
                    yield event

    def _note_ids(self, parser: SseParser) -> None:
        """Once for each connection."""
        if parser.long_ids and not self._has_long_ids:
            told = "a reconnection begins behind the last one that was not"
            self._log.warning("ids too long", url=self._url, most_bytes=MAX_ID_BYTES, advice=told)
        self._has_long_ids = bool(parser.long_ids)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"User-Agent": self._agent},
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _from(start: datetime) -> str:
    """The position of a first start."""
    return _SINCE + iso(start - timedelta(seconds=CLOCKS_DIFFER_S), "milliseconds")


def _followed(event: ServerEvent) -> Followed:
    position = event.id or None
    if event.data is None:
        return Followed(Malformed("It is too long."), position)
    if event.type != "message":
        return Followed(Malformed(f"It is of the type {event.type[:40]!r}: {event.data[:200]}"), position)
    return Followed(read_json(event.data), position)
