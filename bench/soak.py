"""A long run under load while processes are killed at random: is an answer lost or wrong, does memory grow?

``python bench/soak.py --minutes 10 --seed 1``. Every few seconds one thing is done: a scoring process, a
worker or a web process is killed (a supervisor's part, beginning it again, is done here), Redis is
restarted empty, or, once in the run, away for 30 s. All on the loopback. At the end a table says for each
role whether its memory grows (`growth`; resident pages that no file stands behind): *flat* is proved growth
of less than `LIMIT_BYTES` an answer, *grows* is proved growth of more, and a run that proves neither says
so. Exit status 1: an answer was lost or wrong, or memory grows.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from sys import path

path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from cluster.growth import WARM_UP_S, growth
from cluster.small_cluster import Cluster, small_cluster
from servers.processes import anonymous_bytes
from servers.proxy import HEALTHY, Behaviour

SAMPLE_S = 2.0
PROCESSES_OF_A_ROLE = 2
"""Web processes, workers, and their scoring processes at once."""
PAUSE_S = (4.0, 12.0)
AWAY_S = 30.0
LIMIT_BYTES = 512
"""Growth an answer that does not matter: 500 MB in a million answers of one process. Ten minutes at 10
answers a second can tell that much. A scoring process is replaced after 20 000 jobs anyway."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=10.0, help="requests a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--warm-up", type=float, default=WARM_UP_S, help="seconds of a life that do not count"
    )
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
    answers_a_s = len(tally.answered) / (arguments.minutes * 60) / PROCESSES_OF_A_ROLE
    grows = memory.report(arguments.warm_up, answers_a_s)
    return 1 if tally.lost or tally.wrong or grows else 0


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
                    role = "web process" if process in cluster.webs.values() else "worker, main process"
                    self._sample(role, process.pid)
                    for child in process.children():
                        self._sample("scoring process", child)
            time.sleep(min(SAMPLE_S, max(0.0, end_s - time.monotonic())))

    def report(self, warm_up_s: float, answers_a_s: float) -> bool:
        """Printed; whether any role grows. `answers_a_s`: of each process of a role."""
        print("| role | lives | hours | last MB | bytes an answer | 95 % interval | memory |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        found = set()
        for role in sorted({role for role, _ in self._samples}):
            lives = [samples for (name, _), samples in self._samples.items() if name == role]
            most = max(life[-1][1] for life in lives) / 2**20
            grown = growth(lives, warm_up_s)
            if grown is None:
                found.add("not decided")
                print(f"| {role} | 0 | 0 | {most:.0f} | | | not decided: none lived long enough |")
                continue
            verdict = grown.verdict(LIMIT_BYTES * answers_a_s)
            found.add(verdict)
            slope, low, high = (value / answers_a_s for value in (grown.slope, grown.low, grown.high))
            told = f"{grown.lives} | {grown.seconds / 3600:.2f} | {most:.0f}"
            print(f"| {role} | {told} | {slope:+.0f} | {low:+.0f} to {high:+.0f} | {verdict} |")
        said = (
            "grows"
            if "grows" in found
            else "is not decided: let it run longer"
            if "not decided" in found
            else "is flat"
        )
        print(f"memory {said} (within {LIMIT_BYTES} bytes an answer)")
        return "grows" in found

    def _sample(self, name: str, pid: int) -> None:
        with contextlib.suppress(OSError, ValueError):  # it has just ended
            size = anonymous_bytes(pid)
            self._samples[name, pid].append((time.monotonic(), size))


if __name__ == "__main__":
    raise SystemExit(main())
