"""Deadlines are one moment, read from whatever clock they were made with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assay.clock import Deadline, FakeClock, SystemClock


def test_a_deadline_runs_down_and_stops_at_zero() -> None:
    clock = FakeClock()
    deadline = Deadline.after(5, clock)
    clock.advance(3)
    assert deadline.remaining_s() == 2
    assert not deadline.passed
    clock.advance(3)
    assert deadline.remaining_s() == 0
    assert deadline.passed


def test_the_fake_clock_moves_both_of_its_hands() -> None:
    clock = FakeClock(datetime(2016, 8, 1, tzinfo=UTC))
    clock.advance(90)
    assert clock.now() == datetime(2016, 8, 1, 0, 1, 30, tzinfo=UTC)
    assert clock.monotonic_s() == 90


def test_the_system_clock_is_aware_and_monotonic() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic_s() <= clock.monotonic_s()
