"""Puts messages on the queue: all that gather while the last ones are on their way, in one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import Context

from redis.asyncio import Redis

from assay.errors import EngineUnavailable, worded
from assay.scoring.queue.message import Message, encode_message
from assay.telemetry import logger


class Dispatcher:
    """Sends what has gathered since the last sending. `redis`: stays the caller's to close. `limit_s`:
    seconds that one message may take."""

    def __init__(self, redis: Redis, limit_s: float) -> None:
        self._redis = redis.client()  # keeps its connection: to take one from a pool costs as much as to send
        self._limit_s = limit_s
        self._gathered: list[tuple[Message, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None
        self._log = logger(__name__)

    async def send(self, message: Message) -> None:
        """Returns once Redis has the message. Raises `EngineUnavailable`; the message may be there all the
        same."""
        done = asyncio.get_running_loop().create_future()
        self._gathered.append((message, done))
        if self._task is None or self._task.done():
            # of no request, for it serves many: its log lines must not bear the id of one
            self._task = asyncio.create_task(self._flush(), context=Context())
        try:
            async with asyncio.timeout(self._limit_s):
                await done
        except TimeoutError as error:
            raise EngineUnavailable("The queue of jobs does not answer; try again shortly.") from error

    async def aclose(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self._limit_s)
        await self._redis.aclose()

    async def _flush(self) -> None:
        while self._gathered:
            batch, self._gathered = self._gathered, []
            fault: Exception | None = None
            try:
                await self._push([message for message, _ in batch])
            except Exception as error:  # redis-py's, the system's: all mean that it was not sent
                self._log.warning("jobs were not sent", jobs=len(batch), reason=worded(error))
                fault = error
            for _, done in batch:
                if done.done():
                    continue
                if fault is None:
                    done.set_result(None)
                else:
                    done.set_exception(_unavailable(fault))

    async def _push(self, messages: Sequence[Message]) -> None:
        """One command for what goes to one queue. What lies beside it comes before what refers to it."""
        queues: dict[str, list[bytes]] = {}
        for message in messages:
            queues.setdefault(message.queue, []).append(encode_message(message))
        beside = [message.beside for message in messages if message.beside is not None]
        if not beside and len(queues) == 1:  # one command costs half of a pipeline with one
            for queue, encoded in queues.items():
                await self._redis.execute_command("LPUSH", queue, *encoded)
            return
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, content, lives_ms in beside:
                pipeline.set(key, content, px=lives_ms)
            for queue, encoded in queues.items():
                pipeline.lpush(queue, *encoded)
            await pipeline.execute()


def _unavailable(cause: Exception) -> EngineUnavailable:
    error = EngineUnavailable("The queue of jobs cannot be reached; try again shortly.")
    error.__cause__ = cause
    return error
