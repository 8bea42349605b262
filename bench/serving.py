"""What serving costs: many models, many processes, cached and computed answers, both engines side by side.

``PYTHONPATH=tests python -m bench.serving``: real edits of about 2, 20 and 100 kB (as in
`bench.extraction`) for the engines, the sample wiki behind a stand-in for MediaWiki's API for HTTP. With
``model_info`` behind it: the table of `model_info` alone.

Costs are CPU time of all processes that took part, read from the kernel in nanoseconds, because other
work on the machine changes these little; "per second and core" is one second divided by them. Only
latencies, starts and the throughput of two processes are times on the wall. Medians of a few rounds, in
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
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, cycle, islice
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import aiohttp
import uvloop
from bench.engines import MODELS, ONE, PLANS, ROUNDS, TWO, computing, engines, memory, worker_process
from bench.extraction import DATA, sample
from bench.probe import cpu_s, memory_mib, table

from assay.compose.bundles import SAMPLE_WIKI
from assay.scoring.request import Job
from assay.scoring.warming import warm
from servers.processes import ASSAY, Process, children
from servers.processes import running as process_running
from servers.redis import RedisServer, free_port
from servers.redis import running as redis_running
from servers.wiki_api import STRIDE, WikiProcess, sample_wiki

READY_LIMIT_S: Final = 60.0
REQUESTS: Final = 500
"""Cached answers of one round."""
_QUERIES: Final = [
    f"statistics.thresholds.{label}.'maximum {target} @ {condition} >= {value}'"
    for label, target, condition, value in (
        ("false", "recall", "precision", 0.995),
        ("true", "filter_rate", "recall", 0.9),
        ("true", "recall", "precision", 0.6),
        ("true", "recall", "precision", 0.9),
    )
]
_HUNDRED: Final = [f"maximum recall @ precision >= 0.{part:02}" for part in range(100)]
MODEL_INFO: Final = {
    "four threshold queries": _QUERIES,
    "a query without a label": ["statistics.'maximum recall @ precision >= 0.15'"],
    "a hundred of a label": [f"statistics.thresholds.true.'{query}'" for query in _HUNDRED],
    "a hundred without a label": [f"statistics.'{query}'" for query in _HUNDRED],
    "one statistic": ["statistics.roc_auc"],
    "everything but the tables": [""],
    "a label's whole table": ["statistics.thresholds.true"],
}
COLD_REQUESTS: Final = 40
"""Computed answers of one round."""
CONNECTIONS: Final = 8


def main() -> int:
    if sys.argv[1:] == ["model_info"]:
        uvloop.run(_model_info_alone())
        return 0
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
            await model_info(alone)
            await warm_answers(sites, rev_ids)
            await cold_answers(sites, fresh)
            with redis.client() as client:
                await redis_load(client, shared, fresh)
            rows = [(name, memory_mib(site.parts()["web"])) for name, site in sites.items()]
            table("Memory of a web process after all this", ("server", "MiB"), rows)


async def _model_info_alone() -> None:
    with tempfile.TemporaryDirectory() as name:
        async with aiohttp.ClientSession() as session:
            with serve(Path(name), session) as site:
                await site.ready()
                await model_info(site)


async def model_info(site: Site) -> None:
    """What is told of models, as MediaWiki's extension asks for thresholds; the first answer reads files."""
    rows: list[Sequence[Any]] = []
    for name, paths in MODEL_INFO.items():
        asked = {"models": "damaging", "model_info": "|".join(paths)}
        before_s, times_ms = cpu_s(site.parts()["web"]), []
        for _ in range(REQUESTS):
            started_s = time.perf_counter()
            async with site.session.get(f"{site.url}/v3/scores/{SAMPLE_WIKI}/", params=asked) as answer:
                await answer.read()
                if answer.status != 200:
                    raise SystemExit(f"{name}: {answer.status}")
            times_ms.append(1e3 * (time.perf_counter() - started_s))
        spent_ms = 1e3 * (cpu_s(site.parts()["web"]) - before_s) / REQUESTS
        rows.append((name, spent_ms, times_ms[0], median(times_ms)))
    columns = ("asked", "web, ms CPU", "first, ms", "p50, ms")
    table("What is told of a model, one request at a time", columns, rows)


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
