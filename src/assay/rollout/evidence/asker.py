"""Sends one request to one arm, over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from assay.rollout.evidence.compare import RELEASE_HEADER, Answer

ASK_LIMIT_S: Final = 25.0
"""Longer than Assay's own limit (web.app.request_timeout_s), so that its answer is seen."""
MAX_BODY_BYTES: Final = 2**25
USER_AGENT: Final = "assay-rollout"
ARMS_VERSION: Final = "arms-version"
"""Stands in a target for the version of `Ask.version_of`."""
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `form`, `json`: the body of a POST, percent-encoded or JSON text; at most one of them.
    `content_type`: of the body, when it is not what that says. `made_texts`: how many made-up texts it
    holds. `version_of`: the model, as Lift Wing names it, whose version the target needs: each arm's own
    (`ask_arm`)."""

    target: str
    method: str = "GET"
    form: str | None = None
    json: str | None = None
    content_type: str = ""
    made_texts: int = 0
    version_of: str = ""


class Asker(Protocol):
    """Sends one request. Never raises for what a server or a network does: that is an `Answer`, too."""

    async def ask(self, url: str, ask: Ask) -> Answer: ...


class HttpAsker:
    """Over HTTP, without redirects, cookies or proxies.

    async with HttpAsker() as asker: ...
    """

    def __init__(self, *, limit_s: float = ASK_LIMIT_S, headers: Mapping[str, str] | None = None) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=limit_s),
            headers={"User-Agent": USER_AGENT, **(headers or {})},
        )

    async def __aenter__(self) -> HttpAsker:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, url: str, ask: Ask) -> Answer:
        """The whole answer."""
        begun_s = time.perf_counter()
        try:
            answer = await self._whole(url, ask)
        except TimeoutError:
            answer = Answer(0, lost="no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            answer = Answer(0, lost=f"{type(error).__name__}: {error}"[:200])
        return Answer(answer.status, answer.headers, answer.body, _ms_since(begun_s), answer.lost)

    async def _whole(self, url: str, ask: Ask) -> Answer:
        address = URL(url.rstrip("/") + ask.target, encoded=True)
        body, kind = (ask.form, _FORM) if ask.json is None else (ask.json, "application/json")
        headers = {} if body is None else {"Content-Type": ask.content_type or kind}
        async with self._session.request(
            ask.method, address, data=body, headers=headers, allow_redirects=False
        ) as response:
            read = bytearray()
            async for chunk in response.content.iter_any():
                read += chunk
                if len(read) > MAX_BODY_BYTES:
                    return Answer(0, lost=f"more than {MAX_BODY_BYTES} bytes")
            told = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, told, bytes(read))


async def named_releases(asker: Asker, urls: Sequence[str]) -> dict[str, str]:
    """The release that the web process at each address names; empty: it answers nothing, or names none."""
    answers = await asyncio.gather(*(asker.ask(url, Ask("/livez")) for url in urls))
    told = [answer.headers.get(RELEASE_HEADER, "") for answer in answers]
    return dict(zip(urls, told, strict=True))


async def ask_arm(asker: Asker, url: str, ask: Ask) -> Answer:
    """The answer of an arm, which is asked first for its version of a model where the request needs one: a
    release with other models has others. When it does not tell any, that answer."""
    if not ask.version_of:
        return await asker.ask(url, ask)
    told = await asker.ask(url, Ask(f"/v2/models/{quote(ask.version_of, safe='')}"))
    if told.status != 200:
        return told
    version = _version(told.body)
    if version is None:
        return replace(told, status=0, lost=f"no version of {ask.version_of} is told")
    target = ask.target.replace(ARMS_VERSION, quote(version, safe=""))
    return await asker.ask(url, replace(ask, target=target))


def _version(body: bytes) -> str | None:
    try:
        document: Any = orjson.loads(body)
        version = document["versions"][0]
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return None
    return version if isinstance(version, str) else None


def _ms_since(begun_s: float) -> float:
    return (time.perf_counter() - begun_s) * 1000
