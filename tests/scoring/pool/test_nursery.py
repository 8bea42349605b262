"""The nursery by itself, over its socket: what the server's handle relies on. Whole pools: `test_pool`."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from assay.scoring import frames
from assay.scoring.codec import decode_computed, encode_job
from assay.scoring.request import Job, Scored
from assay.scoring.synthetic import synthetic_revision
from servers.processes import children
from small_models import small_models
from waiting import LIMIT_S, until

JOB: Final = encode_job(Job("testwiki", ("revid",), synthetic_revision(31)))
SMALL: Final = {"loader": "small_models:small_models", "arguments": {}}


class Nursery:
    """A real one, asked as the server asks it. What it and its children write goes to `log`."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self.log = folder / "log"
        self.told = folder / "told"
        self.connection, theirs = socket.socketpair()
        self.connection.settimeout(LIMIT_S)
        stack.enter_context(self.connection)
        with theirs, self.log.open("wb") as log, self.told.open("wb") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "assay.scoring.pool.nursery", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=log,
            )
        stack.callback(self._end)
        self._lines = stack.enter_context(self.connection.makefile("rb"))

    def _end(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.process.wait(LIMIT_S)

    def send(self, message: dict[str, Any]) -> None:
        self.connection.sendall(orjson.dumps(message) + b"\n")

    def answer(self) -> Any:
        return orjson.loads(self._lines.readline())

    def load(self, message: dict[str, Any]) -> Any:
        self.send({**message, "path": sys.path})
        return self.answer()

    def spawn(self) -> tuple[int, socket.socket]:
        """As the server does it: its pid, and our end of its socket."""
        ours, theirs = self.pair()
        with theirs:
            socket.send_fds(self.connection, [b'{"spawn":1}\n'], [theirs.fileno()])
        return self.answer()["pid"], ours

    def pair(self) -> tuple[socket.socket, socket.socket]:
        ours, theirs = socket.socketpair()
        ours.settimeout(LIMIT_S)
        return self._stack.enter_context(ours), theirs


@pytest.fixture
def unloaded(tmp_path: Path) -> Iterator[Nursery]:
    with ExitStack() as stack:
        yield Nursery(tmp_path, stack)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """One with models, for all tests that leave it alive; their processes go with it."""
    with ExitStack() as stack:
        nursery = Nursery(tmp_path_factory.mktemp("nursery"), stack)
        assert nursery.load(SMALL) == {"ready": small_models().digests}
        yield nursery


def scores(connection: socket.socket) -> bool:
    frames.send(connection, JOB)
    answer = frames.receive(connection)
    assert answer is not None
    assert int.from_bytes(answer[:8]) > 2**20  # Python alone is larger
    return isinstance(decode_computed(answer[8:]).cells["revid"], Scored)


def ended(handle: int) -> bool:
    """A pidfd becomes readable when its process ends."""
    readable, _, _ = select.select([handle], [], [], LIMIT_S)
    os.close(handle)
    return bool(readable)


def test_each_process_answers_on_its_own_socket(nursery: Nursery) -> None:
    (first, one), (second, two) = nursery.spawn(), nursery.spawn()
    assert {first, second} <= set(children(nursery.process.pid))
    assert scores(one)
    assert scores(two)
    handle = os.pidfd_open(first)
    one.close()
    assert ended(handle)
    assert scores(two)


def test_messages_come_in_pieces_and_together(nursery: Nursery) -> None:
    (one, theirs), (two, others) = nursery.pair(), nursery.pair()
    with theirs, others:
        nursery.connection.sendall(b'{"spa')
        both = b'wn":1}\n{"spawn":1}\n{"kill'
        socket.send_fds(nursery.connection, [both], [theirs.fileno(), others.fileno()])
    first, second = nursery.answer()["pid"], nursery.answer()["pid"]
    assert scores(one)
    assert scores(two)
    handle = os.pidfd_open(first)
    nursery.connection.sendall(b'": %d}\n' % first)
    assert ended(handle)
    assert second in children(nursery.process.pid)


def test_what_ended_is_no_zombie_and_its_pid_is_killed_no_more(nursery: Nursery) -> None:
    pid, connection = nursery.spawn()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}").exists())
    nursery.send({"kill": pid})
    assert connection.recv(1) == b""
    assert scores(nursery.spawn()[1])


def test_a_stranger_is_never_killed(nursery: Nursery) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        nursery.send({"kill": stranger.pid})
        assert scores(nursery.spawn()[1])  # it has read all before that
        stranger.communicate(b"\n")
        assert stranger.returncode == 0


def test_signals_for_the_whole_group_stop_neither_it_nor_its_processes(nursery: Nursery) -> None:
    pid, connection = nursery.spawn()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
        os.kill(nursery.process.pid, number)
    assert scores(connection)
    assert scores(nursery.spawn()[1])


def test_it_ends_with_the_servers_socket_and_takes_its_children_along(unloaded: Nursery) -> None:
    unloaded.load(SMALL)
    pid, connection = unloaded.spawn()
    handle = os.pidfd_open(pid)
    unloaded.connection.shutdown(socket.SHUT_RDWR)
    assert unloaded.process.wait(LIMIT_S) == 0
    assert ended(handle)
    assert connection.recv(1) == b""
    assert unloaded.log.read_bytes() == b""


def test_a_process_that_cannot_go_on_says_why(nursery: Nursery) -> None:
    pid, connection = nursery.spawn()
    frames.send(connection, b"no job")
    assert connection.recv(1) == b""
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert f"scoring process {pid} failed: CodecError" in nursery.log.read_text()
    assert scores(nursery.spawn()[1])


def test_a_server_that_goes_in_the_middle_of_a_job_is_no_failure(nursery: Nursery) -> None:
    pid, connection = nursery.spawn()
    for _ in range(3):  # more than it can answer before it sees that nobody listens
        frames.send(connection, JOB)
    connection.close()
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert f"scoring process {pid}" not in nursery.log.read_text()


def test_a_loader_that_fails_is_told_and_the_nursery_ends(unloaded: Nursery) -> None:
    told = unloaded.load({"loader": "small_models:no_such_function", "arguments": {}})
    assert told["failed"].startswith("AttributeError: ")
    assert "no_such_function" in told["failed"]
    assert unloaded.process.wait(LIMIT_S) == 0


def test_a_server_that_goes_before_it_has_said_anything(unloaded: Nursery) -> None:
    unloaded.connection.shutdown(socket.SHUT_RDWR)
    assert unloaded.process.wait(LIMIT_S) == 0
    assert unloaded.log.read_bytes() == b""


def test_what_a_loader_prints_is_no_part_of_the_servers_output(unloaded: Nursery) -> None:
    unloaded.load({"loader": "builtins:print", "arguments": {"end": "hello", "flush": True}})
    unloaded.process.wait(LIMIT_S)
    assert unloaded.told.read_bytes() == b""
    assert b"hello" in unloaded.log.read_bytes()
