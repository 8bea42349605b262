"""What only processes can promise: runaways are stopped, crashes cost little, nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from assay.clock import Deadline, FakeClock
from assay.errors import ConfigurationError, Overloaded
from assay.revisions.problem import Problem
from assay.scoring.codec import CodecError, Computed, decode_computed, encode_job
from assay.scoring.frames import MAX_FRAME_BYTES, FrameError
from assay.scoring.options import PoolOptions
from assay.scoring.pool.engine import PoolEngine
from assay.scoring.pool.nursery_handle import EngineFailed, Loader
from assay.scoring.request import Job
from assay.scoring.synthetic import synthetic_revision
from assay.tasks import end
from assay.telemetry import JOBS, QUEUE_JOBS, QUEUE_WAIT_SECONDS, REPLACEMENTS, WORKERS, Metrics
from scoring.held import settle
from servers.processes import is_running
from small_models import small_models
from waiting import soon, until, until_async

DIGESTS = small_models().digests
LOADER = Loader("small_models:small_models")
REVISION = synthetic_revision(31)


def job(delay_s: float = 0.0, rev_id: int = 31) -> Job:
    injection = {"feature.delay": delay_s} if delay_s else {}
    return Job("testwiki", ("revid",), synthetic_revision(rev_id), injection)


def text_job(text: str) -> Job:
    return Job("smallwiki", ("damaging",), replace(REVISION, text=text))


def code(cells: Any) -> str:
    (cell,) = cells.values()
    return cell.code if isinstance(cell, Problem) else "scored"


@asynccontextmanager
async def pool(loader: Loader = LOADER, **options: Any) -> AsyncIterator[tuple[PoolEngine, Metrics]]:
    metrics = Metrics()
    engine = PoolEngine(PoolOptions(**{"processes": 1, **options}), loader, DIGESTS, metrics)
    await engine.start()
    try:
        yield engine, metrics
    finally:
        await engine.aclose()


async def test_a_runaway_is_stopped_and_its_process_replaced() -> None:
    async with pool(time_limit_s=0.2) as (engine, metrics):
        (first,) = engine.pids
        cells = await engine.score(job(delay_s=50), soon())
        cell = cells["revid"]
        assert isinstance(cell, Problem)
        assert (cell.type, cell.message) == ("TimeoutError", "Timed out after 0.2 seconds.")
        assert code(await engine.score(job(), soon())) == "scored"
        assert metrics.value(REPLACEMENTS, "time_limit") == metrics.value(JOBS, "time_limit") == 1
        assert metrics.value(WORKERS) == 1
        await until_async(lambda: not is_running(first))


async def test_a_killed_process_costs_a_retry() -> None:
    async with pool() as (engine, metrics):
        asked = asyncio.create_task(engine.score(job(delay_s=0.5), soon()))
        await until_async(lambda: engine.busy_pids)
        order: list[str] = []
        asked.add_done_callback(lambda _: order.append("retried"))
        others = [asyncio.create_task(engine.score(job(), soon())) for _ in range(3)]
        for other in others:
            other.add_done_callback(lambda _: order.append("other"))
        await until_async(lambda: engine.queued == 3)
        os.kill(engine.busy_pids[0], signal.SIGKILL)
        assert code(await asked) == "scored"
        await asyncio.gather(*others)
        assert order[0] == "retried"  # it has waited its turn once
        assert metrics.value(JOBS, "retried") == 1
        assert metrics.value(REPLACEMENTS, "died") == 1


async def test_a_job_that_kills_its_process_twice_is_given_up_and_others_are_not() -> None:
    async with pool(processes=2) as (engine, metrics):
        others = [engine.score(text_job("fine!" * n), soon()) for n in range(20)]
        bad, *good = await asyncio.gather(engine.score(text_job("CRASH"), soon()), *others)
        assert code(bad) == "engine_crashed"
        assert [code(cells) for cells in good] == ["scored"] * 20
        assert metrics.value(JOBS, "crashed") == 1
        assert metrics.value(REPLACEMENTS, "died") == 2


async def test_a_process_killed_while_idle_is_replaced() -> None:
    async with pool() as (engine, metrics):
        await engine.score(job(), soon())
        (first,) = engine.pids
        os.kill(first, signal.SIGKILL)
        await until_async(lambda: not is_running(first))
        await settle()  # the loop reads that its socket is closed
        assert code(await engine.score(job(), soon())) == "scored"
        assert metrics.value(REPLACEMENTS, "died") == 1
        assert (metrics.value(JOBS, "retried"), metrics.value(WORKERS)) == (0, 1)


async def test_a_killed_nursery_takes_no_job_with_it() -> None:
    async with pool(processes=2) as (engine, _):
        asked = [asyncio.create_task(engine.score(job(delay_s=0.3, rev_id=n), soon())) for n in (10, 20, 30)]
        await until_async(lambda: len(engine.busy_pids) == 2)
        assert engine.nursery_pid is not None
        os.kill(engine.nursery_pid, signal.SIGKILL)
        assert [code(cells) for cells in await asyncio.gather(*asked)] == ["scored"] * 3


async def test_a_killed_nursery_takes_no_job_with_it_whose_next_process_dies_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All processes die with the nursery, and the job is retried before the others' deaths are seen."""
    spawned: list[Any] = []
    spawn = PoolEngine._spawn

    async def noted(engine: PoolEngine) -> Any:
        spawned.append(await spawn(engine))
        return spawned[-1]

    monkeypatch.setattr(PoolEngine, "_spawn", noted)
    async with pool(processes=4) as (engine, metrics):
        asked = asyncio.create_task(engine.score(job(delay_s=0.3), soon()))
        await until_async(lambda: engine.busy_pids)
        for process in spawned:
            if process.pid not in engine.busy_pids:
                process.writer.transport.pause_reading()
        assert engine.nursery_pid is not None
        os.kill(engine.nursery_pid, signal.SIGKILL)
        until(lambda: not any(is_running(pid) for pid in engine.pids))
        assert code(await asked) == "scored"
        assert metrics.value(JOBS, "retried") > 1


