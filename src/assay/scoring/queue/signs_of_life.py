"""What a worker's main process shows in Redis while its loop turns: that it lives, takes from its lanes, and
has certain jobs in hand.

Web processes judge by these signs whether a job is worked on (`assay.scoring.queue.overdue`) and whether
anybody takes from a lane (`assay.scoring.queue.lanes`). They come from Celery's own timer: a loop that hangs
shows nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import Any, Final
from weakref import ref

from celery.worker import state
from celery.worker.request import Request
from redis import Redis
from redis.exceptions import RedisError

from assay.errors import worded
from assay.scoring.queue.marks import LOOKS, Marks
from assay.scoring.queue.options import CeleryOptions
from assay.telemetry import WORKERS, Metrics, logger

_LOOK_FOR_DEAD_S: Final = 0.25
"""Celery itself looks every five seconds for processes that died, while somebody waits for their jobs."""


class SignsOfLife:
    """Of one worker. `name`: its own. `keys`: what is kept alive in Redis, which `connect` makes clients to.
    `worker`: Celery's, with its timer and its pool of processes."""

    def __init__(
        self,
        name: str,
        keys: Sequence[str],
        connect: Callable[[], Redis],
        metrics: Metrics,
        options: CeleryOptions,
        worker: Any,
    ) -> None:
        self._keys = keys
        self._connect = connect
        self._metrics = metrics
        self._options = options
        self._worker = worker
        self._marks = Marks(name, connect)
        self._redis: Redis | None = None
        self._timers: list[Any] = []

    def start(self) -> None:
        """The first signs at once, then more until `stop`."""
        self._show()
        repeatedly = self._worker.timer.call_repeatedly
        self._timers = [
            repeatedly(self._options.heartbeat_s, self._show),
            repeatedly(_LOOK_FOR_DEAD_S, self._worker.pool.maintain_pool),
            repeatedly(self._options.heartbeat_s / LOOKS, self._mark),
        ]

    def stop(self) -> None:
        """Again: no harm. The last signs wear off by themselves."""
        for timer in self._timers:
            timer.cancel()
        if self._redis is not None:
            self._redis.close()
        self._marks.close()

    def _mark(self) -> None:
        self._marks.look(in_hand(state.reserved_requests))

    def _show(self) -> None:
        self._metrics.set(WORKERS, len(self._worker.pool.info.get("processes", ())))
        lives_ms = round(self._options.lost_after_s * 1000)
        if self._redis is None:
            self._redis = self._connect()
        pipeline = self._redis.pipeline(transaction=False)
        for key in self._keys:
            pipeline.set(key, 1, px=lives_ms)
        try:
            pipeline.execute()
        except (RedisError, OSError) as error:
            logger(__name__).warning("no sign of life was sent", reason=worded(error))


def in_hand(requests: Iterable[Request]) -> dict[Hashable, Callable[[], bytes]]:
    """What gets the envelope of each. The keys keep no request alive: Celery forgets a message when nobody
    refers to it, and takes no further one for each that it has not forgotten."""
    return {ref(request): partial(_envelope, request) for request in requests}


def _envelope(request: Request) -> bytes:
    """Of a message in hand; whatever else a stranger sent is no envelope."""
    data = request.args[0] if request.args else b""
    return data if isinstance(data, bytes) else b""
