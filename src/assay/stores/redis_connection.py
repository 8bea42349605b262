"""Asynchronous connections whose every failure is one of redis-py's errors, and that are made once.

uvloop raises RuntimeError when something is written to a transport that was closed a moment ago, and redis-py
lets it through, so that nobody who is ready for a lost connection, its own retries included, sees one. So it
is with the AttributeError of a connection that another of its users gave up before the write.

A subscription's connection has several users: one task reads, others subscribe. When it is lost, redis-py
lets each of them connect at the same time; all sockets but the last are then forgotten, with what was
subscribed on them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError


class _Telling(AbstractConnection):
    """To be put before a kind of connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._connecting = asyncio.Lock()
        self._connected_by: asyncio.Task[Any] | None = None

    async def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        async with self._alone():
            await super().connect_check_health(check_health, retry_socket_connect)

    async def connect(self) -> None:
        """By Sentinels it would not wait for one that another has made and not yet logged in on."""
        async with self._alone():
            await super().connect()  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Whoever connects comes back here with all that it says to the server before others may."""
        if self._connected_by is asyncio.current_task():
            yield
            return
        async with self._connecting:
            self._connected_by = asyncio.current_task()
            try:
                yield
            finally:
                self._connected_by = None

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        try:
            await super().send_packed_command(command, check_health)
        except (RuntimeError, AttributeError) as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"The connection was closed: {error}") from error


@cache
def telling(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """The same kind of connection (TCP, TLS, unix socket, by Sentinels), with its failures told."""
    bases: Any = (_Telling, kind)
    return type(f"Telling{kind.__name__}", bases, {})
