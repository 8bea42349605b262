"""Scoring on many machines: the engine of a web process whose jobs are done by Celery workers.

::

    web ──envelope──▶ queue assay.<release>[.bulk] ──▶ worker ──reply──▶ this web process's stream ──▶ web

Every job is remembered here until its reply has come, so that whatever is lost on the way (a process, a
worker, Redis with all its queues) is sent again: a job is pure, so computing it twice costs time
and nothing else. What cannot be sent is refused at once (`EngineUnavailable`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from assay.clock import Clock, Deadline
from assay.errors import EngineUnavailable, NoWorker, Overloaded
from assay.revisions.problem import Problem
from assay.scoring.codec import CodecError, decode_computed, encode_job
from assay.scoring.frames import FrameError, checked
from assay.scoring.problems import (
    computation_abandoned,
    deadline_passed,
    engine_crashed,
    ran_too_long,
    unencodable,
)
from assay.scoring.queue import lanes, overdue
from assay.scoring.queue.dispatch import Dispatcher
from assay.scoring.queue.envelope import (
    Envelope,
    Lane,
    Reply,
    compress,
    decode_reply,
    decompress,
    encode_envelope,
    queue_name,
)
from assay.scoring.queue.lanes import Lanes
from assay.scoring.queue.message import Message
from assay.scoring.queue.options import CeleryOptions
from assay.scoring.queue.replies import ReplyStream
from assay.scoring.request import Cell, Job
from assay.scoring.wikis import ModelSets, identities
from assay.tasks import end
from assay.telemetry import (
    JOBS,
    LATE_REPLIES,
    QUEUE_UP,
    QUEUE_WAIT_SECONDS,
    RESENT,
    Metrics,
    current_traceparent,
    logger,
    request_id,
)

MAX_LOSSES: Final = 3
"""How often one job may be lost on its way and sent again: then the client is told to ask again."""
_CONTENT_MARGIN_S: Final = 60.0
_TRY_AGAIN_S: Final = 0.1
_STRANGER_TOLD_EACH_S: Final = 5.0
_STRANGER_PAUSE_S: Final = 0.02
"""Who refuses is free at once to take the next job; a pause lets our own workers come first."""


@dataclass(eq=False, slots=True)
class _Pending:
    """A job that waits for its reply. `attempt`: the number of the sending that counts, those that failed
    included. `losses`: sendings that came to nothing. `deaths`: attempts whose process died."""

    id: str
    job: Job
    deadline: Deadline
    lane: Lane
    content: bytes
    request_id: str
    trace: str
    result: asyncio.Future[Mapping[str, Cell]]
    attempt: int = 0
    sent_s: float = 0.0
    losses: int = 0
    deaths: set[int] = field(default_factory=set)
    suspicions: int = 0


class CeleryEngine:
    """An `Engine` whose processes are elsewhere.

    `models`: of this web process, read without their trees; a worker with other bundles refuses the job.
    `redis`: for lanes and large jobs. `reading`: for the replies, whose time limit exceeds a second.
    `send_limit_s`: seconds that putting one job on the queue may take.
    `fails_fast`: do not wait for a queue that is away, because the caller has another engine.
    """

    def __init__(
        self,
        options: CeleryOptions,
        release: str,
        models: ModelSets,
        redis: Redis,
        reading: Redis,
        metrics: Metrics,
        clock: Clock,
        *,
        send_limit_s: float = 3.0,
        fails_fast: bool = False,
    ) -> None:
        self._options = options
        self._release = release
        self._models = models
        self._dispatcher = Dispatcher(redis, send_limit_s)
        self._redis = redis
        self._metrics = metrics
        self._clock = clock
        self._grace_s = 0.0 if fails_fast else options.away_grace_s
        self._lanes = Lanes(redis, release, metrics, self._now_s)
        self._replies = ReplyStream(
            reading, release, on_reply=self._on_reply, on_up=self._on_up, on_down=self._on_down
        )
        self._pending: dict[str, _Pending] = {}
        self._up = asyncio.Event()
        self._giving_up: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._stranger_told_s = float("-inf")
        self.stranger: str | None = None
        """The release that last answered in our place, if any; for preflight, which says its name."""
        self._log = logger(__name__)

    # -- the interface -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to listen. A queue that is away is no failure: it may come, and `/readyz` tells."""
        await self._replies.start()
        self._spawn(self._watch())

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        """Raises `Overloaded` and `EngineUnavailable`."""
        if self._closing:
            return dict.fromkeys(job.models, computation_abandoned(job.revision.id))
        if deadline.passed:
            self._metrics.count(JOBS, "expired")
            return dict.fromkeys(job.models, deadline_passed(job.revision.id))
        try:
            content = compress(checked(encode_job(job)))
        except (TypeError, FrameError) as error:
            return dict.fromkeys(job.models, unencodable(job.revision.id, str(error)))
        lane: Lane = "bulk" if job.bulk else "interactive"
        result: asyncio.Future[Mapping[str, Cell]] = asyncio.get_running_loop().create_future()
        pending = _Pending(
            uuid.uuid4().hex, job, deadline, lane, content, request_id(), current_traceparent(), result
        )
        self._pending[pending.id] = pending
        try:
            async with asyncio.timeout(deadline.remaining_s()):
                await self._send_patiently(pending, is_new=True)
                return await result
        except TimeoutError:
            self._metrics.count(JOBS, "expired")
            return dict.fromkeys(job.models, deadline_passed(job.revision.id))
        finally:
            del self._pending[pending.id]
            result.cancel()  # what was told while nobody awaited it is then no line in the log either

    async def aclose(self) -> None:
        """Wait for what was sent, then end."""
        self._closing = True
        if waiting := [pending.result for pending in self._pending.values()]:
            await asyncio.wait(waiting, timeout=self._options.time_limit_s)
        await end(self._tasks)
        if self._giving_up is not None:
            self._giving_up.cancel()
        await self._dispatcher.aclose()
        await self._lanes.aclose()
        await self._replies.aclose()
        await self._redis.aclose()

    @property
    def pending(self) -> int:
        """Jobs sent and not answered; for operators and tests."""
        return len(self._pending)

    @property
    def reply_stream(self) -> str:
        """Where workers' replies to this process go."""
        return self._replies.name

    # -- sending -------------------------------------------------------------------------------------

    async def _send_patiently(self, pending: _Pending, *, is_new: bool) -> None:
        """Wait a little for a queue that is away. Raises `EngineUnavailable` when it stays away or nobody
        works on it, `Overloaded` when it is full; a job that `is_new` no more was admitted before."""
        waits_until_s = self._clock.monotonic_s() + self._grace_s
        while True:
            try:
                await self._reached(waits_until_s)
                if is_new:
                    await self._admit(pending.lane)
                await self._send(pending)
                return
            except NoWorker:
                raise
            except EngineUnavailable:
                if self._clock.monotonic_s() >= waits_until_s:
                    raise
                await asyncio.sleep(_TRY_AGAIN_S)

    async def _reached(self, until_s: float) -> None:
        if not self._up.is_set():
            try:
                async with asyncio.timeout(max(0.0, until_s - self._clock.monotonic_s())):
                    await self._up.wait()
            except TimeoutError:
                raise _away() from None

    async def _admit(self, lane: Lane) -> None:
        """Raises `EngineUnavailable` and `Overloaded`."""
        try:
            await self._lanes.admit(lane, self._options)
        except Overloaded:
            self._metrics.count(JOBS, "refused")
            raise
        except (RedisError, OSError) as error:
            raise _away() from error

    async def _send(self, pending: _Pending) -> None:
        """One more attempt. Raises `EngineUnavailable`."""
        pending.attempt += 1
        pending.suspicions = 0
        pending.sent_s = self._now_s()
        is_large = len(pending.content) > self._options.inline_bytes
        envelope = Envelope(
            id=pending.id,
            release=self._release,
            attempt=pending.attempt,
            reply_to=self._replies.name,
            sent_s=pending.sent_s,
            deadline_s=pending.sent_s + pending.deadline.remaining_s(),
            wiki=pending.job.wiki,
            digests=identities(self._models, pending.job.wiki, pending.job.models),
            request_id=pending.request_id,
            trace=pending.trace,
            content=None if is_large else pending.content,
        )
        lives_ms = round((pending.deadline.remaining_s() + _CONTENT_MARGIN_S) * 1000)
        message = Message(
            queue_name(self._release, pending.lane),
            pending.id,
            f"{pending.id}.{pending.attempt}",
            pending.sent_s,
            encode_envelope(envelope),
            (envelope.content_key, pending.content, lives_ms) if is_large else None,
        )
        await self._dispatcher.send(message)

    def _send_again(self, pending: _Pending, reason: str) -> None:
        """In the background; a job that was sent too often is given up."""
        if pending.result.done():
            return
        pending.losses += 1
        if pending.losses > MAX_LOSSES:
            self._refuse(pending, computation_abandoned(pending.job.revision.id))
            return
        self._metrics.count(RESENT, reason)
        self._log.warning("job sent again", reason=reason, job=pending.id, attempt=pending.attempt + 1)
        self._spawn(self._try_to_send(pending))

    async def _try_to_send(self, pending: _Pending) -> None:
        try:
            await self._send_patiently(pending, is_new=False)
        except EngineUnavailable as error:
            _fail(pending, error)

    # -- replies -------------------------------------------------------------------------------------

    def _on_reply(self, data: bytes) -> None:
        try:
            reply = decode_reply(data)
        except CodecError as error:
            self._log.error("a damaged reply", reason=str(error))
            return
        pending = self._pending.get(reply.id)
        if pending is None or pending.result.done():
            self._metrics.count(LATE_REPLIES)
            return
        if reply.release != self._release:
            self._from_stranger(pending, reply)
            return
        if reply.outcome != "computed" and reply.attempt != pending.attempt:
            # what became of an attempt that was given up; another is under way
            self._metrics.count(LATE_REPLIES)
            return
        self._settle(pending, reply)

    def _from_stranger(self, pending: _Pending, reply: Reply) -> None:
        """A worker of another release has taken a job of ours: whatever it says is not believed, and the job
        is sent until one of ours gets it. That is no loss on the way, which would be given up after a few."""
        self.stranger = reply.release
        self._metrics.count(JOBS, "wrong_release")
        now_s = self._clock.monotonic_s()
        if now_s - self._stranger_told_s >= _STRANGER_TOLD_EACH_S:  # each of our jobs may meet it many times
            self._stranger_told_s = now_s
            self._log.error("another release's worker takes from our queue", release=reply.release)
        if reply.attempt == pending.attempt:
            self._spawn(self._send_past_stranger(pending))

    async def _send_past_stranger(self, pending: _Pending) -> None:
        await asyncio.sleep(_STRANGER_PAUSE_S)
        if not pending.result.done():
            self._metrics.count(RESENT, "wrong_release")
            await self._try_to_send(pending)

    def _settle(self, pending: _Pending, reply: Reply) -> None:
        rev_id = pending.job.revision.id
        if reply.outcome == "computed":
            self._computed(pending, reply)
        elif reply.outcome == "died":
            self._died(pending, reply.attempt)
        elif reply.outcome == "time_limit":
            self._metrics.count(JOBS, "time_limit")
            self._refuse(pending, ran_too_long(self._options.time_limit_s))
        elif reply.outcome == "expired":
            self._metrics.count(JOBS, "expired")
            self._refuse(pending, deadline_passed(rev_id))
        else:
            self._metrics.count(JOBS, reply.outcome)
            self._log.error("a worker refused a job", outcome=reply.outcome, reason=reply.detail)
            self._refuse(pending, computation_abandoned(rev_id))

    def _computed(self, pending: _Pending, reply: Reply) -> None:
        try:
            computed = decode_computed(decompress(reply.content or b""))
            priced = computed.priced()
            cells = {name: priced[name] for name in pending.job.models}
        except (CodecError, KeyError) as error:
            self._metrics.count(JOBS, "damaged")
            self._log.error("a damaged reply", job=pending.id, reason=repr(error))
            self._refuse(pending, computation_abandoned(pending.job.revision.id))
            return
        self._metrics.job_done(computed.extract_s, computed.predict_s)
        self._metrics.observe(QUEUE_WAIT_SECONDS, reply.waited_s, pending.lane)
        pending.result.set_result(cells)

    def _died(self, pending: _Pending, attempt: int) -> None:
        """A process that died costs its job one retry, as in a pool."""
        if attempt in pending.deaths:  # a worker says it again when the answer to its reply was lost
            self._metrics.count(LATE_REPLIES)
            return
        pending.deaths.add(attempt)
        if len(pending.deaths) > 1:
            self._metrics.count(JOBS, "crashed")
            self._refuse(pending, engine_crashed(pending.job.revision.id))
        else:
            self._metrics.count(JOBS, "retried")
            self._send_again(pending, "died")

    def _refuse(self, pending: _Pending, problem: Problem) -> None:
        if not pending.result.done():
            pending.result.set_result(dict.fromkeys(pending.job.models, problem))

    # -- Redis comes and goes ------------------------------------------------------------------------

    def _on_up(self, restarted: bool) -> None:
        self._up.set()
        self._metrics.set(QUEUE_UP, 1)
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
        if restarted:
            for pending in list(self._pending.values()):
                if pending.attempt:
                    self._send_again(pending, "queue_lost")

    def _on_down(self) -> None:
        self._up.clear()
        self._metrics.set(QUEUE_UP, 0)
        loop = asyncio.get_running_loop()
        self._giving_up = loop.call_later(self._grace_s, self._give_up)

    def _give_up(self) -> None:
        """Nobody waits longer for a queue that stays away."""
        for pending in self._pending.values():
            _fail(pending, _away())

    # -- what is overdue -----------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Find jobs whose worker is dead, or that are neither waiting nor taken, and send them again."""
        while True:
            await asyncio.sleep(self._options.heartbeat_s)
            latest_s = self._now_s() - overdue.PATIENCE_S
            late = [p for p in self._pending.values() if p.attempt and p.sent_s < latest_s]
            if late and self._up.is_set():
                try:
                    await self._look_after(late)
                except (RedisError, OSError, TimeoutError):
                    continue  # then another look, later
                except Exception:  # what a stranger wrote must not end the looking for all
                    self._log.exception("overdue jobs cannot be looked after", jobs=len(late))

    async def _look_after(self, late: Sequence[_Pending]) -> None:
        sent = [overdue.Sent(p.id, p.attempt, p.sent_s, p.lane) for p in late]
        found = await overdue.look(self._redis, self._lanes, sent)
        for pending, item, fate in zip(late, sent, found, strict=True):
            if pending.attempt != item.attempt:  # another is under way by now
                continue
            if fate == "worker_lost":
                self._send_again(pending, fate)
            elif fate == "waiting" and await self._is_forsaken(pending.lane):
                _fail(pending, lanes.no_worker())
            elif fate == "vanished":
                pending.suspicions += 1  # twice in a row: between two looks it may just be handed over
                if pending.suspicions > 1:
                    self._send_again(pending, fate)
            else:
                pending.suspicions = 0

    async def _is_forsaken(self, lane: Lane) -> bool:
        return lanes.is_forsaken(await self._lanes.state(lane), self._options, self._now_s())

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now_s(self) -> float:
        return self._clock.now().timestamp()


def _away() -> EngineUnavailable:
    return EngineUnavailable("The queue of scoring jobs is away; try again shortly.", delay_s=2.0)


def _fail(pending: _Pending, error: EngineUnavailable) -> None:
    if not pending.result.done():
        pending.result.set_exception(error)
