"""One arm as an operator runs it, web process and worker, and `assay preflight` as a command beside it.

`PATCHES` make a process wrong as a defective release would be, before it runs the command: the code itself
stays as it is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from servers.processes import Process, inherited, running, status
from servers.redis import RedisServer, free_port
from waiting import until

START_LIMIT_S: Final = 120.0
RELEASE: Final = "r1"

PATCHES: Final[Mapping[str, str]] = {
    "nothing": "",
    # a second parser of the Redis address that keeps the colon before the password
    "colon in web": """
import assay.compose.queue as parts
from dataclasses import replace
right = parts.connect
parts.connect = lambda o, **more: right(replace(o, password=':' + o.password), **more)
""",
    "colon in worker": """
import assay.compose.queue as parts
from dataclasses import replace
right = parts.connect_sync
parts.connect_sync = lambda o, **more: right(replace(o, password=':' + o.password), **more)
""",
    "colon in broker": """
import assay.compose.worker as parts
from dataclasses import replace
right = parts.broker
parts.broker = lambda o: right(replace(o, password=':' + o.password))
""",
    # jobs are put on the queue of another release
    "sends to old": """
import assay.scoring.queue.engine as engine
right = engine.queue_name
engine.queue_name = lambda release, lane: right('old', lane)
""",
    # a worker that takes from the queue of another release
    "takes from r1": """
import assay.scoring.queue.app as app
right = app.queue_name
app.queue_name = lambda release, lane: right('r1', lane)
""",
    # a health check that touches no worker
    "always ready": """
from assay.serving.health import Health
async def _probe_all(self):
    return {'page': 'ok'}
Health._probe_all = _probe_all
""",
}


@dataclass(frozen=True)
class Told:
    """What the command said. `checks`: those of a name, in order."""

    status: int
    document: dict[str, Any]
    stdout: str
    stderr: str

    def bad(self) -> set[str]:
        return {
            check["check"] for check in self.document["checks"] if check["outcome"] in ("failed", "skipped")
        }

    def of(self, name: str) -> list[dict[str, Any]]:
        return [check for check in self.document["checks"] if check["check"] == name]

    def said(self, name: str) -> str:
        return "; ".join(check["said"] for check in self.of(name))


@dataclass(frozen=True)
class Arm:
    """`environment`: what all processes are given."""

    folder: Path
    port: int
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str, patch: str = "nothing") -> list[str]:
        code = f"{PATCHES[patch]}\nfrom assay.cli import main\nmain()"
        return [sys.executable, "-c", code, *arguments]

    @contextmanager
    def worker(self, name: str = "worker", patch: str = "nothing", **more: str) -> Iterator[Process]:
        """Running, and showing signs of life."""
        command = self.command("worker", "--processes", "1", patch=patch)
        with running(Process(name, command, self.folder, {**self.environment, **more})) as process:
            process.until(lambda: "celery@" in process.text() or "ready." in process.text(), START_LIMIT_S)
            yield process

    @contextmanager
    def web(
        self, name: str = "web", patch: str = "nothing", path: str = "/livez", **more: str
    ) -> Iterator[Process]:
        """Running, once `path` is answered with 200."""
        command = self.command("web", "--port", str(self.port), patch=patch)
        with running(Process(name, command, self.folder, {**self.environment, **more})) as process:
            process.until(lambda: status(self.port, path) == 200, START_LIMIT_S)
            yield process

    def preflight(self, *arguments: str, patch: str = "nothing", **more: str) -> Told:
        """As JSON, with little patience, and without golden scores, as there is no release here."""
        given = ("--json", "--without-golden", "--patience", "3", *arguments)
        done = subprocess.run(
            self.command("preflight", *given, patch=patch),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            cwd=self.folder,
            env={**inherited(), **self.environment, **more},
        )
        try:
            document = json.loads(done.stdout)
        except ValueError:
            document = {}
        return Told(done.returncode, document, done.stdout, done.stderr)


def arm(folder: Path, redis: RedisServer, **more: str) -> Arm:
    """Nothing is started yet."""
    password = {} if redis.password is None else {"ASSAY_REDIS__PASSWORD": redis.password}
    port = free_port()
    environment = {
        "ASSAY_CACHE_DIR": str(folder / "cache"),
        "ASSAY_RELEASE": RELEASE,
        "ASSAY_REDIS__URL": redis.url,
        "ASSAY_SERVER__PORT": str(port),
        "ASSAY_HTTP__MAX_CONNECTIONS": "100",
        "ASSAY_WORKER__PROCESSES": "1",
        **password,
        **more,
    }
    return Arm(folder, port, environment)


def lives(redis: RedisServer, workers: int) -> None:
    """Wait until so many workers show signs of life."""

    def is_so() -> bool:
        with redis.client() as client:
            return len(client.keys("assay:worker:*")) == workers

    until(is_so, START_LIMIT_S)
