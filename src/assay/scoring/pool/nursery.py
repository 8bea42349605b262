"""A small, single-threaded process that loads the models once and forks scoring processes on demand.

Forking a server with threads and an event loop is unsafe; forking here is not, and the children share
the loaded models' memory page by page until they write to it (``gc.freeze`` keeps the collector from
writing). It is started by `assay.scoring.pool.nursery_handle` as ``python -m assay.scoring.pool.nursery FD``
and talks over that socket, one JSON message a line::

    ← {"loader": "package.module:function", "arguments": {…}, "path": [sys.path…]}
    → {"ready": {"wiki/model": "digest", …}} or {"failed": "why"}
    ← {"spawn": 1} with one socket attached           → {"pid": 1234} or {"failed": "why"}
    ← {"kill": 1234}                                    (no answer)

The loader's name comes from the server that started it, over a socket that nobody else holds.
When the socket closes, it kills its children and ends.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from assay.scoring.process import die_with_parent, ignore_group_signals, serve
from assay.scoring.score import PlanCache
from assay.scoring.warming import warm
from assay.scoring.wikis import ModelSets

MAX_MESSAGE_BYTES: Final = 1024 * 1024


@dataclass
class Children:
    """The pids that this process forked and has not yet reaped, so that no stranger is ever killed."""

    pids: set[int] = field(default_factory=set)

    def reap(self) -> None:
        while self.pids:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self.pids.discard(pid)

    def kill(self, pid: int) -> None:
        if pid in self.pids:
            os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill what is left and wait for it, so that not even a zombie remains."""
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        for pid in self.pids:
            os.waitpid(pid, 0)


def load(message: dict[str, Any]) -> ModelSets:
    """Import and call the loader; it returns a `ModelSets`."""
    sys.path[:] = message["path"]
    module, _, function = message["loader"].partition(":")
    loader: Callable[..., ModelSets] = getattr(importlib.import_module(module), function)
    return loader(**message["arguments"])


class Control:
    """The server's side of this process: lines of JSON, and the sockets that come with some of them."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._data = b""
        self._attached: deque[int] = deque()

    def receive(self) -> list[dict[str, Any]] | None:
        """What has come, waiting for something; None when the server is gone."""
        part, attached, _, _ = socket.recv_fds(self.connection, MAX_MESSAGE_BYTES, 16)
        self._attached.extend(attached)
        self._data += part
        if not part or len(self._data) > MAX_MESSAGE_BYTES:
            return None
        *lines, self._data = self._data.split(b"\n")
        return [orjson.loads(line) for line in lines]

    def attached(self) -> socket.socket:
        """The next socket that came with a message."""
        return socket.socket(fileno=self._attached.popleft())

    def send(self, message: dict[str, Any]) -> None:
        self.connection.sendall(orjson.dumps(message) + b"\n")


def main(control_fd: int) -> None:
    ignore_group_signals()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the server's standard output is not ours
    control = Control(socket.socket(fileno=control_fd))
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children = Children()
    try:
        if (models := _prepare(control)) is not None:
            _attend(control, wake_read, children, *models)
    except OSError:  # the server is gone
        pass
    finally:
        children.end()


def _prepare(control: Control) -> tuple[ModelSets, PlanCache] | None:
    messages: list[dict[str, Any]] | None = []
    while messages is not None and not messages:
        messages = control.receive()
    if messages is None:
        return None
    try:
        models, plans = load(messages[0]), PlanCache()
        warm(models, plans)
    except Exception as error:  # told to the server, which says it to the operator
        control.send({"failed": f"{type(error).__name__}: {error}"})
        return None
    gc.collect()
    gc.freeze()
    control.send({"ready": models.digests})
    return models, plans


def _attend(control: Control, wake_fd: int, children: Children, models: ModelSets, plans: PlanCache) -> None:
    while True:
        ready, _, _ = select.select([control.connection.fileno(), wake_fd], [], [])
        if wake_fd in ready:
            os.read(wake_fd, 4096)
            children.reap()
        if control.connection.fileno() not in ready:
            continue
        if (messages := control.receive()) is None:
            return
        for message in messages:
            if "spawn" in message:
                control.send(_spawn(control, children, models, plans))
            elif "kill" in message:
                children.kill(message["kill"])


def _spawn(control: Control, children: Children, models: ModelSets, plans: PlanCache) -> dict[str, Any]:
    """The answer to who asked for a process."""
    with control.attached() as connection:
        try:
            children.pids.add(pid := _fork(connection, control.connection, models, plans))
        except OSError as error:  # a limit of the system: those that work already must not end for it
            return {"failed": str(error)}
    return {"pid": pid}


def _fork(connection: socket.socket, control: socket.socket, models: ModelSets, plans: PlanCache) -> int:
    parent_pid = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        die_with_parent(parent_pid)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        control.close()
        serve(connection, models, plans)
        status = 0
    except OSError:  # the server is gone in the middle of a message
        status = 0
    except BaseException as error:  # the outermost frame of a process: say it, then end
        sys.stderr.write(f"scoring process {os.getpid()} failed: {type(error).__name__}: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]))
