"""What an operator sets about scoring; reading it imports nothing that scores."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

MAX_REVISIONS: Final = 50
"""Revisions in one request, as in ORES; a client asks again for more."""


@dataclass(frozen=True, slots=True)
class ScoreCacheOptions:
    """How long scores are kept."""

    ttl_s: float = 7 * 24 * 3600.0
    """Seconds; a score never goes stale, for its key holds the bundle's digest, but hidden texts should be
    forgotten some day. ORES kept them for 16 years."""


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Size and limits of a `PoolEngine`."""

    processes: int = max(1, os.cpu_count() or 1)
    """Scoring processes; scoring is pure computation, so one for each core."""

    queue_jobs: int = 500
    """Jobs that may wait (one revision each): ten full requests, a few seconds of work for two processes."""

    queue_bytes: int = 256 * 1024 * 1024
    """Bytes of encoded jobs that may wait: an ordinary job has 50 kB, one with two great texts 4 MiB."""

    time_limit_s: float = 15.0
    """Seconds for one revision before its process is killed, as in ORES; ordinary edits need 0.02."""

    max_jobs_per_process: int = 20_000
    """Jobs after which a process is replaced, against slow leaks; ORES took 100 because a fork cost it less
    than its leaks did."""

    max_resident_bytes: int = 1024 * 1024 * 1024
    """Memory after which a process is replaced once its job is done, shared pages included."""

    start_timeout_s: float = 120.0
    """Seconds for the nursery to load and warm all models; 2 s for three shipped ones on busy cores."""
