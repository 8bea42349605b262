"""Scoring in processes on one machine: the engine of the embedded default.

::

    server ──lines──▶ nursery (models loaded once) ──fork──▶ process 1 … process N
      └───────────────one socket to each process: jobs, results────────────┘

Each process works on one job at a time. A job that runs too long has its process killed and
replaced; a process that dies costs its own job one retry. Jobs wait in one bounded queue; what does not
fit is refused at once. Results carry what they cost, so that the server can count it.

Limits: the nursery is one process; when it dies, its children die with it, every job at hand is
retried, and a new nursery has to load the models again (about two seconds). A job that loses two
nurseries is given up, as is one that loses two processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from assay.clock import Deadline
from assay.errors import ConfigurationError, Overloaded, worded
from assay.revisions.problem import Problem
from assay.scoring import frames
from assay.scoring.codec import CodecError, Computed, decode_computed, encode_job
from assay.scoring.options import PoolOptions
from assay.scoring.pool.nursery_handle import EngineFailed, Loader, NurseryHandle
from assay.scoring.problems import (
    computation_abandoned,
    deadline_passed,
    engine_crashed,
    ran_too_long,
    unencodable,
)
from assay.scoring.request import Cell, Job
from assay.telemetry import (
    JOBS,
    QUEUE_JOBS,
    QUEUE_WAIT_SECONDS,
    REPLACEMENTS,
    WORKERS,
    Metrics,
    logger,
)

_LANE: Final = "interactive"
"""A pool has one queue."""


@dataclass(eq=False, slots=True)
class _Task:
    job: Job
    payload: bytes
    deadline: Deadline
    queued_s: float
    result: asyncio.Future[Mapping[str, Cell]]
    deaths: int = 0
    nurseries: set[int | None] = field(default_factory=set)
    """Those that died under it, each with all of its processes."""


@dataclass(eq=False, slots=True)
class _Process:
    pid: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    nursery: int | None
    """The pid of the one that forked it."""
    jobs: int = 0
    resident_bytes: int = 0


class PoolEngine:
    """An `Engine` of killable processes.

    `digests`: of the server's own models (`ModelSets.digests`); processes that loaded others are refused,
    because their scores would be cached under the wrong identity.
    """

    def __init__(
        self, options: PoolOptions, loader: Loader, digests: Mapping[str, str], metrics: Metrics
    ) -> None:
        if options.processes < 1 or options.queue_jobs < 1 or options.time_limit_s <= 0:
            raise ConfigurationError("the pool needs at least one process, one queue place and some time")
        self._options = options
        self._digests = dict(digests)
        self._metrics = metrics
        self._nursery = NurseryHandle(loader)
        self._nursery_lock = asyncio.Lock()
        self._queue: deque[_Task] = deque()
        self._queued_bytes = 0
        self._arrived = asyncio.Condition()
        self._closing = False
        self._pids: set[int] = set()
        self._busy: dict[int, _Task] = {}
        self._attendants: list[asyncio.Task[None]] = []
        self._log = logger(__name__)

    # -- the interface -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Load the models and fork all processes. Raises `EngineFailed`."""
        await self._nursery.start(self._digests, self._options.start_timeout_s)
        try:
            first = [await self._spawn() for _ in range(self._options.processes)]
        except (OSError, EOFError) as error:
            raise EngineFailed(f"the scoring processes did not start: {error!r}") from error
        self._attendants = [asyncio.create_task(self._attend(process)) for process in first]

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        if self._closing:
            return dict.fromkeys(job.models, computation_abandoned(job.revision.id))
        if len(self._queue) >= self._options.queue_jobs or self._queued_bytes >= self._options.queue_bytes:
            self._metrics.count(JOBS, "refused")
            raise Overloaded(
                f"{len(self._queue)} revisions wait to be scored already; try again.",
                delay_s=self._delay_s(),
            )
        try:
            payload = frames.checked(encode_job(job))
        except (TypeError, frames.FrameError) as error:
            return dict.fromkeys(job.models, unencodable(job.revision.id, str(error)))
        task = _Task(job, payload, deadline, time.perf_counter(), asyncio.get_running_loop().create_future())
        await self._put(task)
        return await task.result

    async def aclose(self) -> None:
        async with self._arrived:
            self._closing = True
            self._arrived.notify_all()
        if self._attendants:
            await asyncio.gather(*self._attendants, return_exceptions=True)
        self._attendants = []
        for task in self._queue:  # only when no process was left to take them
            self._refuse(task, computation_abandoned(task.job.revision.id))
        self._queue.clear()
        await asyncio.to_thread(self._nursery.stop)

    @property
    def pids(self) -> tuple[int, ...]:
        """All scoring processes; for operators and tests, like the next three."""
        return tuple(sorted(self._pids))

    @property
    def busy_pids(self) -> tuple[int, ...]:
        return tuple(self._busy)

    @property
    def nursery_pid(self) -> int | None:
        return self._nursery.pid

    @property
    def queued(self) -> int:
        return len(self._queue)

    # -- the queue -----------------------------------------------------------------------------------

    async def _put(self, task: _Task, *, first: bool = False) -> None:
        async with self._arrived:
            if first:
                self._queue.appendleft(task)
            else:
                self._queue.append(task)
            self._queued_bytes += len(task.payload)
            self._metrics.set(QUEUE_JOBS, len(self._queue), _LANE)
            self._arrived.notify()

    async def _take(self) -> _Task | None:
        """The next job that is still wanted; None when closing and all are done."""
        async with self._arrived:
            while True:
                while not self._queue:
                    if self._closing:
                        return None
                    await self._arrived.wait()
                task = self._queue.popleft()
                self._queued_bytes -= len(task.payload)
                self._metrics.set(QUEUE_JOBS, len(self._queue), _LANE)
                if task.deadline.passed:
                    self._expire(task)
                if task.result.done():
                    continue
                self._metrics.observe(QUEUE_WAIT_SECONDS, time.perf_counter() - task.queued_s, _LANE)
                return task

    def _answer(self, task: _Task, cells: Mapping[str, Cell]) -> None:
        if not task.result.done():
            task.result.set_result(cells)

    def _refuse(self, task: _Task, problem: Problem) -> None:
        self._answer(task, dict.fromkeys(task.job.models, problem))

    def _expire(self, task: _Task) -> None:
        if not task.result.done():
            self._metrics.count(JOBS, "expired")
            self._refuse(task, deadline_passed(task.job.revision.id))

    def _expire_late(self) -> None:
        """While no process takes jobs: what nobody waits for any more would hold up the server's end."""
        for task in self._queue:
            if task.deadline.passed:
                self._expire(task)
        self._queue = deque(task for task in self._queue if not task.result.done())
        self._queued_bytes = sum(len(task.payload) for task in self._queue)
        self._metrics.set(QUEUE_JOBS, len(self._queue), _LANE)

    def _delay_s(self) -> float:
        """About how long the queue needs at 50 ms a job."""
        return max(1.0, len(self._queue) * 0.05 / self._options.processes)

    # -- the processes -------------------------------------------------------------------------------

    async def _spawn(self) -> _Process:
        pid, connection = await self._nursery.spawn()
        nursery = self._nursery.pid
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        self._pids.add(pid)
        self._metrics.set(WORKERS, len(self._pids))
        return _Process(pid, reader, writer, nursery)

    async def _respawn(self) -> _Process:
        """A process, with a new nursery if need be; tries until it succeeds or the engine closes."""
        delay_s = 0.1
        while True:
            try:
                return await self._spawn_anyhow()
            except (EngineFailed, OSError, EOFError) as error:
                self._log.error("scoring processes do not start", reason=worded(error), retry_s=delay_s)
                if self._closing:
                    raise
            self._expire_late()
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, 10.0)

    async def _spawn_anyhow(self) -> _Process:
        """From a new nursery when the present one is dead."""
        try:
            return await self._spawn()
        except (OSError, EOFError) as error:
            self._log.warning("no scoring process", reason=repr(error))
        async with self._nursery_lock:
            with contextlib.suppress(OSError, EOFError):
                return await self._spawn()  # another attendant may have mended it meanwhile
            await self._nursery.start(self._digests, self._options.start_timeout_s)
        return await self._spawn()

    def _dismiss(self, process: _Process, reason: str | None = None) -> None:
        """Let go of a process: close its socket; it ends by itself unless it is killed."""
        process.writer.close()
        self._pids.discard(process.pid)
        self._metrics.set(WORKERS, len(self._pids))
        if reason:
            self._metrics.count(REPLACEMENTS, reason)

    async def _attend(self, process: _Process) -> None:
        """Feed one process, and its successors, until the engine closes."""
        while (task := await self._take()) is not None:
            if process.reader.at_eof():  # it died while it had nothing to do
                self._dismiss(process, "died")
                await self._put(task, first=True)
            else:
                reason = await self._run(process, task)
                if reason is None and self._is_worn(process):
                    reason = "recycled"
                if reason is None:
                    continue
                self._dismiss(process, reason)
            process = await self._respawn()
        self._dismiss(process)

    def _is_worn(self, process: _Process) -> bool:
        return (
            process.jobs >= self._options.max_jobs_per_process
            or process.resident_bytes > self._options.max_resident_bytes
        )

    async def _run(self, process: _Process, task: _Task) -> str | None:
        """Have one job done. Returns why the process cannot be used any more, None when it can."""
        self._busy[process.pid] = task
        try:
            async with asyncio.timeout(self._options.time_limit_s):
                await frames.write(process.writer, task.payload)
                answer = await frames.read(process.reader)
            process.jobs += 1
            process.resident_bytes = int.from_bytes(answer[:8])
            self._done(task, decode_computed(answer[8:]))
            return None
        except TimeoutError:
            self._nursery.kill(process.pid)
            self._metrics.count(JOBS, "time_limit")
            self._log.warning("time limit", **_names(task), limit_s=self._options.time_limit_s)
            self._refuse(task, ran_too_long(self._options.time_limit_s))
            return "time_limit"
        except (OSError, EOFError, frames.FrameError, CodecError) as error:
            self._nursery.kill(process.pid)  # a damaged answer comes from a living process
            self._log.warning("scoring process died", pid=process.pid, **_names(task), reason=repr(error))
            await self._retry(task, process)
            return "died"
        except Exception:  # a defect of ours must cost its own job, not him who attends the process
            self._nursery.kill(process.pid)
            self._log.exception("job failed", pid=process.pid, **_names(task))
            self._refuse(task, computation_abandoned(task.job.revision.id))
            return "died"
        finally:
            del self._busy[process.pid]

    def _done(self, task: _Task, computed: Computed) -> None:
        self._metrics.job_done(computed.extract_s, computed.predict_s)
        self._answer(task, computed.priced())

    async def _retry(self, task: _Task, process: _Process) -> None:
        """Not every process that dies under a job dies of it: with a nursery, all do, and the job may have
        been given to several of them."""
        if self._nursery.lives(process.nursery):
            task.deaths += 1
        else:
            task.nurseries.add(process.nursery)
        if task.deaths > 1 or len(task.nurseries) > 1:
            self._metrics.count(JOBS, "crashed")
            self._refuse(task, engine_crashed(task.job.revision.id))
        else:
            self._metrics.count(JOBS, "retried")
            await self._put(task, first=True)


def _names(task: _Task) -> dict[str, Any]:
    return {"wiki": task.job.wiki, "revision": task.job.revision.id}
