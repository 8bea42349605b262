"""MediaWiki's RCFeed by UDP: ``$wgRCFeeds`` with a ``udp://`` address sends each change as one datagram.

Nobody knows who sent a datagram: bind to loopback, or to an address that only the wiki's servers reach.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from typing import Final

from assay.errors import ConfigurationError
from assay.precache.options import host_and_port
from assay.precache.stream import Told, read_json
from assay.telemetry import logger

MAX_DATAGRAM_BYTES: Final = 2**16
_BUFFER_BYTES: Final = 2**22
"""Asked of the system, which may give less: some thousands of edits while nobody reads."""


class UdpFeed:
    """Takes its address at once. Raises `ConfigurationError` when it cannot be had."""

    def __init__(self, address: str) -> None:
        host, port = host_and_port(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise ConfigurationError(
                f"cannot receive datagrams at {address} ({error.strerror or error}): give another address, "
                "or end what uses it"
            ) from None
        self._socket.setblocking(False)
        self._log = logger(__name__)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    async def listen(self, connected: Callable[[], None]) -> AsyncGenerator[Told]:
        loop = asyncio.get_running_loop()
        self._log.info("feed begun", port=self.port)
        connected()
        while True:
            yield read_json(await loop.sock_recv(self._socket, MAX_DATAGRAM_BYTES))

    async def aclose(self) -> None:
        self._socket.close()
