"""Two small arms over real HTTP behind a real HAProxy, and a client that counts what went wrong.

Each arm is a release's web processes; they answer what a test tells them to, with the headers that Assay
sends, and they count the requests that they hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from servers.aiohttp_site import site
from waiting import until_async

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]
ID = "/v3/scores/testwiki/{}/revid/"


async def scored(request: web.Request) -> web.StreamResponse:
    """A v3 document for whatever was asked."""
    rev_id = request.path.split("/")[4] if request.path.count("/") > 4 else "1"
    cell = {"score": {"prediction": int(rev_id) % 100, "probability": {"1": 0.5, "2": 0.5}}}
    models = {"revid": {"version": "1.0.0"}}
    return web.json_response({"testwiki": {"models": models, "scores": {rev_id: {"revid": cell}}}})


@dataclass
class Arm:
    """`is_ready`, `is_degraded`: what ``/readyz`` says. `delay_s`: before each answer. `free`: cleared, they
    wait."""

    release: str
    respond: Respond = scored
    is_ready: bool = True
    is_degraded: bool = False
    delay_s: float = 0.0
    free: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    in_flight: int = 0

    def __post_init__(self) -> None:
        self.free.set()

    @property
    def addresses(self) -> list[str]:
        return [url.removeprefix("http://") for url in self.urls]

    @asynccontextmanager
    async def serving(self, processes: int = 2) -> AsyncIterator[Arm]:
        async with AsyncExitStack() as stack:
            for _ in range(processes):
                port = await stack.enter_async_context(site(self._application(), max_line_size=2**15))
                self.urls.append(f"http://127.0.0.1:{port}")
            yield self

    def _application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/readyz", self._readyz)
        application.router.add_route("*", "/{rest:.*}", self._answer)
        return application

    async def _readyz(self, request: web.Request) -> web.Response:
        is_accepted = self.is_ready or (self.is_degraded and "degraded" in request.query)
        headers = {"X-Assay-Release": self.release}
        return web.json_response(
            {"ready": self.is_ready}, status=200 if is_accepted else 503, headers=headers
        )

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        try:
            self.asked.append((request.method, request.raw_path, dict(request.headers)))
            await self.free.wait()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            response = await self.respond(request)
        finally:
            self.in_flight -= 1
        if not response.prepared:
            response.headers["X-Assay-Release"] = self.release
            response.headers.setdefault("X-Cache", "miss")
        return response


@dataclass
class Steady:
    """A client that asks without pause. `answers`: by release. `failures`: a word for each. `last_s`: when
    the last answer of each release arrived, on the monotonic clock."""

    url: str
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    last_s: dict[str, float] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @asynccontextmanager
    async def running(self, clients: int = 8) -> AsyncIterator[Steady]:
        """So many requests are under way at any time."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            is_over = asyncio.Event()
            tasks = [asyncio.create_task(self._ask_on(session, is_over)) for _ in range(clients)]
            try:
                yield self
            finally:
                is_over.set()
                await asyncio.gather(*tasks)

    async def until_answered(self, more: int, release: str | None = None) -> None:
        """That many more answers, of one release or of any."""

        def count() -> int:
            return self.answers.total() if release is None else self.answers[release]

        begun = count()
        await until_async(lambda: count() >= begun + more)

    def shares(self) -> dict[str, float]:
        """Of the answers since the last call, by release."""
        counted, self.answers = self.answers, Counter()
        return {release: count / counted.total() for release, count in counted.items()}

    async def _ask_on(self, session: aiohttp.ClientSession, is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            try:
                # Every other one is a POST, which nobody may repeat.
                method = "POST" if next(self._ids) % 2 else "GET"
                async with session.request(method, self.url + ID.format(next(self._ids))) as response:
                    await response.json()
                    if response.status != 200:
                        self.failures.append(str(response.status))
                    release = response.headers.get("X-Assay-Release", "")
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                self.failures.append(repr(error))
            else:
                self.answers[release] += 1
                self.last_s[release] = time.monotonic()


@contextlib.asynccontextmanager
async def two_arms(**candidate: object) -> AsyncIterator[tuple[Arm, Arm]]:
    """Stable and candidate, two processes each. `candidate`: fields of the latter."""
    async with Arm("old-1").serving() as stable, Arm("new-2", **candidate).serving() as new:  # type: ignore[arg-type]
        yield stable, new
