"""When a lane takes one more job."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import NoWorker, Overloaded
from assay.scoring.queue.lanes import LaneState, check
from assay.scoring.queue.message import sent_s
from assay.scoring.queue.options import CeleryOptions

OPTIONS = CeleryOptions(queue_jobs=10, interactive_wait_s=5, bulk_wait_s=60)


def test_a_lane_takes_jobs_until_it_is_full() -> None:
    check("interactive", LaneState(9, 99.0), OPTIONS, 100.0)
    with pytest.raises(Overloaded):
        check("interactive", LaneState(10, 99.0), OPTIONS, 100.0)


def test_a_short_lane_that_does_not_move_is_full_too() -> None:
    check("bulk", LaneState(1, 50.0), OPTIONS, 100.0)
    with pytest.raises(Overloaded) as refused:
        check("interactive", LaneState(1, 50.0), OPTIONS, 100.0)
    assert refused.value.delay_s == 30.0


def test_a_lane_that_nobody_works_on_takes_jobs_for_a_moment_only() -> None:
    grace_s = max(OPTIONS.away_grace_s, OPTIONS.lost_after_s)
    check("interactive", LaneState(unattended_since_s=100.0), OPTIONS, 100.0 + grace_s)
    with pytest.raises(NoWorker) as refused:
        check("interactive", LaneState(unattended_since_s=100.0), OPTIONS, 100.1 + grace_s)
    assert refused.value.delay_s == 2.0


@given(st.integers(0, 100), st.none() | st.floats(0, 1e9), st.floats(0, 1e9))
def test_clients_are_told_to_wait_a_sensible_time(jobs: int, oldest_s: float | None, now_s: float) -> None:
    state = LaneState(jobs, oldest_s)
    if jobs < OPTIONS.queue_jobs and state.age_s(now_s) <= OPTIONS.interactive_wait_s:
        check("interactive", state, OPTIONS, now_s)
        return
    with pytest.raises(Overloaded) as refused:
        check("interactive", state, OPTIONS, now_s)
    assert 1.0 <= refused.value.delay_s <= 30.0


@pytest.mark.parametrize(
    "message", [None, b"", b"rubbish", b"{}", b'{"headers": {}}', b'{"headers": {"assay_sent_s": "x"}}']
)
def test_a_strangers_message_has_no_age(message: bytes | None) -> None:
    assert sent_s(message) is None
