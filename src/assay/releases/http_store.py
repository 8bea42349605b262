"""A release store behind any static file server: read only."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from assay.errors import ConfigurationError, ReleaseNotFound, reason_of
from assay.releases.manifest import FileEntry
from assay.releases.store import CHUNK_BYTES
from assay.releases.store_failures import away, broken_off, failing, no_rights, too_slow

T = TypeVar("T")
_MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class HttpStore:
    """A `ReleaseStore` that cannot be written. Proxies are those of the environment."""

    def __init__(self, address: str, stall_limit_s: float) -> None:
        try:
            parts = urlsplit(address)
            _ = parts.port
        except ValueError:
            raise ConfigurationError(
                "the release store's address cannot be read: write https://host:port/path"
            ) from None
        if not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigurationError(
                f"the release store {parts.scheme}://{parts.hostname or ''} must be a plain address: no "
                "user, password, query or fragment (a password for a server belongs into ~/.netrc)"
            )
        self.address = address.rstrip("/")
        self._limit_s = stall_limit_s

    def read(self, key: str) -> Generator[bytes, None, None]:
        with asyncio.Runner() as runner:
            session = runner.run(self._session())
            try:
                with closing(runner.run(self._opened(session, key))) as response:
                    stream = _Stream(self, key, response)
                    while chunk := runner.run(stream.chunk()):
                        yield chunk
            finally:
                runner.run(session.close())

    def put(self, key: str, file: Path, entry: FileEntry) -> NoReturn:  # noqa: ARG002 - the interface asks
        self._refuse("be published to")

    def holds(self, key: str, entry: FileEntry) -> NoReturn:  # noqa: ARG002 - the interface asks
        self._refuse("be published to")

    def ids(self) -> tuple[str, ...]:
        self._refuse("be listed")

    def _refuse(self, what: str) -> NoReturn:
        raise ConfigurationError(
            f"the release store {self.address} cannot {what} over HTTP: name the folder or bucket behind it"
        )

    async def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers={"Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None),  # each step has its own limit
            auto_decompress=False,
            trust_env=True,
        )

    async def _opened(self, session: aiohttp.ClientSession, key: str) -> aiohttp.ClientResponse:
        url = URL(f"{self.address}/{key}")
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._get(session, url, key)
            if response.status == 200:
                return response
            response.close()
            if response.status not in _REDIRECTS:
                raise self._refused(response.status, key)
            url = self._target(url, response.headers.get("Location", ""), key)
        raise failing(self.address, key, f"more than {_MAX_REDIRECTS} redirects")

    def _target(self, url: URL, location: str, key: str) -> URL:
        """Where a redirect from `url` leads; on the same server."""
        try:
            target = url.join(URL(location))
            origin = target.origin()
        except ValueError:
            raise failing(self.address, key, "a redirect to what is no address") from None
        if origin != url.origin():
            raise ConfigurationError(
                f"the release store {self.address} leads to another server, {origin}, for {key}: name that "
                "one with --store if you trust it"
            )
        return target

    async def _get(self, session: aiohttp.ClientSession, url: URL, key: str) -> aiohttp.ClientResponse:
        try:
            return await self.within(session.get(url, allow_redirects=False), key)
        except (aiohttp.ClientError, OSError) as error:
            raise away(self.address, reason_of(error)) from error

    def _refused(self, status: int, key: str) -> Exception:
        reason = f"status {status}"
        if status in (404, 410):
            return ReleaseNotFound(f"the release store {self.address} has no {key} ({reason})")
        if status in (401, 403):
            return no_rights(self.address, key, reason)
        return failing(self.address, key, reason)

    async def within(self, work: Coroutine[Any, Any, T], key: str) -> T:
        try:
            return await asyncio.wait_for(work, self._limit_s)
        except TimeoutError:
            raise too_slow(self.address, key, self._limit_s) from None


class _Stream:
    """A body in pieces of `CHUNK_BYTES`, each of which must come within the limit."""

    def __init__(self, store: HttpStore, key: str, response: aiohttp.ClientResponse) -> None:
        self._store, self._key, self._content = store, key, response.content

    async def chunk(self) -> bytes:
        """Empty at the end."""
        try:
            return await self._store.within(self._whole_chunk(), self._key)
        except (aiohttp.ClientError, OSError) as error:
            raise broken_off(self._store.address, self._key, reason_of(error)) from error

    async def _whole_chunk(self) -> bytes:
        pieces: list[bytes] = []
        missing = CHUNK_BYTES
        while missing and (piece := await self._content.read(missing)):
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)
