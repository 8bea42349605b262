"""The same client for programs without an event loop: an `AsyncClient` in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Future
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

    Use it as a context manager, or call `close`. Threads may share one. Processes may not: it raises
    RuntimeError in a process that was forked off, and after `close`.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._pid = os.getpid()
        self._asking = threading.RLock()
        self._closing = threading.Lock()
        self._is_closed = False
        self._streams: set[AsyncGenerator[tuple[int, Cells]]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="assay-client", daemon=True)
        self._thread.start()
        try:
            self._client = self._wait(_made(url, options))
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections and end the thread. What other threads wait for is given up: they get
        `concurrent.futures.CancelledError`. Nothing happens when it is closed already."""
        if self._pid != os.getpid():
            return
        with self._closing:
            if self._loop.is_closed():
                return
            with self._asking:  # whatever was begun before is known to the loop, and nothing is begun after
                self._is_closed = True
            asyncio.run_coroutine_threadsafe(_ended(self._client, self._streams), self._loop).result()
            self._end()

    def _end(self) -> None:
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
        self._streams.add(lines)
        step: asyncio.Task[Any] | None = None

        async def following() -> tuple[int, Cells] | None:
            nonlocal step
            step = asyncio.current_task()
            return await anext(lines, None)

        async def ending() -> None:
            if step is not None and not step.done():  # interrupted: it cannot be closed while it runs
                step.cancel()
                await asyncio.wait([step])
            await lines.aclose()

        try:
            while (line := self._wait(following())) is not None:
                yield line
        finally:
            self._streams.discard(lines)
            if not self._is_closed and self._pid == os.getpid():
                self._wait(ending())

    def _wait(self, work: Coroutine[Any, Any, R]) -> R:
        try:
            future = self._begun(work)
        except RuntimeError:
            work.close()
            raise
        try:
            return future.result()
        except BaseException:  # an interrupted program must not leave the request running
            future.cancel()
            raise

    def _begun(self, work: Coroutine[Any, Any, R]) -> Future[R]:
        if self._pid != os.getpid():  # nobody runs the loop here
            raise RuntimeError("this client was made in another process: make one in each")
        with self._asking:
            if self._is_closed:
                raise RuntimeError("this client is closed")
            return asyncio.run_coroutine_threadsafe(work, self._loop)


async def _made(url: str, options: dict[str, Any]) -> AsyncClient:
    """In the loop that it will run in."""
    return AsyncClient(url, **options)


async def _ended(client: AsyncClient, streams: set[AsyncGenerator[tuple[int, Cells]]]) -> None:
    """In its loop: nothing is under way any more. The loop's own way to end generators would end those inside
    of others at the same time, and log that it cannot."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    for lines in list(streams):
        await lines.aclose()
    await client.aclose()
