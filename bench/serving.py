"""What serving costs: many models, many processes, cached and computed answers, both engines side by side.

``PYTHONPATH=tests python -m bench.serving``: real edits of about 2, 20 and 100 kB (as in
`bench.extraction`) for the engines, the sample wiki behind a stand-in for MediaWiki's API for HTTP.

Costs are CPU time of all processes that took part, read from the kernel in nanoseconds, because other
work on the machine changes these little; "per second and core" is one second divided by them. Only
latencies, starts and the throughput of two processes are times on the wall. Medians of `ROUNDS` rounds, in
which the things that are compared take turns.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import aiohttp
import uvloop
from bench.extraction import DATA, sample

from assay.clock import Deadline, SystemClock
from assay.compose.bundles import SAMPLE_WIKI, choose
from assay.scoring.codec import encode_job
from assay.scoring.engine import Engine
from assay.scoring.loading import bundle_loader
from assay.scoring.pool import PoolEngine, PoolOptions
from assay.scoring.queue.envelope import compress
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.warming import warm
from assay.scoring.wikis import TEST_WIKI
from assay.settings import Settings
from assay.telemetry import Metrics
from servers.celery_worker import celery_engine
from servers.processes import ASSAY, Process, children
from servers.processes import running as process_running
from servers.redis import RedisServer, free_port
from servers.redis import running as redis_running
from servers.wiki_api import STRIDE, WikiProcess, sample_wiki

ROUNDS: Final = 3
READY_LIMIT_S: Final = 60.0
CHOICE: Final = choose(Settings())
MODELS: Final = CHOICE.load(with_trees=True)
ONE: Final = ("damaging",)
TWO: Final = ("damaging", "goodfaith")
JOBS: Final = 50
"""Jobs of one round."""
REQUESTS: Final = 500
"""Cached answers of one round."""
COLD_REQUESTS: Final = 40
"""Computed answers of one round."""
CONNECTIONS: Final = 8


def main() -> int:
    if not DATA.exists():
        print(f"needs the real data in {DATA}, which is not beside this checkout", file=sys.stderr)
        return 1
    jobs = {size: [Job(SAMPLE_WIKI, ONE, edit) for edit in edits] for size, edits in sample().items()}
    warm(MODELS, PLANS)
    gc.collect()
    gc.freeze()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    uvloop.run(_measure(jobs))
    return 0


async def _measure(jobs: dict[str, list[Job]]) -> None:
    computing(jobs)
    with tempfile.TemporaryDirectory() as name, redis_running() as redis:
        folder = Path(name)
        await memory(jobs["20 kB"], redis, folder)
        await engines(jobs, redis, folder)
        with sample_wiki(folder) as wiki:
            await serving(wiki, redis, folder)
            await starts(folder, redis)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """As Markdown, at once, so that a run that is broken off has told something."""
    print(f"\n### {title}\n")
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(map(_shown, row))} |", flush=True)


def _shown(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


# -- what the kernel tells -------------------------------------------------------------------------------


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds of all threads of these processes since they began."""
    files = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def memory_mib(family: Iterable[int]) -> float:
    """Proportional set size of a parent and its forks, as if nothing else ran on the machine.

    Of files (libraries), which other programs may have mapped too, the family counts one whole copy.
    """
    rollups = [_rollup_kib(pid) for pid in family]
    files_kib = max(rollup["Rss"] - rollup["Anonymous"] for rollup in rollups)
    return (sum(rollup["Pss_Anon"] for rollup in rollups) + files_kib) / 1024


def _rollup_kib(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}


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
    with process_running(worker):
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


def bytes_of_jobs(jobs: dict[str, list[Job]]) -> None:
    rows = [
        (size, *(median(len(pack(job)) / 1024 for job in edits) for pack in (encode_job, _packed)))
        for size, edits in jobs.items()
    ]
    table("One job on its way", ("text", "encoded, KiB", "compressed, for the queue"), rows)


def _packed(job: Job) -> bytes:
    return compress(encode_job(job))


