"""What engines cost beside the computation itself: the first half of `bench.serving`.

``PYTHONPATH=tests python -m bench.engines`` prints the table of their own CPU time alone, in half a minute.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any, Final

import uvloop
from bench.extraction import sample
from bench.probe import cpu_s, memory_mib, table

from assay.clock import Deadline, SystemClock
from assay.compose.bundles import choose
from assay.compose.models import load_chosen
from assay.scoring.codec import encode_job
from assay.scoring.engine import Engine
from assay.scoring.options import PoolOptions
from assay.scoring.pool.engine import PoolEngine
from assay.scoring.pool.loading import bundle_loader
from assay.scoring.queue.envelope import compress, queue_name
from assay.scoring.queue.lanes import attended_key
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import TEST_WIKI, synthetic_revision
from assay.settings import Settings
from assay.telemetry import Metrics
from servers.celery_worker import START_LIMIT_S, celery_engine
from servers.processes import ASSAY, Process
from servers.processes import running as process_running
from servers.redis import RedisServer
from servers.redis import running as redis_running

ROUNDS: Final = 3
CHOICE: Final = choose(Settings())
MODELS: Final = load_chosen(CHOICE, with_trees=True)
ONE: Final = ("damaging",)
TWO: Final = ("damaging", "goodfaith")
JOBS: Final = 50
"""Jobs of one round."""


# -- the computation alone -------------------------------------------------------------------------------

PLANS: Final = PlanCache()


def compute_ms(job: Job) -> float:
    started_s = time.thread_time()
    compute(job, MODELS.of(job.wiki), PLANS)
    return 1e3 * (time.thread_time() - started_s)


def computing(jobs: dict[str, list[Job]]) -> None:
    rows = []
    for size, ones in jobs.items():
        pairs = [_one_and_two_ms(job, Job(job.wiki, TWO, job.revision)) for job in ones]
        rows.append((size, *map(median, zip(*pairs, strict=True)), median(two / one for one, two in pairs)))
    table("Two models in one job", ("text", "damaging, ms", "damaging and goodfaith, ms", "ratio"), rows)
    _one_score_and_explanation(jobs["20 kB"][0])


def _one_and_two_ms(one: Job, two: Job) -> tuple[float, float]:
    """In turns, after one turn that fills the memos."""
    _, *turns = [(compute_ms(one), compute_ms(two)) for _ in range(ROUNDS + 1)]
    return median(first for first, _ in turns), median(second for _, second in turns)


def _one_score_and_explanation(job: Job) -> None:
    model = MODELS.of(job.wiki)["damaging"]
    row = PLANS.prepare([model], ()).plan.run(job.revision).row(model.features)
    assert isinstance(row, list)
    rows = [
        (what, 1e3 * median(_process_s(run, row) for _ in range(50)))
        for what, run in (("one score", model.score), ("one explanation (exact SHAP)", model.explain))
    ]
    table("The damaging model's trees, given features", ("what", "ms"), rows)


def _process_s(run: Callable[[Any], Any], row: Any) -> float:
    """All threads: the library may have some of its own."""
    started_s = time.process_time()
    run(row)
    return time.process_time() - started_s


# -- engines ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rig:
    """An engine of this process, which stands for the web process. `parts`: other processes by their role."""

    engine: Engine
    parts: dict[str, list[int]] = field(default_factory=dict)

    @property
    def scoring(self) -> list[int]:
        return self.parts["scoring"]

    async def run(self, jobs: Iterable[Job], at_once: int) -> None:
        """Anything but scores ends the measurement."""
        waiting = iter(jobs)

        async def work() -> None:
            for job in waiting:
                cells = await self.engine.score(job, Deadline.after(120, SystemClock()))
                if not all(isinstance(cell, Scored) for cell in cells.values()):
                    raise SystemExit(f"revision {job.revision.id} was not scored: {cells}")

        await asyncio.gather(*(work() for _ in range(at_once)))

    async def cost(self, jobs: Sequence[Job], at_once: int) -> dict[str, float]:
        """CPU milliseconds for each job, by role."""
        before = self._cpu_s()
        await self.run(jobs, at_once)
        return {role: 1e3 * (spent - before[role]) / len(jobs) for role, spent in self._cpu_s().items()}

    def _cpu_s(self) -> dict[str, float]:
        return {"web": time.process_time(), **{role: cpu_s(pids) for role, pids in self.parts.items()}}


@asynccontextmanager
async def pool(processes: int) -> AsyncIterator[Rig]:
    loader = bundle_loader(CHOICE.paths, CHOICE.borrowed)
    engine = PoolEngine(PoolOptions(processes), loader, MODELS.digests, Metrics())
    await engine.start()
    assert engine.nursery_pid is not None
    try:
        yield Rig(engine, {"main": [engine.nursery_pid], "scoring": list(engine.pids)})
    finally:
        await engine.aclose()


@asynccontextmanager
async def celery(processes: int, redis: RedisServer, folder: Path) -> AsyncIterator[Rig]:
    release = f"bench-{processes}"
    worker = worker_process(release, processes, redis, folder)
    with process_running(worker), redis.client() as client:
        worker.until(
            lambda: bool(client.exists(attended_key(queue_name(release, "interactive")))), START_LIMIT_S
        )
        engine = celery_engine(redis.url, MODELS, Metrics(), release=release)
        await engine.start()
        try:
            await Rig(engine).run([Job(TEST_WIKI, ("revid",), synthetic_revision(1))], 1)
            parts = {"main": [worker.pid], "scoring": worker.children(), "redis": [redis.pid]}
            yield Rig(engine, parts)
        finally:
            await engine.aclose()


def worker_process(release: str, processes: int, redis: RedisServer, folder: Path, *more: str) -> Process:
    command = [*ASSAY, "worker", "--redis", redis.url, "--release", release, "--processes", str(processes)]
    return Process(f"worker-{release}", [*command, *more], folder, {})


async def memory(jobs: Sequence[Job], redis: RedisServer, folder: Path) -> None:
    """Parent and forks, each fork having scored real edits."""
    makers: dict[str, Callable[[int], Any]] = {"pool": pool, "celery": lambda n: celery(n, redis, folder)}
    rows = []
    for name, make in makers.items():
        used = {}
        for processes in (1, 2, 4):
            async with make(processes) as rig:
                await _all_busy(rig, jobs)
                used[processes] = memory_mib([*rig.parts["main"], *rig.scoring])
        further = (used[4] - used[1]) / 3
        rows.append((name, *used.values(), further, f"{further / used[1]:.1%}"))
    columns = ("engine", "main + 1, MiB", "main + 2", "main + 4", "each further", "of the first's")
    table("Memory (PSS) after each scoring process has scored", columns, rows)


async def _all_busy(rig: Rig, jobs: Sequence[Job]) -> None:
    """Until each scoring process has worked on several edits."""
    before_s = {pid: cpu_s([pid]) for pid in rig.scoring}
    for _ in range(20):
        await rig.run(jobs, 2 * len(rig.scoring))
        if all(cpu_s([pid]) - spent_s > 0.1 for pid, spent_s in before_s.items()):
            return
    raise SystemExit("a scoring process was given nothing to do")


async def engines(jobs: dict[str, list[Job]], redis: RedisServer, folder: Path) -> None:
    async with AsyncExitStack() as stack:
        pools = {n: await stack.enter_async_context(pool(n)) for n in (1, 2)}
        queues = {n: await stack.enter_async_context(celery(n, redis, folder)) for n in (1, 2)}
        rigs = {"pool": pools[1], "celery": queues[1]}
        await own_cost(jobs, rigs)
        await cold(jobs, rigs)
        await two_processes(jobs["20 kB"], {"pool": pools, "celery": queues})
    bytes_of_jobs(jobs)


async def own_cost(jobs: dict[str, list[Job]], rigs: dict[str, Rig]) -> None:
    """With a model that costs microseconds, so that nothing large has to be subtracted."""
    rows = []
    for size, edits in jobs.items():
        cheap = [Job(TEST_WIKI, ("revid",), job.revision) for job in edits]
        work_ms = await asyncio.to_thread(_mean_ms, cheap)
        for name, rig in rigs.items():
            for at_once in (1, 50):
                asked = [*islice(cycle(cheap), JOBS)]
                spent = await _median_cost(rig, asked, at_once)
                own = {**spent, "scoring": spent["scoring"] - work_ms}
                redis_ms = own.pop("redis", None)
                shown = [own["web"], own["main"], own["scoring"], sum(own.values())]
                rows.append((name, size, at_once, *shown, "" if redis_ms is None else redis_ms))
    columns = ("engine", "text", "at once", "web, ms", "main", "scoring", "sum", "redis beside it")
    table("An engine's own CPU time for one job, without the computation", columns, rows)


async def _median_cost(rig: Rig, jobs: Sequence[Job], at_once: int) -> dict[str, float]:
    await rig.run(jobs[:at_once], at_once)
    rounds = [await rig.cost(jobs, at_once) for _ in range(ROUNDS)]
    return {role: median(spent[role] for spent in rounds) for role in rounds[0]}


async def cold(jobs: dict[str, list[Job]], rigs: dict[str, Rig]) -> None:
    rows = []
    for size, edits in jobs.items():
        alone_ms = await asyncio.to_thread(_mean_ms, edits)  # beside the loop, which has to hear Redis
        whole = []
        for rig in rigs.values():
            spent = await _median_cost(rig, edits, 4)
            whole.append(sum(spent.values()))
        rows.append((size, alone_ms, *whole, *(1e3 / ms for ms in (alone_ms, *whole))))
    columns = ("text", "compute, ms", "pool", "celery", "compute, 1/s and core", "pool", "celery")
    table("Revisions computed (damaging), CPU of all processes, Redis included", columns, rows)


def _mean_ms(jobs: Sequence[Job]) -> float:
    """Of all jobs, as an engine's cost is, not of the middle one."""
    return median(sum(map(compute_ms, jobs)) / len(jobs) for _ in range(ROUNDS))