async def test_a_job_that_loses_two_nurseries_is_given_up() -> None:
    async with pool() as (engine, metrics):
        asked = asyncio.create_task(engine.score(job(delay_s=50), soon()))
        for _ in range(2):
            await until_async(lambda: engine.busy_pids)
            nursery = engine.nursery_pid
            assert nursery is not None
            os.kill(nursery, signal.SIGKILL)
            await until_async(lambda gone=nursery: asked.done() or engine.nursery_pid != gone)  # type: ignore[misc]
        assert code(await asked) == "engine_crashed"
        assert (metrics.value(JOBS, "retried"), metrics.value(JOBS, "crashed")) == (1, 1)
        assert code(await engine.score(job(), soon())) == "scored"


def failures(logs: Sequence[Mapping[str, Any]]) -> list[float]:
    """The seconds after which each is to be mended."""
    return [it["retry_s"] for it in logs if it["event"] == "scoring processes do not start"]


@asynccontextmanager
async def unable_to_load(folder: Path) -> AsyncIterator[tuple[PoolEngine, Path]]:
    """An engine whose nursery has died, and a file: as long as it is there, another one loads no models."""
    unloadable = folder / "unloadable"
    async with pool(Loader("scoring.held:models_unless", {"path": str(unloadable)})) as (engine, _):
        unloadable.touch()
        assert engine.nursery_pid is not None
        os.kill(engine.nursery_pid, signal.SIGKILL)
        yield engine, unloadable


async def test_an_engine_goes_on_by_itself_once_its_models_can_be_loaded_again(tmp_path: Path) -> None:
    async with unable_to_load(tmp_path) as (engine, unloadable):
        asked = asyncio.create_task(engine.score(job(), soon()))
        with capture_logs() as logs:
            await until_async(lambda: len(failures(logs)) == 2)
        unloadable.unlink()
        assert code(await asked) == "scored"
        first, second = failures(logs)
        assert second == 2 * first


