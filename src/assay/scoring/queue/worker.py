"""A Celery worker: loads the models once, forks scoring processes, and looks after them.

::

    main process ── takes messages, watches time limits, deaths and memory, shows that it lives
      ├─ scoring process: `assay.scoring.queue.job`, replies by itself
      └─ …                (forked after loading, so that the models' memory is shared)

The main process replies for a child that died or was stopped, and counts what the others' jobs cost.
Celery hands tuples of plain values through pipes between these processes; nothing else crosses them.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from billiard.einfo import ExceptionWithTraceback
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from billiard.pool import EX_RECYCLE
from celery import Celery, bootsteps
from celery.apps.worker import install_worker_int_handler, install_worker_term_handler
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_process_init
from celery.worker.request import Request
from redis import Redis

from assay.scoring.codec import CodecError
from assay.scoring.queue.app import queue
from assay.scoring.queue.envelope import Lane, Outcome, decode_envelope, queue_name
from assay.scoring.queue.job import Scoring, spent
from assay.scoring.queue.lanes import attended_key
from assay.scoring.queue.message import TASK
from assay.scoring.queue.options import CeleryOptions, WorkerOptions
from assay.scoring.queue.overdue import heartbeat_key
from assay.scoring.queue.signs_of_life import SignsOfLife
from assay.telemetry import JOBS, REPLACEMENTS, RESIDENT_BYTES, Metrics, logger


@dataclass(frozen=True)
class Parts:
    """What a worker is made of. `connect`: makes clients to the queue's Redis."""

    release: str
    scoring: Scoring
    name: str
    connect: Callable[[], Redis]
    metrics: Metrics


def worker_name() -> str:
    """Unlike every other worker's, on this machine and others, now and after a restart."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def run(app: Celery, parts: Parts, worker: WorkerOptions, options: CeleryOptions) -> int:
    """Work until TERM, INT or HUP (finish what was begun), or QUIT. The exit status: 0 after such an end."""
    # Celery warns of running as root, for which it takes any user without a name, as systemd's dynamic ones.
    # Its reason is pickle, which is accepted from nobody here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    parts.scoring.warm()
    app.conf.update(
        worker_max_tasks_per_child=worker.max_jobs_per_process,
        worker_max_memory_per_child=worker.max_resident_bytes // 1024,
        task_queues=[queue(parts.release, lane) for lane in worker.lanes],
    )
    _register(app, parts)
    app.steps["worker"].add(_signs_of_life(parts, worker.lanes, options))
    setup_logging.connect(_keep_our_logging, weak=False)
    worker_process_init.connect(_leave_hangups_to_parent, weak=False)
    process = _main_process(app)(
        hostname=f"assay@{parts.name}",
        pool="prefork",
        concurrency=worker.processes,
        optimization="fair",
        loglevel="INFO",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    process.start()
    return int(process.exitcode or 0)


def _main_process(app: Celery) -> Any:
    """Celery's, which ends in an orderly way by whichever signal it is asked to.

    Its own takes Ctrl-C for a failure (exit status 1), and at a hangup runs the program's file anew in its
    place, without the options of Python that it was started with, also where nohup says to ignore it.
    """

    class MainProcess(app.Worker):  # type: ignore[misc]
        def install_platform_tweaks(self, worker: Any) -> None:
            is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            super().install_platform_tweaks(worker)
            install_worker_int_handler(worker, exitcode=0)
            install_worker_term_handler(worker, sig="SIGHUP")
            if is_ignored:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

    return MainProcess


def _leave_hangups_to_parent(**_: Any) -> None:
    """Connected for scoring processes, which a terminal that is closed tells as well."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _signs_of_life(
    parts: Parts, lanes: Iterable[Lane], options: CeleryOptions
) -> type[bootsteps.StartStopStep]:
    """The step of Celery's own life by which `SignsOfLife` starts and stops."""
    keys = [heartbeat_key(parts.name), *(attended_key(queue_name(parts.release, lane)) for lane in lanes)]

    class Step(bootsteps.StartStopStep):  # type: ignore[misc]
        requires = frozenset({"celery.worker.components:Timer", "celery.worker.components:Pool"})

        def create(self, worker: Any) -> SignsOfLife:
            return SignsOfLife(parts.name, keys, parts.connect, parts.metrics, options, worker)

        def register_with_event_loop(self, worker: Any, hub: Any) -> None:
            """Of Celery, for each connection. The pool sets its own handler of ended processes after this."""
            hub.call_soon(_count_worn, worker.pool._pool, parts.metrics)

    return Step


