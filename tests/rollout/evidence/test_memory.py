"""Memory as real metrics tell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.clock import FakeClock
from assay.rollout.evidence.asker import HttpAsker
from assay.rollout.evidence.memory import memory_seen, processes
from assay.telemetry import Metrics
from assay.telemetry.table import JOBS, REPLACEMENTS, RESIDENT_BYTES
from servers.asgi import serving
from small_app import SmallApp, ask


async def test_a_web_process_is_told_with_what_it_answered() -> None:
    app = SmallApp()
    with serving(app.build().asgi) as served:
        async with HttpAsker() as asker:

            async def seen() -> tuple[int, str, int]:
                urls = [served.url, "http://127.0.0.1:1"]
                (sample,) = await memory_seen(asker, urls, "one", "blue", FakeClock())
                assert (sample.data_centre, sample.slot) == ("one", "blue")
                return sample.jobs_done, sample.process, sample.resident_bytes

            before, process, resident_bytes = await seen()
            for _ in range(3):
                ask(served, "/livez")
            after, same, _ = await seen()
            assert after == before + 4
            assert same == process
            assert 10 * 2**20 < resident_bytes < 10 * 2**30


def test_a_worker_is_two_processes_and_a_replaced_one_is_another() -> None:
    metrics = Metrics("test", role="worker")

    def told() -> list[tuple[str, int, int]]:
        return list(processes("http://w", metrics.exposition()))

    metrics.count(JOBS, "done", by=7)
    metrics.count(JOBS, "crashed", by=5)
    metrics.set(RESIDENT_BYTES, 123_456_789)
    (main, _, main_jobs), (scoring, resident_bytes, jobs) = told()
    assert (resident_bytes, jobs, main_jobs) == (123_456_789, 7, 7)
    metrics.count(REPLACEMENTS, "died")
    (same_main, _, _), (other, _, _) = told()
    assert same_main == main
    assert len({main, scoring, other}) == 3


@given(st.binary() | st.text().map(str.encode))
def test_what_is_no_exposition_tells_of_nobody(text: bytes) -> None:
    assert list(processes("http://w", text)) == []


@pytest.mark.parametrize(
    "text", [b"process_start_time_seconds x", b'a{b="c 1', b"process_start_time_seconds NaN"]
)
def test_a_broken_exposition_tells_of_nobody(text: bytes) -> None:
    assert list(processes("http://w", text)) == []
