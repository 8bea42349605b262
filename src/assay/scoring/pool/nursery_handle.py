"""The server's handle on the nursery, the process that loads the models and forks scoring processes.

What travels over the socket between the two is written in `assay.scoring.pool.nursery`. Only this side is
imported by the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from assay.errors import ENGINE_STOPPED, AssayError


@dataclass(frozen=True, slots=True)
class Loader:
    """What the nursery calls to get its models: an importable function that returns a `ModelSets`."""

    function: str
    """``package.module:function``."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments that JSON can say (paths as strings)."""


class EngineFailed(AssayError):
    """The nursery could not load the models, or loaded other ones than the server."""

    code = ENGINE_STOPPED


class NotForked(EngineFailed):
    """The system gives no further process just now; the nursery and those that it has forked live on."""


class NurseryHandle:
    """Starts the nursery, has it fork and kill scoring processes, and ends it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._lock = asyncio.Lock()

    async def start(self, digests: Mapping[str, str], timeout_s: float) -> None:
        """Begin, or begin again. Raises `EngineFailed` when the models there are not those of `digests`."""
        async with self._lock:  # nobody may spawn before the models are loaded
            await asyncio.to_thread(self.stop)
            self._launch()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._load(digests)
            except (TimeoutError, OSError, EOFError) as error:
                await asyncio.to_thread(self.stop)
                raise EngineFailed(f"the scoring processes did not start: {error!r}") from error
            except EngineFailed:
                await asyncio.to_thread(self.stop)
                raise

    def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter; takes a millisecond
                [sys.executable, "-P", "-m", "assay.scoring.pool.nursery", str(fd)],
                pass_fds=[fd],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "OMP_NUM_THREADS": "1"},  # threads would not survive the forks
                process_group=0,  # Ctrl-C is for the server alone, also before the nursery ignores it
            )
        ours.setblocking(False)
        self._control = ours

    async def _load(self, digests: Mapping[str, str]) -> None:
        arguments = dict(self._loader.arguments)
        await self._send({"loader": self._loader.function, "arguments": arguments, "path": sys.path})
        answer = await self._receive()
        if "ready" not in answer:
            raise EngineFailed(f"the scoring processes could not load the models: {answer.get('failed')}")
        if answer["ready"] != dict(digests):
            raise EngineFailed("the bundles on disk have changed since the server started: restart it")

    async def spawn(self) -> tuple[int, socket.socket]:
        """A new process's pid and our end of its socket.

        Raises OSError or EOFError when the nursery is dead, `NotForked` when it lives and may not fork.
        """
        async with self._lock:
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    socket.send_fds(self._alive(), [b'{"spawn":1}\n'], [theirs.fileno()])
                    answer = await self._receive()
                    if "pid" not in answer:
                        raise NotForked(
                            f"the system gives no further process ({answer['failed']}): raise the limit of "
                            "processes (ulimit -u, TasksMax= in a systemd unit), or have fewer"
                        )
                except BaseException:
                    ours.close()
                    raise
            ours.setblocking(False)
            return answer["pid"], ours

    def kill(self, pid: int) -> None:
        """Kill a process that the nursery forked; nothing happens when it has ended already."""
        with contextlib.suppress(OSError):
            self._alive().send(b'{"kill":%d}\n' % pid)

    def stop(self) -> None:
        """Close the socket: the nursery kills what is left of its children and ends."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5.0)
            if self._process.returncode is None:
                self._process.kill()
                self._process.wait()
            self._process = None

    @property
    def pid(self) -> int | None:
        process = self._process  # a thread may end it just now
        return None if process is None else process.pid

    def lives(self, pid: int | None) -> bool:
        """Whether the nursery of that pid is the present one, and has not died."""
        process = self._process
        return process is not None and process.pid == pid and process.poll() is None

    def _alive(self) -> socket.socket:
        if self._control is None:
            raise ConnectionError("the nursery is not running")
        return self._control

    async def _send(self, message: Mapping[str, Any]) -> None:
        await asyncio.get_running_loop().sock_sendall(self._alive(), orjson.dumps(message) + b"\n")

    async def _receive(self) -> dict[str, Any]:
        data = b""
        while not data.endswith(b"\n"):
            part = await asyncio.get_running_loop().sock_recv(self._alive(), 65536)
            if not part:
                raise EOFError("the nursery is gone")
            data += part
        message: dict[str, Any] = orjson.loads(data)
        return message
