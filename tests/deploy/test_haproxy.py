"""The load balancer that the documentation describes, before real web processes and a worker that dies."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from assay.scoring.queue.options import CeleryOptions
from deploy.files import program
from servers.asgi import Served, serving
from servers.celery_worker import small_worker
from servers.processes import Process
from servers.processes import running as process_running
from servers.redis import free_port, running
from servers.small_web import over_queue, settings
from shared_data import ROOT
from small_app import Reply, ask
from waiting import until

QUICK: Final[dict[str, Any]] = {"heartbeat_s": 0.2, "lost_after_s": 1.0, "away_grace_s": 0.3}


def configuration(port: int, webs: list[Served], admin: Path) -> str:
    """The documented one, with this machine's addresses, checks ten times as often, and a way to look in."""
    page = (ROOT / "docs" / "how-to" / "many-machines.md").read_text("utf-8")
    (text,) = re.findall(r"```\n# /etc/haproxy/haproxy.cfg\n(.*?)```", page, re.DOTALL)
    for name, web in zip(("10.0.0.2:8080", "10.0.0.3:8080"), webs, strict=True):
        assert text.count(name) == 2
        text = text.replace(name, f"127.0.0.1:{web.port}")
    text = text.replace("bind :80\n", f"bind 127.0.0.1:{port}\n").replace("inter 2s", "inter 200ms")
    return f"global\n  stats socket {admin}\n\n{text}"


class Balancer:
    """HAProxy at work."""

    def __init__(self, port: int, admin: Path) -> None:
        self.served = Served(port)
        self._admin = admin

    def ask(self, path: str) -> Reply:
        return ask(self.served, path)

    def servers_up(self, backend: str) -> int:
        """How many of its servers pass their check."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._admin))
            connection.sendall(b"show stat\n")
            lines = connection.makefile().read().splitlines()
        names = lines[0].removeprefix("# ").split(",")
        rows = [dict(zip(names, line.split(","), strict=False)) for line in lines[1:] if line]
        servers = [
            row for row in rows if row["pxname"] == backend and row["svname"] not in ("BACKEND", "FRONTEND")
        ]
        return sum(row["status"].startswith("UP") for row in servers)


def _all_ready(*webs: Served) -> bool:
    return all(ask(web, "/readyz").status == 200 for web in webs)


@contextmanager
def balancer(folder: Path, webs: list[Served]) -> Iterator[Balancer]:
    admin, port = folder / "admin", free_port()
    path = folder / "haproxy.cfg"
    path.write_text(configuration(port, webs, admin))
    process = Process("haproxy", [program("haproxy"), "-db", "-f", str(path)], folder, {})
    with process_running(process):
        process.until(admin.exists, 20)
        yield Balancer(port, admin)


def test_with_all_workers_gone_known_scores_are_given_and_others_refused_at_once(tmp_path: Path) -> None:
    queue = replace(CeleryOptions(), **QUICK)
    with running() as redis, small_worker(redis.url, options=QUICK, processes=1) as worker:
        configured = settings(redis, queue)
        one, two = (over_queue(configured).build().asgi for _ in range(2))
        with serving(one) as first, serving(two) as second, balancer(tmp_path, [first, second]) as lb:
            until(lambda: _all_ready(first, second), 30)  # HAProxy takes everybody for well until it knows
            known = lb.ask("/v3/scores/smallwiki/12/damaging")
            assert known.status == 200
            worker.end(signal.SIGKILL)
            until(lambda: lb.servers_up("web") == 0, 30)
            assert lb.servers_up("web_degraded") == 2
            assert lb.ask("/v3/scores/smallwiki/12/damaging").body == known.body
            refused = lb.ask("/v3/scores/smallwiki/13/damaging")
            assert (refused.status, refused.headers["retry-after"]) == (503, "2")
            assert json.loads(refused.body)["error"]["code"] == "server overloaded"
            assert lb.ask("/readyz").json["state"] == "degraded"
            with small_worker(redis.url, options=QUICK, processes=1):
                until(lambda: lb.servers_up("web") == 2, 30)
                assert lb.ask("/v3/scores/smallwiki/13/damaging").status == 200


def test_without_the_cache_nobody_is_degraded(tmp_path: Path) -> None:
    queue = replace(CeleryOptions(), **QUICK)
    with running() as redis, small_worker(redis.url, options=QUICK, processes=1):
        configured = settings(redis, queue)
        one, two = (over_queue(configured).build().asgi for _ in range(2))
        with serving(one) as first, serving(two) as second, balancer(tmp_path, [first, second]) as lb:
            until(lambda: _all_ready(first, second), 30)
            redis.kill()
            until(lambda: lb.servers_up("web") == lb.servers_up("web_degraded") == 0, 30)
            assert lb.ask("/v3/scores/smallwiki/12/damaging").status == 503
            assert ask(first, "/readyz?degraded").json["state"] == "unready"
            redis.start()
            until(lambda: lb.servers_up("web") == 2, 60)
            assert lb.ask("/v3/scores/smallwiki/12/damaging").status == 200
