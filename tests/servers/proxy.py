"""A TCP proxy that can be told to fail as networks do, between Assay and a real server.

    with FaultProxy(redis.port).running() as proxy:
        proxy.behave(Behaviour(reset_after_bytes=7))   # every connection, open or new, from now on
        proxy.behave(HEALTHY)

It runs in a thread with a loop of its own, so that tests may block. What it held back (`is_silent`,
`delay_s`) is delivered when it behaves again, as TCP does after a partition.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Final

from servers.listening import take_no_more

_CHUNK_BYTES: Final = 2**16
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)
_CALL_LIMIT_S: Final = 10.0


@dataclass(frozen=True)
class Behaviour:
    """What happens to connections; the default passes everything through."""

    delay_s: float = 0.0
    """Wait before each chunk, in both directions."""
    bytes_per_s: int | None = None
    """Of each direction of each connection; None: as fast as it comes."""
    reset_after_bytes: int | None = None
    """Answer this many more bytes on each connection, then reset it (RST)."""
    is_silent: bool = False
    """Accept, take what fits into buffers, answer nothing: a black hole."""
    silent_from: bytes | None = None
    """Pass of each connection's requests what comes before these bytes, and nothing more."""
    is_refusing: bool = False
    """Nobody listens on the port; open connections stay."""


HEALTHY: Final = Behaviour()


class FaultProxy:
    """`port`: where clients connect; `upstream_port`: the real server, both on the loopback.

    `resets`: how many connections were reset by the present behaviour. `broken_off`: how many fell silent
    before the bytes of `silent_from`.
    """

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        self.port = 0
        self.resets = 0
        self.broken_off = 0
        self._behaviour = HEALTHY
        self._changed = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._listener: asyncio.Server | None = None
        self._links: set[_Link] = set()

    @contextlib.contextmanager
    def running(self) -> Iterator[FaultProxy]:
        """Connections are accepted in the block; all are reset at its end."""
        thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        thread.start()
        try:
            self._call(self._listen())
            yield self
        finally:
            self._call(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def behave(self, behaviour: Behaviour) -> None:
        """From the next byte on; in force when this returns."""
        self._call(self._behave(behaviour))

    def cut(self) -> None:
        """Reset every open connection now; new ones behave as before."""
        self._call(self._cut())

    @property
    def connections(self) -> int:
        """Pairs that are open now."""
        return len(self._links)

    # -- in the loop's thread ------------------------------------------------------------------------

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_LIMIT_S)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _unlisten(self) -> None:
        """Not `wait_closed`, which waits for connections that shall stay."""
        if self._listener is not None:
            listener, self._listener = self._listener, None
            await take_no_more(listener.sockets[0])
            listener.close()

    async def _close(self) -> None:
        await self._unlisten()
        await self._cut()

    async def _behave(self, behaviour: Behaviour) -> None:
        self._behaviour, self.resets, self.broken_off = behaviour, 0, 0
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        for link in self._links:
            link.answered = 0
        if behaviour.is_refusing:
            await self._unlisten()
        elif self._listener is None:
            await self._listen()

    async def _cut(self) -> None:
        tasks = [link.task for link in self._links]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        link = _Link(task, [writer])
        self._links.add(link)
        try:
            answers, requests = await asyncio.open_connection("127.0.0.1", self.upstream_port)
            link.writers.append(requests)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(link, reader, requests, is_answer=False))
                group.create_task(self._pump(link, answers, writer, is_answer=True))
            link.close()
        except* (OSError, asyncio.CancelledError):
            link.reset()  # one end went away, or was told to: so does the other
        finally:
            self._links.discard(link)

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            behaviour = await self._held_back(len(chunk))
            limit = behaviour.reset_after_bytes
            if is_answer and limit is not None and link.answered + len(chunk) >= limit:
                writer.write(chunk[: limit - link.answered])
                self.resets += 1
                raise ConnectionResetError
            link.answered += len(chunk) if is_answer else 0
            before, found, _ = chunk.partition(behaviour.silent_from or chunk + b"!")
            if found and not is_answer:
                writer.write(before)
                self.broken_off += 1
                await reader.read()  # until the client is gone
                break
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()

    async def _held_back(self, size_bytes: int) -> Behaviour:
        """The behaviour that this chunk meets, once it may pass."""
        behaviour = self._behaviour
        wait_s = behaviour.delay_s
        if behaviour.bytes_per_s is not None:
            wait_s += size_bytes / behaviour.bytes_per_s
        if wait_s > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait_s)
        while self._behaviour.is_silent:
            await self._changed.wait()
        return self._behaviour


@dataclass(eq=False)
class _Link:
    """One client's connection with its own to the server. `answered`: bytes since the behaviour changed."""

    task: asyncio.Task[None]
    writers: list[asyncio.StreamWriter]
    answered: int = 0

    def close(self) -> None:
        for writer in self.writers:
            writer.close()

    def reset(self) -> None:
        """Both ends see RST, not an orderly end."""
        for writer in self.writers:
            raw: socket.socket | None = writer.get_extra_info("socket")
            if raw is not None and raw.fileno() >= 0:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            writer.transport.abort()
