"""Requests over HTTP, each with one of the endings that the report tells apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final, Self

import aiohttp
from yarl import URL

from assay import __version__
from assay.load.plan import LoadPlan
from assay.load.retry import Lost, Reply
from assay.load.verify import MALFORMED
from assay.revisions.wiki.action_api import retry_after_s

MAX_BODY_BYTES: Final = 2**26
"""Unpacked. A longer answer is no answer to anything that was asked."""


class HttpClient:
    """A session with as many connections as the plan allows. Follows no redirect, uses no proxy: load goes
    where the plan says and nowhere else."""

    def __init__(self, plan: LoadPlan) -> None:
        self._session = aiohttp.ClientSession(
            # The driver holds the number of requests down; here one would wait in a queue that nobody sees.
            connector=aiohttp.TCPConnector(limit=0, force_close=not plan.keep_alive),
            timeout=aiohttp.ClientTimeout(total=plan.timeout_s),
            headers={"User-Agent": f"assay-bench/{__version__}"},
            trace_configs=[_connections_traced()],
            auto_decompress=True,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, node: str, target: str) -> Reply:
        """The answer of one attempt, read whole. Raises `Lost`."""
        taken = _Connections()
        url = URL(node.rstrip("/") + target, encoded=True)
        with _endings():
            async with self._session.get(url, allow_redirects=False, trace_request_ctx=taken) as response:
                with _broken_off():
                    body = await _whole(response)
                wait_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
        return Reply(response.status, body, wait_s, was_resent=taken.count > 1)


class _Connections:
    """How many one request took. aiohttp sends a GET again when its connection is reset, and says nothing;
    a second connection is how one sees it."""

    def __init__(self) -> None:
        self.count = 0


def _connections_traced() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()

    async def took(_: aiohttp.ClientSession, context: SimpleNamespace, __: Any) -> None:
        context.trace_request_ctx.count += 1

    trace.on_connection_reuseconn.append(took)
    trace.on_connection_create_start.append(took)
    return trace


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Lost(MALFORMED)
    return bytes(body)


@contextmanager
def _endings() -> Iterator[None]:
    """What went wrong before the body, as one of our words; the order is that of aiohttp's classes."""
    try:
        yield
    except TimeoutError:
        raise Lost("timeout") from None
    except aiohttp.ClientConnectorError:
        raise Lost("refused") from None
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        raise Lost("reset") from None
    except aiohttp.ClientError:
        raise Lost(MALFORMED) from None


@contextmanager
def _broken_off() -> Iterator[None]:
    """Whatever ends a body early, but for the time-out, makes it a truncated one."""
    try:
        yield
    except TimeoutError:
        raise
    except (aiohttp.ClientError, OSError):
        raise Lost("truncated") from None
