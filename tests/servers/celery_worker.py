"""A real Celery worker with small models, and the engine that asks it.

The worker is this module, run as ``python -m servers.celery_worker URL RELEASE QUEUES OPTIONS OPTIONS``.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from redis import Redis

from assay.clock import SystemClock
from assay.scoring.queue.app import build_celery
from assay.scoring.queue.engine import CeleryEngine
from assay.scoring.queue.job import Scoring
from assay.scoring.queue.options import CeleryOptions, WorkerOptions
from assay.scoring.queue.overdue import heartbeat_key
from assay.scoring.queue.replies import BLOCK_S
from assay.scoring.queue.worker import Parts, run, worker_name
from assay.scoring.wikis import ModelSets
from assay.stores.redis_options import RedisOptions, connect
from assay.telemetry import LogOptions, Metrics, MetricsServer, configure_logging
from small_models import small_models
from waiting import until

RELEASE: Final = "test"
START_LIMIT_S: Final = 60.0
_ANSWER_LIMIT_S: Final = 20.0


def main(url: str, release: str, queues_of: str, celery: str, worker: str) -> int:
    """`queues_of`: the release from whose queues it takes. `celery`, `worker`: options as JSON objects."""
    configure_logging(LogOptions(level="warning"))
    options = replace(CeleryOptions(), **json.loads(celery))
    name = worker_name()

    def connect() -> Redis:
        return Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=1.0)

    scoring = Scoring(release, name, small_models(), connect)
    app = build_celery(url, {}, release, options)
    metrics, chosen = Metrics(), replace(WorkerOptions(), **json.loads(worker))
    with contextlib.ExitStack() as stack:
        if chosen.metrics_port:
            stack.enter_context(MetricsServer(metrics, chosen.metrics_host, chosen.metrics_port))
        return run(app, Parts(queues_of, scoring, name, connect, metrics), chosen, options)


class Worker:
    """One worker's main process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def children(self) -> list[int]:
        """Its scoring processes."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit status. Killed, its children go, too."""
        children = self.children if number == signal.SIGKILL else []
        self._process.send_signal(number)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return self._process.wait(30.0)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None


@contextlib.contextmanager
def small_worker(
    url: str,
    release: str = RELEASE,
    options: dict[str, Any] | None = None,
    *,
    queues_of: str | None = None,
    **worker: Any,
) -> Iterator[Worker]:
    """Ready when it takes jobs. `options`: of `CeleryOptions`; `worker`: of `WorkerOptions`. `queues_of`:
    None: its own release's, as it should be."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "servers.celery_worker"),
            *(url, release, queues_of or release, json.dumps(options or {}), json.dumps(worker)),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.DEVNULL,
    )
    started = Worker(process)
    try:
        _wait_for_life(url, started)
        yield started
    finally:
        if not started.has_ended:
            started.end(signal.SIGKILL)


def _wait_for_life(url: str, worker: Worker) -> None:
    with Redis.from_url(url) as client:
        until(lambda: worker.has_ended or _lives(client, worker), START_LIMIT_S)
        if worker.has_ended:
            raise RuntimeError("the worker did not start")


def _lives(client: Redis, worker: Worker) -> bool:
    keys: Any = client.keys(heartbeat_key("*"))
    return any(f"-{worker.pid}-" in key.decode() for key in keys)


def celery_engine(
    url: str,
    models: ModelSets,
    metrics: Metrics,
    options: CeleryOptions | None = None,
    *,
    release: str = RELEASE,
    fails_fast: bool = False,
) -> CeleryEngine:
    """An engine of a web process, not yet started. A Redis that is slow, as on a machine that is busy
    otherwise, does not count as away."""
    chosen = options or CeleryOptions()
    address = RedisOptions(url, answer_timeout_s=_ANSWER_LIMIT_S)
    return CeleryEngine(
        chosen,
        release,
        models,
        connect(address),
        connect(address, answer_timeout_s=BLOCK_S + _ANSWER_LIMIT_S),
        metrics,
        SystemClock(),
        send_limit_s=_ANSWER_LIMIT_S,
        fails_fast=fails_fast,
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
