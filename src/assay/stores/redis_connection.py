"""Asynchronous connections whose every failure is one of redis-py's errors.

uvloop raises RuntimeError when something is written to a transport that was closed a moment ago, and redis-py
lets it through, so that nobody who is ready for a lost connection, its own retries included, sees one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError


class _Telling(AbstractConnection):
    """To be put before a kind of connection."""

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"The connection was closed: {error}") from error


@cache
def telling(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """The same kind of connection (TCP, TLS, unix socket, by Sentinels), with its failures told."""
    bases: Any = (_Telling, kind)
    return type(f"Telling{kind.__name__}", bases, {})
