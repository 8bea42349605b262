"""What stands there by default fits together: both sides of the queue, and a pool."""

from __future__ import annotations

from assay.scoring.options import PoolOptions
from assay.scoring.queue.envelope import LANES
from assay.scoring.queue.options import CeleryOptions, WorkerOptions
from assay.serving.options import AppOptions


def test_a_worker_that_lives_is_never_taken_for_dead_by_a_late_sign_or_two() -> None:
    options = CeleryOptions()
    assert options.lost_after_s >= 3 * options.heartbeat_s
    assert options.lost_after_s < options.time_limit_s, "or its loss is seen too late to be mended"


def test_what_is_accepted_can_still_be_answered() -> None:
    options, limit_s = CeleryOptions(), AppOptions().request_timeout_s
    assert options.interactive_wait_s <= limit_s / 4
    assert options.away_grace_s < limit_s
    assert options.interactive_wait_s < options.bulk_wait_s <= AppOptions().stream.chunk_timeout_s


def test_scores_and_limits_are_those_of_one_machine() -> None:
    pool, worker = PoolOptions(), WorkerOptions()
    assert CeleryOptions().time_limit_s == pool.time_limit_s
    for name in ("processes", "max_jobs_per_process", "max_resident_bytes"):
        assert getattr(worker, name) == getattr(pool, name)
    assert worker.lanes == LANES