async def test_who_waits_for_models_that_cannot_be_loaded_is_answered_in_time(tmp_path: Path) -> None:
    """Else a server that is told to end waits for the job, and nobody else does any more."""
    clock = FakeClock()
    async with unable_to_load(tmp_path) as (engine, _):
        late = asyncio.create_task(engine.score(job(), Deadline.after(1, clock)))
        patient = asyncio.create_task(engine.score(job(), soon()))
        await until_async(lambda: engine.queued == 2)
        clock.advance(2)
        assert code(await asyncio.wait_for(late, 60)) == "deadline_exceeded"
        assert (engine.queued, patient.done()) == (1, False)
        await end([patient])


async def test_the_end_does_not_wait_for_models_that_cannot_be_loaded(tmp_path: Path) -> None:
    async with unable_to_load(tmp_path) as (engine, _):
        asked = [asyncio.create_task(engine.score(job(), soon())) for _ in range(3)]
        await until_async(lambda: engine.queued == 3)
        async with asyncio.timeout(20):
            await engine.aclose()
            assert [code(await cells) for cells in asked] == ["engine_unavailable"] * 3
        assert engine.queued == 0


async def test_where_no_process_can_be_forked_the_others_work_on_until_one_can(tmp_path: Path) -> None:
    full = tmp_path / "full"
    loader = Loader("scoring.held:models_without_forks", {"path": str(full)})
    async with pool(loader, processes=2) as (engine, metrics):
        full.touch()
        nursery = engine.nursery_pid
        asked = [asyncio.create_task(engine.score(job(delay_s=1.0, rev_id=n), soon())) for n in (10, 20)]
        await until_async(lambda: len(engine.busy_pids) == 2)
        with capture_logs() as logs:
            os.kill(engine.busy_pids[1], signal.SIGKILL)
            assert [code(cells) for cells in await asyncio.gather(*asked)] == ["scored"] * 2
            await until_async(lambda: len(failures(logs)) > 1)
        assert (metrics.value(JOBS, "retried"), metrics.value(WORKERS)) == (1, 1)
        full.unlink()
        await until_async(lambda: metrics.value(WORKERS) == 2)
        assert engine.nursery_pid == nursery


@pytest.mark.parametrize("damage", [CodecError("damaged"), FrameError("damaged")])
async def test_a_damaged_answer_is_had_again_from_another_process(
    monkeypatch: pytest.MonkeyPatch, damage: Exception
) -> None:
    """What a living process writes wrongly, it may go on writing wrongly."""
    damages = [damage]

    def decode(data: bytes) -> Computed:
        if damages:
            raise damages.pop()
        return decode_computed(data)

    monkeypatch.setattr("assay.scoring.pool.engine.decode_computed", decode)
    async with pool() as (engine, metrics):
        (first,) = engine.pids
        assert code(await engine.score(job(), soon())) == "scored"
        assert metrics.value(JOBS, "retried") == metrics.value(REPLACEMENTS, "died") == 1
        await until_async(lambda: not is_running(first))


async def test_a_defect_in_reading_an_answer_costs_its_own_job_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: bytes) -> Any:
        raise KeyError("revid")

    async with pool() as (engine, _):
        (first,) = engine.pids
        with monkeypatch.context() as patch:
            patch.setattr("assay.scoring.pool.engine.decode_computed", broken)
            async with asyncio.timeout(20):
                assert code(await engine.score(job(), soon())) == "engine_unavailable"
        await until_async(lambda: not is_running(first))
        async with asyncio.timeout(20):
            assert code(await engine.score(job(), soon())) == "scored"


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back() -> None:
    async with pool(queue_jobs=1, time_limit_s=0.5) as (engine, metrics):
        running = asyncio.create_task(engine.score(job(delay_s=50), soon()))
        await until_async(lambda: engine.busy_pids)
        waiting = asyncio.create_task(engine.score(job(), soon()))
        await until_async(lambda: engine.queued)
        with pytest.raises(Overloaded) as caught:
            await engine.score(job(), soon())
        assert caught.value.delay_s >= 1
        assert metrics.value(JOBS, "refused") == metrics.value(QUEUE_JOBS, "interactive") == 1
        assert code(await running) == "time_limit_exceeded"
        assert code(await waiting) == "scored"
        assert metrics.value(QUEUE_JOBS, "interactive") == 0
        assert metrics.value(QUEUE_WAIT_SECONDS, "interactive") == 2


