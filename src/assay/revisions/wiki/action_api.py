"""The MediaWiki action API over HTTP: one query with its retries, all within one deadline.

Polite to the wiki (https://www.mediawiki.org/wiki/API:Etiquette): names itself, sends `maxlag`,
waits as long as `Retry-After` says, asks for gzip. Distrustful of it: reads no more than a limit,
follows no redirect to another host, takes HTML and half answers for failures.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from yarl import URL

from assay import __version__
from assay.clock import Deadline
from assay.errors import SourceError, SourceUnavailable, reason_of
from assay.revisions.options import ApiOptions

RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
RETRYABLE_CODES = ("maxlag", "ratelimited", "readonly", "internal_api_error", "failed-save")
MAX_REDIRECTS = 3
MAX_CONTINUATIONS = 100
"""Twice the ids of one call: MediaWiki gives at least one revision in each answer."""
MAX_RETRY_AFTER_S = 86_400.0
"""A header that asks for more is a mistake or malice, and its number need not fit anything."""
HONEST_S = 5.0
"""A wiki that is slow and well may take so long for one answer, 50 large texts from cold caches."""


class AnswerTooLarge(SourceUnavailable):
    """The wiki cannot give even the next single item: it is larger than `$wgAPIMaxResultSize`."""


class ApiRefused(SourceUnavailable):
    """The wiki answered with an error of its own that asking again does not mend. `api_code`: MediaWiki's."""

    def __init__(self, message: str, api_code: str) -> None:
        super().__init__(message)
        self.api_code = api_code


