"""The server as it runs in production: its own process, a pool or workers behind it, an orderly end."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
import orjson
import pytest
from starlette.types import Receive, Scope, Send

from assay.scoring.pool.nursery_handle import EngineFailed
from assay.serving.listener import listen
from assay.serving.options import ServerOptions
from assay.serving.server import serve
from servers.asgi import Served
from servers.celery_worker import small_worker
from servers.redis import running as running_redis
from small_app import Reply, ask, post_form

PROGRAM = f"""
import signal, sys
sys.path[:] = {sys.path!r}
from servers.celery_worker import celery_engine
from small_app import SmallApp
from small_models import small_models
from assay.scoring.pool.nursery_handle import Loader
from assay.scoring.pool.engine import PoolEngine
from assay.scoring.options import PoolOptions
from assay.scoring.queue.options import CeleryOptions
from assay.serving.listener import listen
from assay.serving.server import serve
from assay.serving.options import ServerOptions
from assay.telemetry import LogOptions, configure_logging

configure_logging(LogOptions())
app = SmallApp()
if len(sys.argv) > 1:
    options = CeleryOptions(time_limit_s=1.0, queue_jobs=60)
    app.engine = celery_engine(sys.argv[1], small_models(), app.metrics, options)
else:
    options = PoolOptions(processes=2, time_limit_s=1.0, queue_jobs=60)
    app.engine = PoolEngine(options, Loader("small_models:small_models"), small_models().digests, app.metrics)
listener = listen("127.0.0.1", 0, ServerOptions())
print(listener.getsockname()[1], flush=True)
web = app.build()
sys.exit(0 if serve(web.asgi, listener, ServerOptions(), web.draining) else 1)
"""


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[str]
    served: Served

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def started(*redis_url: str) -> Iterator[Running]:
    """`redis_url`: of the queue; a pool of its own without."""
    command = [sys.executable, "-c", PROGRAM, *redis_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Running(process, Served(int(process.stdout.readline())))
        finally:
            process.kill()


@pytest.fixture(scope="module", params=["pool", "celery"])
def queue(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The address of a queue with a worker; nothing for a pool."""
    if request.param == "pool":
        yield []
        return
    with running_redis() as redis, small_worker(redis.url, options={"time_limit_s": 1.0}, processes=2):
        yield [redis.url]


@pytest.fixture(scope="module")
def running(queue: list[str]) -> Iterator[Running]:
    with started(*queue) as server:
        yield server


def metric(served: Served, line: str) -> float:
    text = ask(served, "/metrics").body.decode()
    return sum(float(row.rpartition(" ")[2]) for row in text.splitlines() if row.startswith(line))


def children_of(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as listing:  # noqa: PTH123
        return [int(child) for child in listing.read().split()]


def test_faults_cost_their_own_cells_only(running: Running) -> None:
    served = running.served
    assert ask(served, "/readyz").json["ready"] is True
    assert "server" not in ask(served, "/livez").headers

    runaway = ask(served, "/v3/scores/testwiki/12?feature.delay=50&error_codes").json
    assert runaway["testwiki"]["scores"]["12"]["revid"]["error"] == {
        "type": "TimeoutError",
        "message": "Timed out after 1 seconds.",
        "code": "time_limit_exceeded",
        "retryable": False,
    }
    crash = urlencode({"datasource.revision.text": '"CRASH"', "error_codes": ""}).encode()
    cells = post_form(served, "/v3/scores/smallwiki/12/damaging", crash).json["smallwiki"]["scores"]["12"]
    assert cells["damaging"]["error"]["code"] == "engine_crashed"
    assert ask(served, "/v3/scores/smallwiki?revids=1|2|3").status == 200
    deaths = (
        metric(served, 'assay_engine_jobs_total{outcome="retried"'),
        metric(served, 'assay_engine_jobs_total{outcome="crashed"'),
    )
    assert deaths == (1, 1)
    assert ask(served, "/readyz").json["ready"] is True


def test_a_full_queue_is_503_with_a_time_to_come_back(running: Running) -> None:
    replies: list[Reply] = []

    def flood(start: int) -> None:
        ids = "|".join(str(n) for n in range(start, start + 50))
        replies.append(ask(running.served, f"/v3/scores/testwiki?feature.delay=0.1&revids={ids}"))

    clients = [threading.Thread(target=flood, args=(start,)) for start in (1, 100, 200, 300)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    refused = [reply for reply in replies if reply.status == 503]
    assert refused
    for reply in refused:
        assert reply.error[1] == "server overloaded"
        assert int(reply.headers["retry-after"]) >= 1
    assert any(reply.status == 200 for reply in replies)


async def test_a_hundred_equal_requests_at_once_are_computed_once(running: Running) -> None:
    done = 'assay_engine_jobs_total{outcome="done",release="dev",role="serve"}'
    before = metric(running.served, done)
    path = "/v3/scores/testwiki/4711?feature.delay=0.3"

    async def get(session: aiohttp.ClientSession) -> bytes:
        async with session.get(path) as response:
            assert response.status == 200
            return await response.read()

    connector = aiohttp.TCPConnector(limit=100)
    async with aiohttp.ClientSession(running.served.url, connector=connector) as session:
        bodies = await asyncio.gather(*(get(session) for _ in range(100)))
    assert len(set(bodies)) == 1
    assert metric(running.served, done) == before + 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_is_under_way_is_answered_before_the_end_and_nothing_is_left(number: signal.Signals) -> None:
    with started() as running:
        ask(running.served, "/readyz")
        (nursery,) = children_of(running.process.pid)
        handles = [os.pidfd_open(pid) for pid in (nursery, *children_of(nursery))]
        replies: list[Reply] = []
        path = "/v3/scores/testwiki/97?feature.delay=0.5"
        client = threading.Thread(target=lambda: replies.append(ask(running.served, path)))
        client.start()
        while metric(running.served, "assay_http_requests_in_flight") < 2:  # it and the question itself
            pass
        assert running.terminate(number) == 0
        client.join()
    assert replies[0].json["testwiki"]["scores"]["97"]["revid"]["score"]["probability"]["true"] == 0.79
    for handle in handles:
        assert select.select([handle], [], [], 30)[0]
        os.close(handle)


async def test_a_stream_ends_with_what_is_left_to_ask_for_when_the_server_is_told_to_end() -> None:
    ids = list(range(1, 10_001))
    with started() as running:
        async with (
            aiohttp.ClientSession(running.served.url) as session,
            session.post("/api/testwiki/scores", json={"revisions": ids}) as answer,
        ):
            await answer.content.readline()
            running.process.send_signal(signal.SIGTERM)
            *told, last = [orjson.loads(line) for line in (await answer.read()).splitlines()]
        assert await asyncio.to_thread(running.process.wait, 60) == 0
    assert (last["done"], last["error"]["code"], last["error"]["retryable"]) == (False, "draining", True)
    assert last["remaining"]
    assert last["scored"] == len(told) > 0
    assert sorted([*(line["revision"] for line in told), *last["remaining"]]) == ids


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_end_asked_for_before_the_start_is_no_failure_of_the_start(number: signal.Signals) -> None:
    """Ctrl-C reaches the whole group of processes, and a scoring process may die of it as it begins."""

    async def dying(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        os.kill(os.getpid(), number)
        try:
            raise EngineFailed("the nursery is gone")
        except EngineFailed:
            await send({"type": "lifespan.startup.failed", "message": ""})

    with listen("127.0.0.1", 0, ServerOptions()) as listener:
        assert serve(dying, listener, ServerOptions())