@pytest.mark.parametrize(("processes", "delay_s"), [(1, 3.0), (2, 1.5)])
async def test_who_is_refused_comes_back_when_the_queue_may_be_done(processes: int, delay_s: float) -> None:
    """At 50 ms a job."""
    async with pool(processes=processes, queue_jobs=60) as (engine, _):
        running = [asyncio.create_task(engine.score(job(delay_s=50), soon())) for _ in range(processes)]
        await until_async(lambda: len(engine.busy_pids) == processes)
        waiting = [asyncio.create_task(engine.score(job(), soon())) for _ in range(60)]
        await until_async(lambda: engine.queued == 60)
        with pytest.raises(Overloaded, match="60 revisions wait") as caught:
            await engine.score(job(), soon())
        assert caught.value.delay_s == pytest.approx(delay_s)
        await end([*running, *waiting])
        for pid in engine.busy_pids:
            os.kill(pid, signal.SIGKILL)


async def test_as_many_bytes_may_wait_as_are_set() -> None:
    size = len(encode_job(job()))
    async with pool(queue_bytes=2 * size, time_limit_s=0.5) as (engine, _):
        running = asyncio.create_task(engine.score(job(delay_s=50), soon()))
        await until_async(lambda: engine.busy_pids)
        waiting = [asyncio.create_task(engine.score(job(), soon())) for _ in range(2)]
        await until_async(lambda: engine.queued == 2)
        with pytest.raises(Overloaded):
            await engine.score(job(), soon())
        assert [code(await cells) for cells in (running, *waiting)] == ["time_limit_exceeded"] + [
            "scored"
        ] * 2


async def test_a_job_that_is_too_large_to_be_sent_costs_no_process() -> None:
    async with pool() as (engine, _):
        first = engine.pids
        assert code(await engine.score(text_job("x" * (MAX_FRAME_BYTES + 1)), soon())) == "unencodable"
        assert code(await engine.score(job(), soon())) == "scored"
        assert engine.pids == first


async def test_a_job_that_waited_too_long_is_not_begun() -> None:
    clock = FakeClock()
    async with pool(time_limit_s=0.5) as (engine, metrics):
        running = asyncio.create_task(engine.score(job(delay_s=50), soon()))
        await until_async(lambda: engine.busy_pids)
        waiting = asyncio.create_task(engine.score(job(delay_s=50), Deadline.after(1, clock)))
        await until_async(lambda: engine.queued)
        clock.advance(2)
        await running
        assert code(await waiting) == "deadline_exceeded"
        assert metrics.value(JOBS, "expired") == 1


async def test_a_job_nobody_waits_for_any_more_is_not_begun() -> None:
    async with pool(time_limit_s=0.5) as (engine, metrics):
        running = asyncio.create_task(engine.score(job(delay_s=50), soon()))
        await until_async(lambda: engine.busy_pids)
        waiting = asyncio.create_task(engine.score(job(), soon()))
        await until_async(lambda: engine.queued)
        waiting.cancel()
        await running
        assert code(await engine.score(job(), soon())) == "scored"
        assert metrics.value(JOBS, "done") == 1


@pytest.mark.parametrize("options", [{"max_jobs_per_process": 2}, {"max_resident_bytes": 1}])
async def test_worn_processes_are_replaced(options: dict[str, Any]) -> None:
    async with pool(**options) as (engine, metrics):
        first = engine.pids
        for _ in range(4):
            assert code(await engine.score(job(), soon())) == "scored"
        await until_async(lambda: metrics.value(WORKERS) == 1 and engine.pids != first)
        assert metrics.value(REPLACEMENTS, "recycled") >= 2
        await until_async(lambda: not any(is_running(pid) for pid in first))