class _Trouble(Exception):
    """One attempt failed. `delay_s`: how long the wiki asked us to wait, None if it did not. `api_code`:
    of an error that MediaWiki itself told."""

    def __init__(
        self,
        reason: str,
        is_retryable: bool = True,
        delay_s: float | None = None,
        api_code: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason, self.is_retryable, self.delay_s, self.api_code = reason, is_retryable, delay_s, api_code


def check_api_url(url: str) -> str:
    """`url` when it is the address of an api.php. Raises `SourceError` saying what is wrong with it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        shown = url.rpartition("@")[2]  # without a password
        raise SourceError(f"{shown!r} is no address ({error}): give http(s)://HOST/PATH/api.php.") from None
    fault = None
    if parts.scheme not in ("http", "https"):
        fault = "must begin with http:// or https://"
    elif not parts.hostname:
        fault = "names no host"
    elif parts.username or parts.password:
        fault = "must not hold a user name or password"
    elif parts.query or parts.fragment or not parts.path.endswith("/api.php"):
        fault = "must end with /api.php"
    if fault:
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise SourceError(f"The address {shown} {fault}, such as https://en.wikipedia.org/w/api.php.")
    return url


class ActionApi:
    """One wiki's api.php. The HTTP session is opened with the first query and closed by `aclose`."""

    def __init__(
        self,
        url: str,
        options: ApiOptions | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = URL(check_api_url(url))
        self._options = options or ApiOptions()
        self._sleep = sleep
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        """By whether each request opens a connection of its own."""
        self._slots = asyncio.Semaphore(self._options.parallel)

    @property
    def url(self) -> str:
        return str(self._url)

    async def query(self, parameters: Mapping[str, str], deadline: Deadline) -> dict[str, Any]:
        """The answer's document (formatversion 2).

        Raises `SourceUnavailable` when the wiki gives none in time.
        """
        for attempt in range(1, self._options.attempts + 1):
            try:
                async with self._slots:
                    return await self._attempt(parameters, deadline, attempt)
            except _Trouble as trouble:
                wait_s = self._wait_s(attempt) if trouble.delay_s is None else trouble.delay_s
                if trouble.api_code is not None and not trouble.is_retryable:
                    raise ApiRefused(f"{self._url}: {trouble.reason}", trouble.api_code) from None
                is_last = attempt == self._options.attempts or not trouble.is_retryable
                if is_last or wait_s >= deadline.remaining_s():
                    raise SourceUnavailable(f"{self._url}: {trouble.reason}", delay_s=wait_s) from None
            await self._sleep(wait_s)
        raise SourceUnavailable(f"{self._url}: no attempt was allowed")

    async def query_all(
        self, parameters: Mapping[str, str], deadline: Deadline
    ) -> AsyncGenerator[dict[str, Any]]:
        """The answers of a query and of all its continuations.

        Raises `AnswerTooLarge` when one leads to itself, which is how MediaWiki says it.
        """
        following: dict[str, str] = {}
        for _ in range(MAX_CONTINUATIONS):
            document = await self.query({**parameters, **following}, deadline)
            yield document
            rest = continuation(document)
            if rest is None:
                return
            if rest == following:
                raise AnswerTooLarge(f"{self._url}: the next item is larger than the wiki gives at once")
            following = rest
        raise SourceUnavailable(f"{self._url}: the answer was continued {MAX_CONTINUATIONS} times")

    async def aclose(self) -> None:
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    def _wait_s(self, attempt: int) -> float:
        return float(self._options.backoff_s * 2 ** (attempt - 1) * random.uniform(0.5, 1.0))

    async def _attempt(
        self, parameters: Mapping[str, str], deadline: Deadline, attempt: int
    ) -> dict[str, Any]:
        timeout_s = attempt_time_s(self._options, attempt, deadline.remaining_s())
        if timeout_s <= 0:
            raise _Trouble("the deadline passed", is_retryable=False)
        # What fell silent may have taken all kept connections with it, so that these are not tried in turn.
        session = self._open_session(alone=attempt > 1)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._get(session, parameters)
        except TimeoutError:
            raise _Trouble(f"no answer within {timeout_s:.1f} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _Trouble(f"the connection failed ({reason_of(error)})") from None

    async def _get(self, session: aiohttp.ClientSession, parameters: Mapping[str, str]) -> dict[str, Any]:
        url = self._url.update_query(
            {**parameters, "format": "json", "formatversion": "2", "maxlag": str(self._options.maxlag_s)}
        )
        for _ in range(MAX_REDIRECTS + 1):
            async with session.get(url, allow_redirects=False) as response:
                if response.status not in (301, 302, 303, 307, 308):
                    return _document(response, await self._read(response))
                url = self._redirected(url, response.headers.get("Location", ""))
        raise _Trouble("redirects without end: correct the wiki's address", is_retryable=False)

    def _open_session(self, *, alone: bool) -> aiohttp.ClientSession:
        if alone not in self._sessions:
            contact = f" ({self._options.contact})" if self._options.contact else ""
            self._sessions[alone] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=alone),
                headers={
                    "User-Agent": f"Assay/{__version__}{contact} aiohttp/{aiohttp.__version__}",
                    "Accept-Encoding": "gzip",
                },
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._sessions[alone]

    def _redirected(self, url: URL, location: str) -> URL:
        target = url.join(URL(location))
        is_allowed = target.host == url.host and (target.origin() == url.origin() or target.scheme == "https")
        if not location or not is_allowed:
            raise _Trouble(f"redirects to {location!r}: correct the wiki's address", is_retryable=False)
        return target

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(2**16):
            body += chunk
            if len(body) > self._options.max_response_bytes:
                raise _Trouble(
                    f"the answer is larger than {self._options.max_response_bytes} bytes", is_retryable=False
                )
        return bytes(body)


def attempt_time_s(options: ApiOptions, attempt: int, remaining_s: float) -> float:
    """Seconds for this attempt, counted from 1, when so many are left for the query; 0: none.

    While another may follow, half of them: a connection that hangs must not cost the whole deadline. But a
    wiki that is merely slow is not asked twice for what it was about to answer.
    """
    is_last = attempt >= options.attempts
    share_s = remaining_s if is_last else max(remaining_s / 2, HONEST_S)
    return min(options.attempt_timeout_s, share_s, remaining_s)


def continuation(document: Mapping[str, Any]) -> dict[str, str] | None:
    """What to add to the query for the next answer; None: this was the last."""
    rest = document.get("continue")
    return {str(key): str(value) for key, value in rest.items()} if isinstance(rest, dict) else None


def _document(response: aiohttp.ClientResponse, body: bytes) -> dict[str, Any]:
    delay_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
    if response.status in RETRYABLE_STATUSES:
        raise _Trouble(f"HTTP {response.status}", delay_s=delay_s)
    if response.status != 200:
        raise _Trouble(f"HTTP {response.status}: check the wiki's address", is_retryable=False)
    document = _parse(body)
    error = document.get("error")
    if isinstance(error, dict):
        code, info = str(error.get("code")), str(error.get("info"))[:200]
        raise _Trouble(f"{code}: {info}", code.startswith(RETRYABLE_CODES), delay_s, code)
    return document


def _parse(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            document = json.loads(body.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            raise _Trouble(f"the answer is not JSON (it begins {body[:40]!r})") from None
    if not isinstance(document, dict):
        raise _Trouble("the answer is not a JSON object")
    return document


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks to wait, given as seconds or as a date; None if it does not.
    Never more than `MAX_RETRY_AFTER_S`."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return min(MAX_RETRY_AFTER_S, float(header))
    try:
        moment = parsedate_to_datetime(header)
        wait_s = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    except (ValueError, OverflowError):  # the latter of a zone that no clock has
        return None
    return min(MAX_RETRY_AFTER_S, max(0.0, wait_s))
