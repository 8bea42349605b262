"""An aiohttp application on a free port of the loopback, for as long as a test needs it, and nothing left."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from servers.listening import take_no_more


@asynccontextmanager
async def site(application: web.Application, *, max_line_size: int = 8190) -> AsyncIterator[int]:
    """Yields the port."""
    runner = web.AppRunner(application, shutdown_timeout=0.1, max_line_size=max_line_size)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        try:
            await web.SockSite(runner, listener).start()
            yield listener.getsockname()[1]
        finally:
            await take_no_more(listener)
            await runner.cleanup()
