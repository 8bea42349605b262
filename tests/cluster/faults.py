"""Everything that is done to a cluster under load, by name: for the tests, and for the table in the docs.

Each fault breaks something, waits until that is felt, checks what is promised meanwhile, and mends what does
not mend itself (a supervisor would begin a killed process again). Whoever calls it checks that no answer was
lost or wrong, and that all is as before.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from assay.scoring.queue.envelope import taken_key
from assay.scoring.queue.marks import TAKEN_MARGIN_S
from cluster.small_cluster import REQUEST_TIMEOUT_S, START_LIMIT_S, TIME_LIMIT_S, Cluster
from cluster.steady import Load
from servers.processes import Process, is_running
from servers.proxy import HEALTHY, Behaviour
from waiting import until

Do = Callable[[Cluster, Load], None]
_FELT: Final = 20
"""Refusals, or spoilt answers, after which a fault has lasted longer than every grace period here. What
happens to a queue that is away for 30 s is no other thing: bench/soak.py does that."""
_slow_ids: Final = itertools.count(1_000_031, 100)
"""All with the score 0.13, and none twice, for the second answer would come from the cache."""


def redis_restarted(cluster: Cluster, load: Load) -> None:
    """Killed and begun anew with nothing in it: queues, replies, scores and claims are gone."""
    cluster.redis.restart()


def redis_gone(cluster: Cluster, load: Load) -> None:
    """Connections are cut and refused for a while."""
    cluster.proxy.behave(Behaviour(is_refusing=True))
    cluster.proxy.cut()
    load.until_told("503", _FELT)
    cluster.proxy.behave(HEALTHY)


def redis_frozen(cluster: Cluster, load: Load) -> None:
    """Connections stay, nothing is answered: the time limits must end it."""
    cluster.redis.freeze()
    try:
        load.until_told("503", _FELT)
    finally:
        cluster.redis.thaw()


def redis_full(cluster: Cluster, load: Load) -> None:
    """It answers, and refuses every write."""
    with cluster.redis.client() as client:
        client.config_set("maxmemory", "1")
        load.until_told("503", _FELT)
        client.config_set("maxmemory", "0")


def redis_slow(cluster: Cluster, load: Load) -> None:
    """Every packet takes 20 ms in each direction; nothing need be refused."""
    cluster.proxy.behave(Behaviour(delay_s=0.02))
    load.until_answered(4 * _FELT)
    cluster.proxy.behave(HEALTHY)


def redis_resets(cluster: Cluster, load: Load) -> None:
    """Connections are reset in the middle of an answer, again and again."""
    for size in (1, 7, 100):
        cluster.proxy.behave(Behaviour(reset_after_bytes=size))
        until(lambda: cluster.proxy.resets >= 10, START_LIMIT_S)
    cluster.proxy.behave(HEALTHY)


def redis_password_changed(cluster: Cluster, load: Load) -> None:
    """Nobody can log in for a while."""
    with cluster.redis.client() as client:
        client.config_set("requirepass", "another")
        cluster.proxy.cut()
        load.until_told("503", _FELT)
        client.config_set("requirepass", "")


def scoring_process_killed(cluster: Cluster, load: Load) -> None:
    """kill -9 of a worker's child while it works: its job costs one retry."""
    with _working(cluster, delay_s=2.5) as (worker, answer):
        os.kill(worker.children()[-1], signal.SIGKILL)
        _check_score(answer)


def worker_killed(cluster: Cluster, load: Load) -> None:
    """kill -9 of a worker's main process while its child works."""
    with _working(cluster, delay_s=2.5) as (worker, answer):
        children = worker.children()
        worker.kill()
        _check_score(answer)
    worker.restart()
    until(lambda: not any(is_running(pid) for pid in children), START_LIMIT_S)


def workers_all_gone(cluster: Cluster, load: Load) -> None:
    """And back. What waits longer than the queue may grow old is refused, the rest is kept."""
    for worker in cluster.workers.values():
        worker.end()
    load.until_told("503", _FELT)
    cluster.until_whole()


def web_killed(cluster: Cluster, load: Load) -> None:
    """Its clients' connections break; they ask the other one."""
    cluster.webs["web-1"].kill()
    load.until_told("ClientConnectorError", 5)
    cluster.until_whole()


def wiki_fault(kind: str, **options: float) -> Do:
    """The wiki's API fails until it is mended; the test wiki is scored all the time."""

    def do(cluster: Cluster, load: Load) -> None:
        before = cluster.wiki.spoilt
        cluster.wiki.fault(kind, **options)
        until(lambda: cluster.wiki.spoilt >= before + _FELT, START_LIMIT_S)
        cluster.wiki.mend()

    return do


def revision_for_ever(cluster: Cluster, load: Load) -> None:
    """Is told as such after the time limit, and costs nobody else an answer."""
    with ThreadPoolExecutor(1) as threads:
        cell = threads.submit(_ask, cluster.ports["web-1"], 60.0).result(START_LIMIT_S)
    assert cell["error"]["message"] == f"Timed out after {TIME_LIMIT_S:g} seconds."


