"""What a scoring process under Celery does with one message: open, check, take, compute, reply.

The reply goes straight to the stream of the web process that waits; the main process is told only what
the job cost.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from assay.errors import worded
from assay.scoring.codec import CodecError
from assay.scoring.process import answer, resident_bytes
from assay.scoring.queue.envelope import (
    Envelope,
    Outcome,
    Reply,
    compress,
    decode_envelope,
    decompress,
    encode_reply,
)
from assay.scoring.queue.replies import STREAM_LENGTH, STREAM_TTL_S
from assay.scoring.score import PlanCache
from assay.scoring.warming import warm
from assay.scoring.wikis import ModelSets, identities
from assay.telemetry import bound, continued, logger, span

_REPLY_RETRIES: Final = 8
"""A reply outlives a Redis that is away for about ten seconds."""

_COPIES_FROM_S: Final = 0.5
"""Seconds since its sending from which a job may be a copy of one that another worker has in hand. To compute
a younger one twice costs time only."""
_KEEP_EACH_S: Final = STREAM_TTL_S / 4
"""Seconds between two renewals of a stream's life."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a message cost, from a scoring process to its main process. `outcome`: as the metric counts it,
    one word."""

    outcome: str
    waited_s: float = 0.0
    extract_s: float = 0.0
    predict_s: float = 0.0
    resident_bytes: int = 0

    def told(self) -> str:
        """For `spent`. Celery hands on a return value's ``repr`` only, and a tuple's has to be parsed as
        Python, at the cost of all else that the main process does of its own for a job."""
        costs = f"{self.waited_s:.6f} {self.extract_s:.6f} {self.predict_s:.6f}"
        return f"{self.outcome} {costs} {self.resident_bytes}"


def spent(told: str) -> Spent:
    """Of the ``repr`` of what `Spent.told` said. Raises `ValueError`."""
    outcome, waited_s, extract_s, predict_s, resident_bytes = told.strip("'").split(" ")
    return Spent(outcome, float(waited_s), float(extract_s), float(predict_s), int(resident_bytes))


class Scoring:
    """The work of scoring processes, and of their main process where it replies for them.

    `name`: the worker's. `connect`: makes a client to Redis; each process makes its own, after the fork.
    """

    def __init__(self, release: str, name: str, models: ModelSets, connect: Callable[[], Redis]) -> None:
        self._release = release
        self._name = name
        self._models = models
        self._connect = connect
        self._plans = PlanCache()
        self._pooled: Redis | None = None
        self._redis: Redis | None = None
        self._pid = 0
        self._kept_s: dict[str, float] = {}
        self._resident = 0
        self._measured_s = float("-inf")
        self._log = logger(__name__)

    def warm(self) -> None:
        """Before the fork: plans and memos for every wiki, then hands off for the collector, so that pages
        stay shared."""
        warm(self._models, self._plans)
        gc.collect()
        gc.freeze()

    def run(self, data: bytes) -> Spent:
        """One message from start to reply."""
        try:
            envelope = decode_envelope(data)
        except CodecError as error:  # nobody can be told: whoever waits sends it again or gives up
            self._log.error("a message that cannot be read", reason=str(error))
            return Spent("damaged")
        with (
            bound(request_id=envelope.request_id, job=envelope.id),
            continued(envelope.trace),
            span("job", wiki=envelope.wiki, attempt=envelope.attempt) as step,
        ):
            cost = self._answer(envelope)
            step.set(outcome=cost.outcome)
            return cost

    def _answer(self, envelope: Envelope) -> Spent:
        waited_s = max(0.0, time.time() - envelope.sent_s)
        if (fault := self._fault(envelope)) is not None:
            outcome, detail = fault
            self._log.warning("job not begun", outcome=outcome, reason=detail)
            self.reply(envelope, outcome, detail, waited_s)
            return Spent(outcome, waited_s)
        content = self._take(envelope, waited_s)
        if content is None:
            return Spent("unwanted", waited_s)
        try:
            computed, encoded = answer(decompress(content), self._models, self._plans)
        except CodecError as error:
            self.reply(envelope, "damaged", str(error), waited_s)
            return Spent("damaged", waited_s)
        self.reply(envelope, "computed", "", waited_s, compress(encoded))
        return Spent("done", waited_s, computed.extract_s, computed.predict_s, self._resident_bytes())

    def _resident_bytes(self) -> int:
        """As it was at most a second ago: to ask the kernel costs more than to take a job."""
        now_s = time.monotonic()
        if now_s - self._measured_s > 1.0:
            self._resident, self._measured_s = resident_bytes(), now_s
        return self._resident

    def _fault(self, envelope: Envelope) -> tuple[Outcome, str] | None:
        """Why the job must not be begun."""
        if envelope.release != self._release:
            return "wrong_release", f"sent by {envelope.release}, taken by {self._release}"
        if time.time() >= envelope.deadline_s:
            return "expired", ""
        own = identities(self._models, envelope.wiki, tuple(envelope.digests))
        if own != dict(envelope.digests):
            return "wrong_bundles", f"the sender has {dict(envelope.digests)}, this worker {own}"
        return None

    def _take(self, envelope: Envelope, waited_s: float) -> bytes | None:
        """The job; None when it is gone, or another worker has it: a copy that a worker put back is as old as
        what it is a copy of, so what has just been sent need not be looked for."""
        if waited_s > _COPIES_FROM_S and self._is_another_workers(envelope):
            return None
        if envelope.content is not None:
            return envelope.content
        content: Any = self._client().getdel(envelope.content_key)  # sent along with each attempt
        return None if content is None else bytes(content)

    def _is_another_workers(self, envelope: Envelope) -> bool:
        """A mark of our own main process is no other's: it may be about this very message, which waited there
        for a process to be replaced, or here for Redis."""
        worker: Any = self._client().get(envelope.taken_key)
        return worker is not None and bytes(worker).decode() != self._name

    def reply(
        self,
        envelope: Envelope,
        outcome: Outcome,
        detail: str = "",
        waited_s: float = 0.0,
        content: bytes | None = None,
    ) -> None:
        """Into the stream of the web process that waits; said in the log when that cannot be done."""
        told = Reply(envelope.id, self._release, envelope.attempt, outcome, waited_s, detail[:500], content)
        try:
            self._put(envelope.reply_to, encode_reply(told))
        except (RedisError, OSError) as error:  # whoever waits sends the job again
            self._log.error("a reply was not sent", outcome=outcome, reason=worded(error))

    def _put(self, stream: str, reply: bytes) -> None:
        """One command where the stream's life was renewed a moment ago. It must be there then: a stream that
        was lost or given up since would be made again, without an end. Else both or neither: a death between
        the two would leave such a stream as well."""
        now_s = time.monotonic()
        if now_s - self._kept_s.get(stream, float("-inf")) < _KEEP_EACH_S:
            added = self._client().xadd(stream, {"r": reply}, maxlen=STREAM_LENGTH, nomkstream=True)
            if added is not None:
                return
        pipeline = self._client().pipeline(transaction=True)
        pipeline.xadd(stream, {"r": reply}, maxlen=STREAM_LENGTH)
        pipeline.expire(stream, STREAM_TTL_S)
        pipeline.execute()
        recent = {name: kept_s for name, kept_s in self._kept_s.items() if now_s - kept_s < _KEEP_EACH_S}
        self._kept_s = {**recent, stream: now_s}

    def _client(self) -> Redis:
        """This process's own: a connection of the main process must not be used after a fork as well."""
        if self._redis is None or self._pid != os.getpid():
            self._pooled, self._pid = self._connect(), os.getpid()
            self._pooled.set_retry(
                Retry(
                    ExponentialBackoff(cap=2.0, base=0.05),
                    _REPLY_RETRIES,
                    (RedisConnectionError, RedisTimeoutError, OSError),
                )
            )
            self._redis = self._pooled.client()  # keeps its connection: nobody else uses it
        return self._redis
