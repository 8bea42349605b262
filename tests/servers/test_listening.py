"""A connection that arrives as the server closes: closed, and not left to the next test."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest
from aiohttp import web

from servers.aiohttp_site import site


@pytest.mark.parametrize("turns", range(6))
def test_a_connection_in_the_last_turns_is_closed(turns: int) -> None:
    """An unclosed transport is a failure here: pytest is told to make errors of such warnings."""

    async def connect_and_close() -> None:
        async with site(web.Application()) as port:
            with socket.create_connection(("127.0.0.1", port)):
                for _ in range(turns):
                    await asyncio.sleep(0)

    asyncio.run(connect_and_close())
    gc.collect()
