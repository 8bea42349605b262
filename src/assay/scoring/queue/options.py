"""What an operator sets about the queue and its workers; reading it does not import Celery."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from assay.scoring.queue.envelope import LANES, Lane


@dataclass(frozen=True, slots=True)
class CeleryOptions:
    """How web processes and workers share work; both sides must be given the same."""

    queue_jobs: int = 2000
    """Jobs (one revision each) that may wait in a lane; more are refused with 503."""

    interactive_wait_s: float = 5.0
    """Seconds that the oldest interactive job may have waited; while it has waited longer, new ones are
    refused with 503: a quarter of the request's own limit, so that what is accepted can be answered."""

    bulk_wait_s: float = 60.0
    """The same for the bulk lane, where nobody sits and waits."""

    inline_bytes: int = 16 * 1024
    """Jobs that are larger, compressed, lie beside the queue under a key of their own, so that brokers and
    workers' main processes never copy great texts."""

    time_limit_s: float = 15.0
    """Seconds for one revision before its process is killed, as in ORES; ordinary edits need 0.02."""

    heartbeat_s: float = 1.0
    """Seconds between two signs of life of a worker, and between two looks of a web process after jobs that
    are overdue."""

    lost_after_s: float = 4.0
    """Seconds without a sign of life after which a worker counts as dead and its jobs are sent again."""

    when_away: Literal["refuse", "local"] = "refuse"
    """What becomes of requests while the queue is away: `refuse` answers 503 with Retry-After, `local`
    computes in processes of the web server's own, which takes memory and a few seconds to start."""

    away_grace_s: float = 3.0
    """Seconds that a request waits for a queue that is away (a restart takes one) before it is refused.
    With `local`, nothing waits."""


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """One ``assay worker``: a main process and its scoring processes."""

    processes: int = max(1, os.cpu_count() or 1)
    """Scoring processes; scoring is pure computation, so one for each core."""

    lanes: tuple[Lane, ...] = LANES
    """What it takes, the first before the second. A worker of ``["interactive"]`` alone keeps its processes
    free for people while others are busy with bulk work."""

    max_jobs_per_process: int = 20_000
    """Jobs after which a process is replaced, against slow leaks."""

    max_resident_bytes: int = 1024 * 1024 * 1024
    """Memory after which a process is replaced once its job is done, shared pages included."""

    metrics_host: str = "127.0.0.1"
    """Address of `/metrics` and `/livez`."""

    metrics_port: int = 0
    """Port of `/metrics` and `/livez`; 0: none, as several workers on a machine would quarrel about it."""
