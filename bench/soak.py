"""A long run under load while processes are killed at random: is an answer lost or wrong, does memory grow?

``python bench/soak.py --minutes 10 --seed 1``. Every few seconds one thing is done: a scoring process, a
worker or a web process is killed (a supervisor's part, beginning it again, is done here), Redis is
restarted empty, or, once in the run, away for 30 s. All on the loopback. At the end a table says how much
memory (PSS) each process that lived for a minute gained, as a slope over the last two thirds of its life.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from sys import path

path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from cluster.small_cluster import Cluster, small_cluster
from servers.processes import proportional_bytes
from servers.proxy import HEALTHY, Behaviour

SAMPLE_S = 2.0
PAUSE_S = (4.0, 12.0)
AWAY_S = 30.0
SHORTEST_S = 60.0
"""Of a life whose slope means something."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=10.0, help="requests a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calm", action="store_true", help="kill nothing: only measure memory")
    arguments = parser.parse_args()
    memory = Memory()
    with (
        tempfile.TemporaryDirectory(prefix="assay-soak-") as folder,
        small_cluster(Path(folder)) as cluster,
        cluster.load().running(arguments.rate) as load,
    ):
        chances = random.Random(arguments.seed)
        begun_s = time.monotonic()
        end_s = begun_s + arguments.minutes * 60
        away_s = begun_s + arguments.minutes * 30
        done: dict[str, int] = defaultdict(int)
        while time.monotonic() < end_s:
            memory.watch(cluster, chances.uniform(*PAUSE_S))
            if arguments.calm:
                continue
            do = chances.choice(KILLS)
            if time.monotonic() > away_s:
                do, away_s = redis_away, float("inf")
            do(cluster, chances)
            done[do.__name__] += 1
        cluster.until_whole()
        recovered_s = load.until_normal(time.monotonic())
    tally = load.tally
    print(f"done: {dict(done)}")
    print(
        f"{len(tally.answered)} answers, {len(tally.lost)} lost, {len(tally.wrong)} wrong; "
        f"attempts repeated: {dict(tally.told)}; as before {recovered_s:.1f} s after the end"
    )
    for fault in [*tally.lost, *tally.wrong][:20]:
        print(f"  {fault}")
    memory.report()
    return 1 if tally.lost or tally.wrong else 0


def scoring_process_killed(cluster: Cluster, chances: random.Random) -> None:
    worker = chances.choice([*cluster.workers.values()])
    if children := worker.children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(children[-1], signal.SIGKILL)


def worker_killed(cluster: Cluster, chances: random.Random) -> None:
    worker = chances.choice([*cluster.workers.values()])
    if worker.is_running:
        worker.kill()
    worker.restart()


def web_killed(cluster: Cluster, chances: random.Random) -> None:
    web = chances.choice([*cluster.webs.values()])
    if web.is_running:
        web.kill()
    web.restart()


def redis_restarted(cluster: Cluster, chances: random.Random) -> None:  # noqa: ARG001 - one of the kills
    cluster.redis.restart()


def redis_away(cluster: Cluster, chances: random.Random) -> None:  # noqa: ARG001 - as above
    cluster.proxy.behave(Behaviour(is_refusing=True))
    cluster.proxy.cut()
    time.sleep(AWAY_S)
    cluster.proxy.behave(HEALTHY)


KILLS: tuple[Callable[[Cluster, random.Random], None], ...] = (
    scoring_process_killed,
    scoring_process_killed,
    worker_killed,
    web_killed,
    redis_restarted,
)


class Memory:
    """Samples of every process of the cluster, by role and process id."""

    def __init__(self) -> None:
        self._samples: dict[tuple[str, int], list[tuple[float, int]]] = defaultdict(list)

    def watch(self, cluster: Cluster, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            for process in (*cluster.webs.values(), *cluster.workers.values()):
                if process.is_running:
                    self._sample(process.name, process.pid)
                    for child in process.children():
                        self._sample(f"{process.name}, child", child)
            time.sleep(min(SAMPLE_S, max(0.0, end_s - time.monotonic())))

    def report(self) -> None:
        print("| process | life s | first MB | last MB | slope MB/hour |\n| --- | --- | --- | --- | --- |")
        for (name, _), samples in sorted(self._samples.items()):
            life_s = samples[-1][0] - samples[0][0]
            if life_s >= SHORTEST_S:
                first, last = samples[0][1] / 2**20, samples[-1][1] / 2**20
                print(f"| {name} | {life_s:.0f} | {first:.1f} | {last:.1f} | {_slope(samples):+.1f} |")

    def _sample(self, name: str, pid: int) -> None:
        with contextlib.suppress(OSError, ValueError):  # it has just ended
            self._samples[name, pid].append((time.monotonic(), proportional_bytes(pid)))


def _slope(samples: list[tuple[float, int]]) -> float:
    """MB an hour, by least squares, without the first third of the life, in which caches fill."""
    times, sizes = zip(*samples[len(samples) // 3 :], strict=True)
    return statistics.linear_regression(times, sizes).slope * 3600 / 2**20


if __name__ == "__main__":
    raise SystemExit(main())