def bundle_altered(cluster: Cluster, load: Load) -> None:
    """Processes that run keep answering; one that starts says what is wrong and does not serve."""
    tree = cluster.bundles / "enwiki" / "damaging"
    kept = shutil.copytree(tree, cluster.folder / "kept")
    try:
        largest = max(
            (path for path in tree.iterdir() if path.is_file()), key=lambda path: path.stat().st_size
        )
        with largest.open("r+b") as file:
            file.write(b"altered")
        _refuses_to_start(cluster, load, "enwiki/damaging")
        shutil.rmtree(tree)
        largest.parent.mkdir()
        shutil.copy(kept / "manifest.json", tree)
        _refuses_to_start(cluster, load, "enwiki/damaging")
    finally:
        shutil.rmtree(tree)
        shutil.move(kept, tree)
    cluster.until_whole()


def worker_terminated(cluster: Cluster, load: Load) -> None:
    """SIGTERM to a worker at work: what it began is answered by it, and nobody notices."""
    with _working(cluster, delay_s=2.5) as (worker, answer):
        worker.terminate()
        _check_score(answer)
        assert worker.wait() == 0
    assert not load.tally.told
    cluster.until_whole()


def web_terminated(cluster: Cluster, load: Load) -> None:
    """SIGTERM to a web process: what it accepted is answered; new clients are refused their connection."""
    with _working(cluster, delay_s=2.5) as (_, answer):
        cluster.webs["web-1"].terminate()
        _check_score(answer)
        assert cluster.webs["web-1"].wait() == 0
    assert set(load.tally.told) <= {"ClientConnectorError"}
    cluster.until_whole()


FAULTS: Final[dict[str, Do]] = {
    "Redis restarted, empty": redis_restarted,
    "Redis gone for a while": redis_gone,
    "Redis frozen": redis_frozen,
    "Redis full": redis_full,
    "Redis slow": redis_slow,
    "Redis resets connections in mid-answer": redis_resets,
    "Redis has another password": redis_password_changed,
    "scoring process killed in mid-job": scoring_process_killed,
    "worker killed in mid-job": worker_killed,
    "all workers gone and back": workers_all_gone,
    "web process killed": web_killed,
    "wiki silent": wiki_fault("silent"),
    "wiki answers 429": wiki_fault("status", code=429, retry_after_s=1),
    "wiki answers 500": wiki_fault("status", code=500),
    "wiki answers rubbish": wiki_fault("rubbish"),
    "wiki answers half": wiki_fault("half"),
    "wiki breaks off": wiki_fault("cut"),
    "revision that takes for ever": revision_for_ever,
    "bundle altered and removed": bundle_altered,
    "worker told to end": worker_terminated,
    "web process told to end": web_terminated,
}


@dataclass(frozen=True)
class Figures:
    """Of one fault. `refused`: answers with 503, which the client obeyed. `repeated`: all attempts that had
    to be repeated. `recovery_s`: from the fault's end to answers as before."""

    fault: str
    answers: int
    lost: list[str]
    wrong: list[str]
    refused: int
    repeated: dict[str, int]
    recovery_s: float


def suffer(cluster: Cluster, name: str) -> Figures:
    """One fault under load, until all is as before. Raises when it is not within the clients' patience."""
    with cluster.load().running() as load:
        load.until_answered(10)
        FAULTS[name](cluster, load)
        recovery_s = load.until_normal(time.monotonic())
    tally = load.tally
    return Figures(
        name,
        len(tally.answered),
        tally.lost,
        tally.wrong,
        tally.told["503"],
        dict(tally.told),
        round(recovery_s, 1),
    )


@contextmanager
def _working(cluster: Cluster, delay_s: float) -> Iterator[tuple[Process, Future[Any]]]:
    """A worker that has just begun a job of that length, and the answer to come."""
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(_ask, cluster.ports["web-1"], delay_s)
        until(lambda: any(_at_work(cluster)), START_LIMIT_S, cluster.tails)
        yield next(_at_work(cluster)), answer


def _at_work(cluster: Cluster) -> Iterator[Process]:
    """Living workers with a long job; dead ones have left marks, too."""
    for taker in _long_at_work(cluster):
        yield from (one for one in cluster.workers.values() if f"-{one.pid}-" in taker)


def _long_at_work(cluster: Cluster) -> Iterator[str]:
    """The names of workers that have not replied to a job for a second: ordinary ones take 0.05."""
    with cluster.redis.client() as client:
        for key in client.keys(taken_key("*", 1)):
            age_s = REQUEST_TIMEOUT_S + TAKEN_MARGIN_S - client.pttl(key) / 1000
            taken = client.get(key)
            if taken is not None and age_s > 1.0:
                yield taken.decode()


def _ask(port: int, delay_s: float) -> Any:
    """The cell of a revision that takes so long."""
    rev_id = next(_slow_ids)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_LIMIT_S)
    try:
        connection.request("GET", f"/v3/scores/testwiki/{rev_id}/revid?feature.delay={delay_s}")
        document = json.load(connection.getresponse())
        return document["testwiki"]["scores"][str(rev_id)]["revid"]
    finally:
        connection.close()


def _check_score(answer: Future[Any]) -> None:
    cell = answer.result(START_LIMIT_S)
    assert cell["score"]["probability"]["true"] == 0.13, cell


def _refuses_to_start(cluster: Cluster, load: Load, told: str) -> None:
    worker = cluster.workers["worker-1"]
    if worker.is_running:
        worker.terminate()
        worker.wait()
    begun = len(worker.text())
    worker.restart()
    assert worker.wait(START_LIMIT_S) != 0
    assert told in worker.text()[begun:]
    assert "Traceback" not in worker.text()[begun:]
    load.until_answered(20)
