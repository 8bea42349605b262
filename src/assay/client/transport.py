"""Requests to one server: one try each, with errors as values of their kind; and when to try again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import aiohttp
import orjson

from assay.client.errors import Away, ClientError, Refused, TooLarge

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Of one answer, once it is unpacked, or of one line of a stream: more than fifty revisions with all
explanations, or ten thousand ids."""
_MAX_ERROR_BYTES: Final = 64 * 1024
"""Of an error; what is longer is no error of Assay's."""
_RETRYABLE: Final = frozenset({408, 429, 502, 503, 504})
"""Statuses of answers that do not say it themselves."""

_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s]*@")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How frequently a question that may succeed later is asked again.

    `retries`: after the first time. `backoff_s`: before the first of them, doubled for each further one, up
    to `longest_s`; a server that names a time is waited for as long as it says.
    """

    retries: int = 5
    backoff_s: float = 1.0
    longest_s: float = 60.0

    def delay_s(self, attempt: int, error: ClientError | None) -> float:
        """Before asking again for the `attempt`th time, from 0 on."""
        told_s = error.delay_s if isinstance(error, Refused) and error.delay_s is not None else 0.0
        return max(told_s, min(self.backoff_s * 2.0**attempt, self.longest_s))

    async def keep_asking(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Raises `ClientError`: the last one, or the first that asking again does not help against."""
        for attempt in range(self.retries):
            try:
                return await ask()
            except ClientError as error:
                if not error.retryable:
                    raise
                await asyncio.sleep(self.delay_s(attempt, error))
        return await ask()


class Transport:
    """One server. `stream_timeout_s`: seconds between two pieces of a streamed answer. `max_answer_bytes`: of
    one answer, or one line of a streamed one."""

    def __init__(
        self, url: str, *, user_agent: str, timeout_s: float, stream_timeout_s: float, max_answer_bytes: int
    ) -> None:
        self._url = url.rstrip("/")
        self._max_bytes = max_answer_bytes
        self._headers = {"User-Agent": user_agent}
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._stream_timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=timeout_s, sock_read=stream_timeout_s
        )
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        document: Any = None,
    ) -> Any:
        """The answer's JSON. Raises `Refused`, `Away`, `TooLarge`."""
        sent = {"params": parameters, "data": form, "timeout": self._timeout}
        async with self._asked(method, path, document, **sent) as answer:
            return _parsed(await _body(answer.content, self._max_bytes))

    @asynccontextmanager
    async def stream(self, path: str, document: Any) -> AsyncIterator[AsyncIterator[Any]]:
        """A POST whose answer is JSON lines. Raises `Refused`, `Away`, `TooLarge`; a line that was cut off is
        left out."""
        async with self._asked("POST", path, document, timeout=self._stream_timeout) as answer:
            yield _lines(answer.content, self._max_bytes)

    @asynccontextmanager
    async def _asked(
        self, method: str, path: str, document: Any, **sent: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {}
        if document is not None:
            sent["data"], headers = orjson.dumps(document), {"Content-Type": "application/json"}
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers)
        try:
            async with self._session.request(method, self._url + path, headers=headers, **sent) as answer:
                if answer.status >= 400:
                    raise _refused(answer, await _error_body(answer.content))
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Away(_told(f"{self._url} did not answer: {error or type(error).__name__}")) from error


def _told(text: str) -> str:
    """Without the passwords of addresses, for it may stand in somebody's log, and without the word by which
    aiohttp says that nothing special was asked of TLS, be it used or not."""
    return _CREDENTIALS.sub("", text).replace(" ssl:default", "")


async def _body(content: aiohttp.StreamReader, most: int) -> bytes:
    """The whole of it. Raises `TooLarge` as soon as it is more than `most` bytes."""
    pieces, size = [], 0
    async for piece in content.iter_any():
        size += len(piece)
        if size > most:
            raise TooLarge(most)
        pieces.append(piece)
    return b"".join(pieces)


async def _error_body(content: aiohttp.StreamReader) -> bytes:
    """Empty when it is too long to be one of Assay's; then the status says what is to be said."""
    try:
        return await _body(content, _MAX_ERROR_BYTES)
    except TooLarge:
        return b""


async def _lines(content: aiohttp.StreamReader, most: int) -> AsyncIterator[Any]:
    """Whole lines; what comes after the last of them is no answer."""
    kept = b""
    try:
        async for piece in content.iter_any():
            *whole, kept = (kept + piece).split(b"\n")
            if max(map(len, (*whole, kept))) > most:
                raise TooLarge(most)
            for line in whole:
                yield _parsed(line)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return  # cut off: the last line is missing, which the reader sees


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Away(f"the answer is no JSON; is there an Assay server? It begins {body[:80]!r}") from error


def read(parse: Callable[[Any], T], told: Any) -> T:
    """A document as a value. Raises `Away` when it has not the shape that it should have."""
    try:
        return parse(told)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Away(f"the answer is not of the shape that this client knows: {error!r}") from error


def _refused(answer: aiohttp.ClientResponse, body: bytes) -> Refused:
    try:
        told = orjson.loads(body)["error"]
        code, message = str(told["code"]), str(told["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        told, code, message = {}, "http_error", f"HTTP status {answer.status} {answer.reason or ''}".strip()
    retryable = bool(told.get("retryable", answer.status in _RETRYABLE))
    after = answer.headers.get("Retry-After", "")
    delay_s = float(after) if after.isascii() and after.isdigit() else None
    limit = told.get("limit")
    return Refused(
        message,
        status=answer.status,
        code=code,
        retryable=retryable,
        delay_s=delay_s,
        limit=limit if isinstance(limit, int) else None,
    )
