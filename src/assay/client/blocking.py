"""The same client for programs without an event loop: an `AsyncClient` in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from assay.client.asynchronous import AsyncClient
from assay.client.results import Cells

P = ParamSpec("P")
R = TypeVar("R")


def _blocking(
    method: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Client, P], R]:
    """The method of `AsyncClient` as one that waits for its result."""

    @wraps(method)
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._wait(method(self._client, *args, **kwargs))

    return call


class Client:
    """`AsyncClient` with the same arguments, methods and errors; each method returns when it is done.

    Use it as a context manager, or call `close`. Threads may share one.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="assay-client", daemon=True)
        self._thread.start()
        self._client = self._wait(_made(url, options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections and end the thread. Nothing happens when it is closed already."""
        if self._loop.is_closed():
            return
        self._wait(self._client.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    score = _blocking(AsyncClient.score)
    explain = _blocking(AsyncClient.explain)
    what_if = _blocking(AsyncClient.what_if)
    score_text = _blocking(AsyncClient.score_text)
    wikis = _blocking(AsyncClient.wikis)
    recent = _blocking(AsyncClient.recent)
    model_info = _blocking(AsyncClient.model_info)
    thresholds = _blocking(AsyncClient.thresholds)
    best_threshold = _blocking(AsyncClient.best_threshold)

    def stream(
        self, wiki: str, rev_ids: Iterable[int], models: Sequence[str] | None = None, **wishes: bool
    ) -> Iterator[tuple[int, Cells]]:
        """As `AsyncClient.stream`. The next line is read when it is asked for; closing the iterator ends
        the work."""
        lines = self._client.stream(wiki, rev_ids, models, **wishes)

        async def following() -> tuple[int, Cells] | None:
            return await anext(lines, None)

        try:
            while (line := self._wait(following())) is not None:
                yield line
        finally:
            self._wait(lines.aclose())

    def _wait(self, work: Coroutine[Any, Any, R]) -> R:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:  # an interrupted program must not leave the request running
            future.cancel()
            raise


async def _made(url: str, options: dict[str, Any]) -> AsyncClient:
    """In the loop that it will run in."""
    return AsyncClient(url, **options)