async def test_accepted_jobs_are_finished_before_the_end() -> None:
    async with pool() as (engine, _):
        asked = [asyncio.create_task(engine.score(job(delay_s=0.05, rev_id=n), soon())) for n in (1, 2, 3)]
        await until_async(lambda: engine.busy_pids)
        await engine.aclose()
        assert [code(cells) for cells in await asyncio.gather(*asked)] == ["scored"] * 3
        assert code(await engine.score(job(), soon())) == "engine_unavailable"


async def test_no_process_is_left_after_the_end() -> None:
    async with pool(processes=2) as (engine, _):
        pids = [*engine.pids, engine.nursery_pid]
    assert not [pid for pid in pids if pid is not None and is_running(pid)]


def test_no_process_outlives_a_killed_server() -> None:
    code = (
        "import asyncio, sys\n"
        f"sys.path[:] = {sys.path!r}\n"
        "from small_models import small_models\n"
        "from assay.clock import Deadline, SystemClock\n"
        "from assay.scoring.pool.nursery_handle import Loader\n"
        "from assay.scoring.pool.engine import *\n"
        "from assay.scoring.request import Job\n"
        "from assay.scoring.synthetic import synthetic_revision\n"
        "from assay.telemetry import Metrics\n"
        "async def main():\n"
        "    loader = Loader('small_models:small_models')\n"
        "    engine = PoolEngine(PoolOptions(processes=2), loader, small_models().digests, Metrics())\n"
        "    await engine.start()\n"
        "    job = Job('testwiki', ('revid',), synthetic_revision(1), {'feature.delay': 50})\n"
        "    asked = asyncio.create_task(engine.score(job, Deadline.after(60, SystemClock())))\n"
        "    while not engine.busy_pids: await asyncio.sleep(0.001)\n"
        "    print(engine.nursery_pid, *engine.pids, flush=True)\n"
        "    await asked\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        handles = [os.pidfd_open(int(pid)) for pid in server.stdout.readline().split()]
        server.kill()
        server.wait()
    assert len(handles) == 3
    for handle in handles:  # a pidfd becomes readable when its process ends
        readable, _, _ = select.select([handle], [], [], 30)
        os.close(handle)
        assert readable


@pytest.mark.parametrize(
    ("loader", "digests", "reason"),
    [
        (Loader("small_models:no_such_function"), DIGESTS, "no_such_function"),
        (Loader("no_such_module:load"), DIGESTS, "no_such_module"),
        (LOADER, {**DIGESTS, "testwiki/revid": "another"}, "restart"),
    ],
)
async def test_an_engine_that_cannot_load_the_same_models_says_why(
    loader: Loader, digests: dict[str, str], reason: str
) -> None:
    engine = PoolEngine(PoolOptions(processes=1), loader, digests, Metrics())
    with pytest.raises(EngineFailed, match=reason):
        await engine.start()
    await engine.aclose()


@pytest.mark.parametrize(
    ("loader", "reason"),
    [
        (
            Loader("scoring.held:models_without_forks", {"path": "/"}),
            "gives no further process .*unavailable",
        ),
        (Loader("scoring.held:models_that_die_at_a_fork"), "did not start: .*the nursery is gone"),
    ],
)
async def test_an_engine_whose_processes_cannot_be_forked_says_why(loader: Loader, reason: str) -> None:
    engine = PoolEngine(PoolOptions(processes=1), loader, DIGESTS, Metrics())
    with pytest.raises(EngineFailed, match=reason):
        await engine.start()
    await engine.aclose()


async def test_a_value_that_cannot_be_sent_costs_its_own_job() -> None:
    async with pool() as (engine, _):
        assert code(await engine.score(text_job("\ud800"), soon())) == "unencodable"
        assert code(await engine.score(text_job("fine"), soon())) == "scored"


@pytest.mark.parametrize("nothing", [{"processes": 0}, {"queue_jobs": 0}, {"time_limit_s": 0.0}])
def test_a_pool_in_which_nothing_could_be_done_is_refused(nothing: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="at least one process, one queue place and some time"):
        PoolEngine(PoolOptions(**nothing), LOADER, DIGESTS, Metrics())
    PoolEngine(PoolOptions(processes=1, queue_jobs=1, time_limit_s=0.001), LOADER, DIGESTS, Metrics())
