"""A real redis-server for one test: its own port, folder and process; nothing is left behind."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import redis

from lacking import lacking
from waiting import until

START_LIMIT_S = 20.0
_RESERVED: Final = 64
"""Ports at the same time; whoever asked for one has long begun with it by then."""


class RedisServer:
    """Starts, stops, freezes and restarts one ``redis-server``; keeps nothing on disk unless told to.

    `arguments`: further options, such as ``["--maxmemory", "1mb"]``. `password`: asked of everybody; None:
    nobody needs one.
    """

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str] = (),
        *,
        port: int | None = None,
        password: str | None = None,
        configuration: Path | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_port() if port is None else port
        self.arguments = [*arguments, *(() if password is None else ("--requirepass", password))]
        self.password = password
        self._configuration = configuration
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        """A synchronous client with the server's own secret."""
        return redis.Redis(
            port=self.port,
            password=self.password,
            socket_timeout=5.0,
            socket_connect_timeout=5.0,
        )

    def start(self) -> None:
        """Start and wait until it answers PING."""
        program = shutil.which("redis-server")
        if program is None:
            missing("redis-server")
        process = self._process = subprocess.Popen(
            [
                str(program),
                *([] if self._configuration is None else [str(self._configuration)]),
                *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
                *([] if self._configuration else ["--save", "", "--appendonly", "no"]),
                *("--loglevel", "warning"),
                *self.arguments,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        until(lambda: process.poll() is not None or self._answers(), START_LIMIT_S)
        if process.poll() is not None:
            raise RuntimeError(f"redis-server did not start on port {self.port}")

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError, OSError), self.client() as client:
            return bool(client.ping())
        return False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """As a crash does: no farewell."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """In an orderly way."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Killed and started again on the same port, empty unless it persists."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Connections stay open, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(10.0)
        self._process = None


@contextlib.contextmanager
def running(arguments: Sequence[str] = (), **options: str | None) -> Iterator[RedisServer]:
    """A started server, ended afterwards whatever happens."""
    with tempfile.TemporaryDirectory(prefix="assay-redis-") as folder:
        server = RedisServer(Path(folder), arguments, **options)  # type: ignore[arg-type]
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextlib.contextmanager
def sentinel(folder: Path, port: int) -> Iterator[RedisServer]:
    """A Sentinel alone that watches the server at `port` as ``mymaster``."""
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"sentinel monitor mymaster 127.0.0.1 {port} 1\nsentinel down-after-milliseconds mymaster 500\n"
    )
    watching = RedisServer(folder, ["--sentinel"], configuration=configuration)
    watching.start()
    try:
        yield watching
    finally:
        watching.kill()


@contextlib.contextmanager
def cluster() -> Iterator[list[RedisServer]]:
    """Three masters that share out all keys and have found each other."""
    with contextlib.ExitStack() as stack:
        masters, buses = [], []
        for first, last in ((0, 5460), (5461, 10922), (10923, 16383)):
            buses.append(free_port())
            arguments = ["--cluster-enabled", "yes", "--cluster-port", str(buses[-1])]
            masters.append(stack.enter_context(running(arguments)))
            with masters[-1].client() as client:
                client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
                for other, bus in zip(masters[:-1], buses, strict=False):
                    client.execute_command("CLUSTER MEET", "127.0.0.1", other.port, bus)
        until(lambda: all(map(_is_whole, masters)), START_LIMIT_S)
        yield masters


def _is_whole(master: RedisServer) -> bool:
    with master.client() as client:
        return bool(client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")


_reserved: Final = deque[socket.socket]()


def free_port() -> int:
    """A port that nobody has just now, and that the system gives to nobody who lets it choose: between this
    and the server's start, a connection of any other process may begin. Bound, but not listened on, it can
    still be had by a server that names it (SO_REUSEADDR)."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    _reserved.append(probe)
    while len(_reserved) > _RESERVED:
        _reserved.popleft().close()
    port: int = probe.getsockname()[1]
    return port


@atexit.register
def _give_back() -> None:
    for probe in _reserved:
        probe.close()


def missing(program: str) -> None:
    """Skip with the reason; a failure where everything must be there."""
    lacking(f"{program} is missing: run `make test`, which installs it, or install the package yourself")
