"""Where the answers of one web process arrive: a Redis stream that only it reads.

A stream and not Celery's results, because those reach an asynchronous process by polling only; and not
pub/sub, because a message that is published while the connection is broken is lost: a reader of a stream
goes on where it stopped. The reader sleeps in Redis until something comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from assay.errors import worded
from assay.tasks import end
from assay.telemetry import logger

BLOCK_S: Final = 1.0
"""Longest sleep in Redis; shorter than every time limit on answers, so that silence means death."""
STREAM_TTL_S: Final = 120
"""Seconds after which a dead web process's stream is forgotten. Workers renew it within a quarter of that, so
it outlives the last reply by at least three quarters."""
STREAM_LENGTH: Final = 4096
"""Replies that may lie unread; a reader trims what it has read."""
_MANY: Final = 256
_TRIM_AFTER: Final = 64
"""Replies that are read before they are taken out of the stream, or a pause: a round trip for each costs a
web process a tenth of a job's whole cost."""
_RETRY_S: Final = 0.2


class ReplyStream:
    """Reads replies until it is closed, whatever happens to Redis.

    `redis`: a client of its own, because it blocks, whose time limit on answers exceeds `BLOCK_S`.
    `on_reply`: is given each reply's bytes. `on_up`: Redis answers (again); told whether it is another server
    than before or the same one restarted, so that queued jobs may be gone. `on_down`: it does not.
    """

    def __init__(
        self,
        redis: Redis,
        release: str,
        *,
        on_reply: Callable[[bytes], None],
        on_up: Callable[[bool], None],
        on_down: Callable[[], None],
    ) -> None:
        self.name = f"assay:replies:{release}:{secrets.token_hex(8)}"
        self._pooled = redis
        self._redis = redis.client()  # keeps its connection: to take one from a pool costs as much as to read
        self._on_reply = on_reply
        self._on_up = on_up
        self._on_down = on_down
        self._last = "0-0"
        self._untrimmed = 0
        self._run_id = ""
        self._task: asyncio.Task[None] | None = None
        self._log = logger(__name__)

    async def start(self) -> None:
        """Begin to read in the background."""
        self._task = asyncio.create_task(self._read_for_ever())

    async def aclose(self) -> None:
        if self._task is not None:
            await end([self._task])
        with contextlib.suppress(RedisError, OSError):  # it expires by itself
            await self._redis.delete(self.name)
        await self._redis.aclose()
        await self._pooled.aclose()

    async def _read_for_ever(self) -> None:
        is_up = True
        while True:
            try:
                await self._connect()
                is_up = True
                while True:
                    await self._read()
            except (RedisError, OSError, TimeoutError) as error:
                if is_up:
                    self._log.warning("the queue's redis is away", reason=worded(error))
                    self._on_down()
                is_up = False
                await asyncio.sleep(_RETRY_S)

    async def _connect(self) -> None:
        """A restarted server counts its own way: what it kept of our stream is read from the start."""
        info: dict[str, Any] = await self._redis.info("server")
        run_id = str(info["run_id"])
        restarted = self._run_id not in ("", run_id)
        if restarted:
            self._last = "0-0"
        self._run_id = run_id
        self._on_up(restarted)

    async def _read(self) -> None:
        answer: Any = await self._redis.xread(
            {self.name: self._last}, count=_MANY, block=round(BLOCK_S * 1000)
        )
        entries = _entries(answer)
        for entry_id, fields in entries:
            self._last = entry_id
            try:
                self._on_reply(fields[b"r"])
            except Exception:  # one of a stranger's must not keep the others from those who wait
                self._log.exception("a reply that cannot be understood")
        self._untrimmed += len(entries)
        if self._untrimmed >= _TRIM_AFTER or (self._untrimmed and not entries):
            self._untrimmed = 0
            await self._redis.xtrim(self.name, minid=self._last, approximate=False)


def _entries(answer: Any) -> list[tuple[Any, Any]]:
    """Of the one stream that was read, in the shape of either protocol version."""
    if not answer:
        return []
    if isinstance(answer, dict):
        (batches,) = answer.values()
        return [entry for batch in batches for entry in batch]
    return list(answer[0][1])