def _count_worn(pool: Any, metrics: Metrics) -> None:
    """Have each process counted that `pool` replaces although nothing befell it: Celery tells nobody."""
    if not isinstance(pool.on_process_down, _CountingWorn):
        pool.on_process_down = _CountingWorn(metrics, pool.on_process_down)


@dataclass(frozen=True)
class _CountingWorn:
    """A handler of ended processes around another."""

    metrics: Metrics
    handled: Callable[[Any], None]

    def __call__(self, process: Any) -> None:
        if process.exitcode == EX_RECYCLE:
            self.metrics.count(REPLACEMENTS, "recycled")
        self.handled(process)


def _keep_our_logging(**_: Any) -> None:
    """Connected, so that Celery does not set up its own. Its two lines a task cost more than the task."""
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _register(app: Celery, parts: Parts) -> None:
    """The one task. Its request class answers for children that cannot."""

    class Attended(Request):  # type: ignore[misc]
        """One message in the main process's hands."""

        def __init_subclass__(cls) -> None:
            """Celery derives a faster class from this one, with an `on_success` of its own."""
            derived = cls.on_success

            def on_success(self: Any, answer: Any, **kwargs: Any) -> Any:
                failed, told, _ = answer
                if not failed:
                    _count(parts.metrics, told)
                return derived(self, answer, **kwargs)

            cls.on_success = on_success

        def on_timeout(self, soft: bool, timeout: float) -> None:
            super().on_timeout(soft, timeout)
            if not soft:
                parts.metrics.count(REPLACEMENTS, "time_limit")
                _answer_for(parts, self.args, "time_limit")

        def on_failure(self, exc_info: Any, *args: Any, **kwargs: Any) -> Any:
            result = super().on_failure(exc_info, *args, **kwargs)
            cause = _cause(exc_info)
            if isinstance(cause, WorkerLostError):  # of an exception no process dies
                parts.metrics.count(REPLACEMENTS, "died")
            if not isinstance(cause, TimeLimitExceeded):  # that one has been answered
                _answer_for(parts, self.args, "died")
            return result

    def score(data: bytes) -> str:
        return parts.scoring.run(data).told()

    app.task(score, name=TASK, Request=Attended, shared=False)


def _cause(exc_info: Any) -> BaseException:
    """What really happened; billiard wraps what came with a traceback from another process."""
    error: BaseException = exc_info.exception
    return error.exc if isinstance(error, ExceptionWithTraceback) else error


def _answer_for(parts: Parts, arguments: Any, outcome: Outcome) -> None:
    """Reply in the place of a child."""
    parts.metrics.count(JOBS, "time_limit" if outcome == "time_limit" else "retried")
    try:
        parts.scoring.reply(decode_envelope(arguments[0]), outcome)
    except (CodecError, IndexError, TypeError) as error:
        logger(__name__).error("a message that cannot be read", reason=repr(error))


def _count(metrics: Metrics, told: str) -> None:
    """`told`: the ``repr`` of a child's return value, which is all that Celery hands on."""
    try:
        cost = spent(told)
    except ValueError as error:  # a wrong count must not cost the worker its slot
        logger(__name__).error("a job's cost cannot be read", reason=repr(error))
        return
    if cost.outcome == "done":
        metrics.job_done(cost.extract_s, cost.predict_s)
        metrics.set(RESIDENT_BYTES, cost.resident_bytes)
    else:
        metrics.count(JOBS, cost.outcome)
