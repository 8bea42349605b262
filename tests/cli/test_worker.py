"""``assay worker`` beside two of ``assay web``, with the flags of a command line, on a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.running import environment
from servers import redis as redis_server
from servers.processes import ASSAY, Process, running, status
from servers.redis import RedisServer, free_port

SECRET = "of redis"
LIMIT_S = 60.0


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_server.running(password=SECRET) as server:
        yield server


def test_two_web_processes_share_a_port_and_the_workers_of_their_release(
    redis: RedisServer, tmp_path: Path
) -> None:
    port, metrics_port = free_port(), free_port()
    shared = ("--redis", redis.url, "--release", "r1")
    given = environment(tmp_path, ASSAY_REDIS__PASSWORD=SECRET)
    web = (*ASSAY, "web", *shared, "--port", str(port), "--reuse-port")
    taking = ("--processes", "1", "--lane", "interactive", "--metrics-port", str(metrics_port))
    worker = Process("worker", (*ASSAY, "worker", *shared, *taking), tmp_path, given)
    with (
        running(worker),
        running(Process("one", web, tmp_path, given)) as one,
        running(Process("two", web, tmp_path, given)) as two,
    ):
        begun = f"on http://127.0.0.1:{port}/"
        one.until(lambda: begun in one.text() and begun in two.text(), LIMIT_S)
        one.until(lambda: status(port, "/readyz") == 200, LIMIT_S)
        assert status(port, "/v3/scores/testwiki/12/revid") == 200
        assert status(metrics_port, "/livez") == 200
        assert len(worker.children()) == 1
        one.terminate()
        assert one.wait() == 0
        assert status(port, "/v3/scores/testwiki/13/revid") == 200
        for process in (two, worker):
            process.terminate()
        assert (two.wait(), worker.wait()) == (0, 0)
    with redis.client() as client:
        queues = {key.decode() for key in client.keys("*r1*")}
    assert any("assay.r1" in name or ":r1" in name for name in queues), queues