async def two_processes(jobs: Sequence[Job], rigs: dict[str, dict[int, Rig]]) -> None:
    rows = []
    for name, sizes in rigs.items():
        rates: dict[int, list[float]] = {n: [] for n in sizes}
        for _ in range(ROUNDS):
            for n, rig in sizes.items():
                started_s = time.perf_counter()
                await rig.run([*jobs, *jobs], 8)
                rates[n].append(2 * len(jobs) / (time.perf_counter() - started_s))
        ratio = median(two / one for one, two in zip(rates[1], rates[2], strict=True))
        rows.append((name, median(rates[1]), median(rates[2]), ratio))
    columns = ("engine", "one process, 1/s", "two", "ratio")
    table("From one scoring process to two, 20 kB; the load shares the two cores", columns, rows)


async def _own_cost_alone() -> None:
    jobs = {size: [Job(TEST_WIKI, ONE, edit) for edit in edits] for size, edits in sample().items()}
    with tempfile.TemporaryDirectory() as name, redis_running() as redis:
        async with pool(1) as in_pool, celery(1, redis, Path(name)) as over_queue:
            await own_cost(jobs, {"pool": in_pool, "celery": over_queue})


def bytes_of_jobs(jobs: dict[str, list[Job]]) -> None:
    rows = [
        (size, *(median(len(pack(job)) / 1024 for job in edits) for pack in (encode_job, _packed)))
        for size, edits in jobs.items()
    ]
    table("One job on its way", ("text", "encoded, KiB", "compressed, for the queue"), rows)


def _packed(job: Job) -> bytes:
    return compress(encode_job(job))


if __name__ == "__main__":
    uvloop.run(_own_cost_alone())
