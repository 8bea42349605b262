"""Everybody is told, for as long as it takes, and the log says who does not take anything."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from assay.precache.patience import Patience, Stopping
from assay.precache.sink import Event, Refused, Sink, Unwritten
from assay.precache.telling import Telling
from assay.telemetry import PRECACHE_REFUSED, PRECACHE_RETRIES, Metrics
from precache.edits import scored
from waiting import until_async


class Flaky:
    """Fails so often, then takes; refuses one revision for good."""

    def __init__(self, failures: int, bad: int | None = None) -> None:
        self.failures = failures
        self.bad = bad
        self.taken: list[int] = []

    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        if self.failures:
            self.failures -= 1
            raise Unwritten("not now", 0.0)
        self.taken += [item["rev_id"] for item in events]
        return [(item, Refused("never")) for item in events if item["rev_id"] == self.bad]

    async def aclose(self) -> None:
        pass


class Quick(Patience):
    """Waits for nothing."""

    async def wait(self, seconds: float) -> None:
        await super().wait(0)


async def test_everybody_is_told_for_as_long_as_it_takes() -> None:
    metrics, first, second = Metrics(), Flaky(0, bad=2), Flaky(3)
    sinks: dict[str, Sink] = {"first": first, "second": second}
    await Telling(sinks, Quick(), metrics).tell([scored(1), scored(2)])
    assert first.taken == second.taken == [1, 2]
    assert metrics.value(PRECACHE_RETRIES, "sink") == 3
    assert metrics.value(PRECACHE_REFUSED, "first") == 1


async def test_the_end_comes_before_a_sink_that_takes_nothing() -> None:
    patience = Quick()
    telling = Telling({"never": Flaky(10**9)}, patience, Metrics())
    task = asyncio.create_task(telling.tell([scored(1)]))
    await asyncio.sleep(0.01)
    patience.stop()
    with pytest.raises(Stopping):
        await task


async def test_the_log_names_what_was_not_told_and_what_was_refused() -> None:
    with capture_logs() as logs:
        await Telling({"gate": Flaky(1, bad=2)}, Quick(), Metrics()).tell([scored(1), scored(2)])
    assert logs == [
        {"event": "scores not told", "log_level": "warning", "sink": "gate", "reason": "not now",
         "events": 2},
        {"event": "scores refused", "log_level": "error", "sink": "gate", "reason": "never",
         "wiki": "clubwiki", "rev_id": 2},
    ]  # fmt: skip


async def test_whoever_asks_to_wait_is_obeyed() -> None:
    class Noted(Patience):
        asked: tuple[int, float | None] | None = None

        async def after(self, attempt: int, least_s: float | None = None) -> float:
            self.asked = (attempt, least_s)
            return 0.0

    patience = Noted()
    await Telling({"gate": Flaky(2)}, patience, Metrics()).tell([scored(1)])
    assert patience.asked == (2, 0.0)


class Hanging:
    """Takes nothing until it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.is_closed = self.was_cancelled = False

    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return ()

    async def aclose(self) -> None:
        self.is_closed = True


async def test_the_log_says_again_and_again_that_a_sink_hangs() -> None:
    sink = Hanging()
    with capture_logs() as logs:
        telling = Telling({"pipe": sink}, Quick(), Metrics(), slow_s=0.01)
        task = asyncio.create_task(telling.tell([scored(1)]))
        await until_async(lambda: len(logs) >= 2)
        sink.may.set()
        await task
        await telling.aclose()
    assert logs[0] == {
        "event": "a sink hangs", "log_level": "warning", "sink": "pipe", "events": 1, "again_in_s": 0.01
    }  # fmt: skip
    assert sink.is_closed


async def test_a_sink_that_hangs_is_left_with_whoever_tells_it() -> None:
    sink = Hanging()
    task = asyncio.create_task(Telling({"pipe": sink}, Quick(), Metrics()).tell([scored(1)]))
    await asyncio.sleep(0.01)
    task.cancel()
    async with asyncio.timeout(30):
        await asyncio.wait([task])
    assert task.cancelled()
    assert sink.was_cancelled
