"""Real processes for tests: started, waited for, killed as crashes do, and none left behind.

    with running(Process("web-1", [*ASSAY, "web"], folder, environment)) as web:
        web.until(lambda: answers(url), 60)
        web.kill()

Everything that a process writes goes to ``<folder>/<name>.log``.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from waiting import until

ASSAY: Final = (sys.executable, "-m", "assay.cli")
END_LIMIT_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.02


class Ended(AssertionError):
    """A process that should have been running was not; the message holds the end of its log."""


class Process:
    """One command in a session of its own, so that its end takes its children along.

    `environment`: all of it; nothing is inherited but what a program needs to be found.
    """

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.command = list(command)
        self.folder = folder
        self.environment = {**inherited(), **environment}
        self.log = folder / f"{name}.log"
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self.environment,
                start_new_session=True,
            )

    def until(self, is_so: Callable[[], bool], limit_s: float) -> None:
        """Wait for a condition on a running process. Raises `Ended`, or `TimeoutError` with the log."""
        until(lambda: self._check_running() or is_so(), limit_s, lambda: self.tail())

    @property
    def pid(self) -> int:
        assert self._popen is not None
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def children(self) -> list[int]:
        """Process ids of its own children, oldest first."""
        return children(self.pid)

    def kill(self) -> None:
        """This process alone, with -9; its children see to themselves, as after a real crash."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        """SIGTERM to this process, as a supervisor sends it; does not wait."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, limit_s: float = END_LIMIT_S) -> int:
        """Its exit status. Raises `TimeoutError` with the log."""
        assert self._popen is not None
        try:
            return self._popen.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{self.name} did not end within {limit_s:g} s\n{self.tail()}") from None

    def restart(self) -> None:
        """A new process of the same command, after the old one ended."""
        assert not self.is_running, f"{self.name} is still running"
        self.start()

    def end(self) -> None:
        """The whole session is gone when this returns."""
        if self._popen is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait(END_LIMIT_S)

    def text(self) -> str:
        """All that it has written so far."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def tail(self, lines: int = 10) -> str:
        return "\n".join([f"-- {self.name}:", *self.text().splitlines()[-lines:]])

    def _check_running(self) -> bool:
        if not self.is_running:
            raise Ended(f"{self.name} ended by itself\n{self.tail()}")
        return False


@contextmanager
def running(process: Process) -> Iterator[Process]:
    """Started, and ended afterwards whatever happens."""
    process.start()
    try:
        yield process
    finally:
        process.end()


def inherited() -> dict[str, str]:
    """This process's environment without settings of the person who runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}


def status(port: int, path: str, limit_s: float = 5.0) -> int | None:
    """The HTTP status of one GET on this machine; None when there was no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=limit_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def is_running(pid: int) -> bool:
    """Whether there is such a process; one that ended and was not waited for is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def children(pid: int) -> list[int]:
    """Process ids whose parent is `pid`, oldest first; zombies are left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                state, parent, *rest = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(parent) == pid and state != "Z":
                    found.append((int(rest[17]), int(entry.name)))
    return [child for _, child in sorted(found)]


def anonymous_bytes(pid: int) -> int:
    """Resident memory of one process that no file stands behind. Pages shared with its parent count in full,
    so that copying one, because somebody wrote to it, is no growth."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"the kernel does not tell the memory of process {pid}")
