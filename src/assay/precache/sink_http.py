"""Scores posted over HTTP as a JSON list, as EventGate takes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import aiohttp
import orjson

from assay import __version__
from assay.errors import reason_of
from assay.precache.sink import Event, Refused, Unwritten
from assay.revisions.wiki.action_api import RETRYABLE_STATUSES, retry_after_s

TIMEOUT_S: Final = 30.0


class HttpSink:
    """What is refused in a list is posted singly, so that one event does not take others with it."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        try:
            await self._post(events)
        except Refused as refused:
            if len(events) == 1:
                return [(events[0], refused)]
            return [one for event in events for one in await self.write([event])]
        return ()

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _post(self, events: Sequence[Event]) -> None:
        body = orjson.dumps(list(events))
        try:
            async with self._open_session().post(self._url, data=body, allow_redirects=False) as response:
                text = await response.text(errors="replace")
        except TimeoutError:
            raise Unwritten(f"{self._url} did not answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unwritten(f"{self._url}: {reason_of(error)}") from None
        reason = f"{self._url} answers {response.status}: {text[:200]}"
        if response.status in RETRYABLE_STATUSES:
            raise Unwritten(reason, retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC)))
        # EventGate answers 207 when it took some of a list, and does not say which in any fixed form
        if response.status == 207 or not 200 <= response.status < 300:
            raise Refused(reason)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                headers={"Content-Type": "application/json", "User-Agent": f"assay-precache/{__version__}"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session
