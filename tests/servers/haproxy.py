"""A real HAProxy with the configuration that Assay ships, in front of whatever a test needs.

with haproxy(HaproxyConfig(slots={"blue": [...], "green": [...]})) as balancer:
    client = HaproxyBalancer(balancer.runtime)
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from assay.rollout.traffic.haproxy_config import HaproxyConfig, render
from servers.processes import Process, running
from servers.redis import free_port, missing

_START_LIMIT_S = 20.0


@dataclass(frozen=True)
class RunningHaproxy:
    """`runtime`: of level admin. `folder`: holds configuration, socket, state file and log."""

    process: Process
    port: int
    runtime: str
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, command: str) -> str:
        """One command of the runtime API, by hand."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(self.runtime)
            client.sendall(command.encode() + b"\n")
            told = b""
            while chunk := client.recv(2**16):
                told += chunk
        return told.decode()

    def answers(self) -> bool:
        """Whether its runtime API does."""
        with contextlib.suppress(OSError):
            return "Name: HAProxy" in self.ask("show info")
        return False

    def save_state(self) -> None:
        """As an operator does before a restart."""
        (self.folder / "state").write_text(self.ask("show servers state"))


def program() -> str:
    """Where HAProxy is; the test is skipped (in CI fails) when it is missing."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        missing("haproxy")
    return str(found)


@contextlib.contextmanager
def haproxy(options: HaproxyConfig, *, port: int | None = None) -> Iterator[RunningHaproxy]:
    """Running while the block does. Bind, runtime and state file are chosen here."""
    with tempfile.TemporaryDirectory(prefix="assay-ha-") as name:  # short: a socket's path has a limit
        folder = Path(name)
        chosen = port or free_port()
        runtime = str(folder / "sock")
        ours = replace(options, bind=f"127.0.0.1:{chosen}", runtime=runtime, state_file=str(folder / "state"))
        (folder / "haproxy.cfg").write_text(render(ours))
        process = Process("haproxy", [program(), "-db", "-f", str(folder / "haproxy.cfg")], folder, {})
        with running(process):
            front = RunningHaproxy(process, chosen, runtime, folder)
            process.until(lambda: front.answers() and _listens(chosen), _START_LIMIT_S)
            yield front


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
