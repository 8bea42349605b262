"""Puts envelopes on the queue: kombu's blocking producer in a thread of its own, many messages at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.connection import Connection
from kombu.messaging import Producer

from assay.errors import EngineUnavailable
from assay.scoring.queue.app import SENT_HEADER, TASK
from assay.telemetry import logger


@dataclass(frozen=True, slots=True)
class Message:
    """An encoded envelope. `id`: the job's. `sent_s`: seconds since 1970."""

    queue: str
    id: str
    sent_s: float
    body: bytes


class Dispatcher:
    """Sends what has gathered since the last sending. `limit_s`: seconds for one sending."""

    def __init__(self, app: Celery, limit_s: float) -> None:
        self._app = app
        self._limit_s = limit_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="assay-dispatch")
        self._gathered: list[tuple[Message, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._log = logger(__name__)

    async def send(self, message: Message) -> None:
        """Returns once the broker has the message. Raises `EngineUnavailable`."""
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
        self._thread.submit(self._disconnect)
        await asyncio.to_thread(self._thread.shutdown)

    async def _flush(self) -> None:
        while self._gathered:
            batch, self._gathered = self._gathered, []
            fault: Exception | None = None
            try:
                await asyncio.get_running_loop().run_in_executor(
                    self._thread, self._publish, [message for message, _ in batch]
                )
            except Exception as error:  # redis-py's, kombu's, the system's: all mean that it was not sent
                self._log.warning("jobs were not sent", jobs=len(batch), reason=repr(error))
                fault = error
            for _, done in batch:
                if done.done():
                    continue
                if fault is None:
                    done.set_result(None)
                else:
                    done.set_exception(_unavailable(fault))

    # -- in the thread -------------------------------------------------------------------------------

    def _publish(self, messages: Sequence[Message]) -> None:
        try:
            producer = Producer(self._connected().default_channel, auto_declare=False)
            with producer.batch():
                for message in messages:
                    self._put(producer, message)
        except BaseException:
            self._disconnect()
            raise

    def _put(self, producer: Producer, message: Message) -> None:
        """To the queue by its name, through the exchange that needs no binding: a broker that came back
        empty has none."""
        task: Any = self._app.amqp.as_task_v2(
            message.id, TASK, (message.body,), {}, argsrepr="()", kwargsrepr="{}", ignore_result=True
        )
        producer.publish(
            task.body,
            exchange="",
            routing_key=message.queue,
            serializer="msgpack",
            headers={**task.headers, SENT_HEADER: message.sent_s},
            retry=False,
            **task.properties,
        )

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._app.connection_for_write()
            self._connection.ensure_connection(max_retries=1, timeout=self._limit_s)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.release()


def _unavailable(cause: Exception) -> EngineUnavailable:
    error = EngineUnavailable("The queue of jobs cannot be reached; try again shortly.")
    error.__cause__ = cause
    return error