# -- HTTP ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """A running server. `parts`: processes by role, now."""

    url: str
    session: aiohttp.ClientSession
    parts: Callable[[], dict[str, list[int]]]

    async def get(self, rev_id: int, models: Sequence[str]) -> bytes:
        address = f"{self.url}/v3/scores/{SAMPLE_WIKI}/?revids={rev_id}&models={'|'.join(models)}"
        async with self.session.get(address) as answer:
            return await answer.read()

    async def ask(self, rev_id: int, models: Sequence[str]) -> float:
        """Milliseconds until the whole answer; anything but scores ends the measurement."""
        started_s = time.perf_counter()
        body = await self.get(rev_id, models)
        elapsed_ms = 1e3 * (time.perf_counter() - started_s)
        if not are_scores(body, models):
            raise SystemExit(f"revision {rev_id} was not scored: {body[:500]!r}")
        return elapsed_ms

    async def ask_all(self, rev_ids: Iterable[int], models: Sequence[str], at_once: int) -> list[float]:
        waiting = iter(rev_ids)

        async def work() -> list[float]:
            return [await self.ask(rev_id, models) for rev_id in waiting]

        return [ms for times_ms in await asyncio.gather(*(work() for _ in range(at_once))) for ms in times_ms]

    async def cost(
        self, rev_ids: Sequence[int], models: Sequence[str], at_once: int = 1
    ) -> tuple[list[float], dict[str, float]]:
        """Latencies, and CPU milliseconds of one request by role."""
        before = self._cpu_s()
        times_ms = await self.ask_all(rev_ids, models, at_once)
        return times_ms, {
            role: 1e3 * (spent - before[role]) / len(rev_ids) for role, spent in self._cpu_s().items()
        }

    def _cpu_s(self) -> dict[str, float]:
        return {role: cpu_s(pids) for role, pids in self.parts().items()}

    async def ready(self) -> None:
        deadline_s = time.monotonic() + READY_LIMIT_S
        while not await self._is_ready():
            if time.monotonic() > deadline_s:
                raise SystemExit(f"{self.url} is not ready after {READY_LIMIT_S:g} s")
            await asyncio.sleep(0.02)

    async def _is_ready(self) -> bool:
        try:
            async with self.session.get(f"{self.url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


def are_scores(body: bytes, models: Sequence[str]) -> bool:
    return body.count(b'"prediction"') == len(models)


async def scorable(site: Site, wiki: WikiProcess) -> list[int]:
    """The sample wiki also holds pages that are no wikitext."""
    return [rev_id for rev_id in wiki.rev_ids if are_scores(await site.get(rev_id, ONE), ONE)]


@contextmanager
def serve(folder: Path, session: aiohttp.ClientSession, *source: str) -> Iterator[Site]:
    port = free_port()
    command = [*ASSAY, "serve", *source, "--port", str(port), "--processes", "1"]
    with process_running(Process("serve", command, folder, {})) as server:

        def parts() -> dict[str, list[int]]:
            nursery = server.children()
            return {
                "web": [server.pid],
                "engine": [*nursery, *(pid for one in nursery for pid in children(one))],
            }

        yield Site(f"http://127.0.0.1:{port}", session, parts)


@contextmanager
def cluster(folder: Path, session: aiohttp.ClientSession, redis: RedisServer, *source: str) -> Iterator[Site]:
    """One web process, and one worker of one process."""
    port = free_port()
    command = [*ASSAY, "web", *source, "--redis", redis.url, "--release", "bench", "--port", str(port)]
    worker = worker_process("bench", 1, redis, folder, *source)
    web = Process("web", command, folder, {})
    with process_running(worker), process_running(web):

        def parts() -> dict[str, list[int]]:
            return {"web": [web.pid], "engine": [worker.pid, *worker.children()], "redis": [redis.pid]}

        yield Site(f"http://127.0.0.1:{port}", session, parts)


async def serving(wiki: WikiProcess, redis: RedisServer, folder: Path) -> None:
    source = ("--wiki", f"{SAMPLE_WIKI}={wiki.url}", "--bundles", f"{SAMPLE_WIKI}=enwiki")
    async with aiohttp.ClientSession() as session:
        with serve(folder, session, *source) as alone, cluster(folder, session, redis, *source) as shared:
            sites = {"serve": alone, "web and worker": shared}
            for site in sites.values():
                await site.ready()
            rev_ids = await scorable(alone, wiki)
            fresh = (rev_id + STRIDE * turn for turn in count(1) for rev_id in rev_ids)
            for site in sites.values():
                await site.ask_all(islice(fresh, COLD_REQUESTS), TWO, 1)
            await warm_answers(sites, rev_ids)
            await cold_answers(sites, fresh)
            with redis.client() as client:
                await redis_load(client, shared, fresh)
            rows = [(name, memory_mib(site.parts()["web"])) for name, site in sites.items()]
            table("Memory of a web process after all this", ("server", "MiB"), rows)


async def warm_answers(sites: dict[str, Site], rev_ids: Sequence[int]) -> None:
    rows = []
    asked = [*islice(cycle(rev_ids), REQUESTS)]
    for name, site in sites.items():
        await site.ask_all(rev_ids, ONE, 4)
        for at_once in (1, CONNECTIONS):
            rounds = [await site.cost(asked, ONE, at_once) for _ in range(ROUNDS)]
            spent = {role: median(cost[role] for _, cost in rounds) for role in rounds[0][1]}
            percentiles = quantiles([ms for times_ms, _ in rounds for ms in times_ms], n=100)
            shown = (spent["web"], 1e3 / spent["web"], spent.get("redis", ""))
            rows.append((name, at_once, *shown, percentiles[49], percentiles[98]))
    columns = (
        "server",
        "connections",
        "web, ms CPU",
        "answers/s and core",
        "redis, ms",
        "p50, ms",
        "p99, ms",
    )
    table("Cached answers of one revision by one model, one web process", columns, rows)


async def cold_answers(sites: dict[str, Site], fresh: Iterator[int]) -> None:
    rows: list[Sequence[Any]] = []
    for name, site in sites.items():
        rounds: dict[Sequence[str], list[tuple[float, dict[str, float]]]] = {ONE: [], TWO: []}
        for _ in range(ROUNDS):
            for models, taken in rounds.items():
                times_ms, spent = await site.cost([*islice(fresh, COLD_REQUESTS)], models)
                taken.append((median(times_ms), spent))
        for models, taken in rounds.items():
            cpu = {role: median(spent[role] for _, spent in taken) for role in taken[0][1]}
            latency_ms = median(ms for ms, _ in taken)
            rows.append(
                (name, " and ".join(models), cpu["web"], cpu["engine"], cpu.get("redis", ""), latency_ms)
            )
        ratio = median(two / one for (one, _), (two, _) in zip(rounds[ONE], rounds[TWO], strict=True))
        rows.append((name, "ratio of the latencies", "", "", "", ratio))
    columns = ("server", "models", "web, ms CPU", "engine", "redis", "p50, ms")
    table("Computed answers of one small revision, fetched from an API on this machine", columns, rows)


async def redis_load(client: Any, site: Site, fresh: Iterator[int]) -> None:
    """What Redis does for a cluster: commands counted by itself."""
    rev_ids = [*islice(fresh, 4 * COLD_REQUESTS)]
    idle = await _commands(client, asyncio.sleep(3))
    computed = await _commands(client, site.ask_all(rev_ids, ONE, 4))
    cached = await _commands(client, site.ask_all(rev_ids, ONE, 4))
    requests = len(rev_ids)
    used = [(f"bytes of a key {kind}", size) for kind, size in _sizes(client).items()]
    rows = [
        ("commands for one cached answer", cached / requests),
        ("commands for one computed answer", computed / requests),
        ("commands a second while idle, one web process and one worker", idle / 3),
        *used,
    ]
    table("Redis", ("what", "figure"), rows)


async def _commands(client: Any, asking: Awaitable[Any]) -> float:
    before = int(client.info("stats")["total_commands_processed"])
    await asking
    return float(client.info("stats")["total_commands_processed"] - before)


def _sizes(client: Any) -> dict[str, float]:
    """Median memory of keys, by their names up to the first part with a digit."""
    kinds: dict[str, list[int]] = {}
    for key in client.scan_iter(count=1000):
        kind = re.sub(r":[^:]*[0-9].*", "", key.decode())
        kinds.setdefault(kind, []).append(client.memory_usage(key) or 0)
    return {kind: float(median(sizes)) for kind, sizes in sorted(kinds.items())}


async def starts(folder: Path, redis: RedisServer) -> None:
    """With the sample wiki, as ``make run`` does; the cluster's worker and web process begin together."""
    makers: dict[str, Callable[[aiohttp.ClientSession], Any]] = {
        "serve": lambda session: serve(folder, session),
        "web and worker": lambda session: cluster(folder, session, redis),
    }
    rows = []
    async with aiohttp.ClientSession() as session:
        for name, make in makers.items():
            times_s = []
            for _ in range(3):
                started_s = time.perf_counter()
                with make(session) as site:
                    await site.ready()
                    times_s.append(time.perf_counter() - started_s)
            rows.append((name, median(times_s)))
    table("Start until ready", ("server", "s"), rows)


if __name__ == "__main__":
    raise SystemExit(main())
