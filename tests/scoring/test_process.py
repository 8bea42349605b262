"""A scoring process's own part: each job is answered, whatever is in it, and none is outlived by its process.

Processes that a nursery forks: `test_nursery`.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from assay.features.graph.node import Feature
from assay.features.roots import TEXT
from assay.revisions.problem import Problem
from assay.scoring import frames
from assay.scoring.codec import CodecError, Computed, decode_computed, encode_job
from assay.scoring.process import answer, resident_bytes, run, serve
from assay.scoring.request import Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets
from small_models import LinearModel, small_models
from waiting import LIMIT_S

MODELS = small_models()
REVISION = synthetic_revision(31)
JOB = Job("smallwiki", ("damaging", "articlequality"), REVISION, features=True, explain=True)


@contextmanager
def served() -> Iterator[socket.socket]:
    """Our end of the socket of one that serves in a thread, and has ended afterwards."""
    ours, theirs = socket.socketpair()
    ours.settimeout(LIMIT_S)
    thread = Thread(target=serve, args=(theirs, MODELS, PlanCache()))
    thread.start()
    with theirs:
        with ours:
            yield ours
        thread.join(LIMIT_S)
        assert not thread.is_alive()


def asked(connection: socket.socket, job: Job) -> tuple[int, Computed]:
    """The memory that it tells, and the result."""
    frames.send(connection, encode_job(job))
    told = frames.receive(connection)
    assert told is not None
    return int.from_bytes(told[:8]), decode_computed(told[8:])


def test_jobs_are_answered_one_after_the_other_until_the_server_goes() -> None:
    with served() as connection:
        for job in (JOB, Job("testwiki", ("revid",), REVISION), JOB):
            expected = compute(job, MODELS.of(job.wiki), PlanCache()).cells
            assert asked(connection, job)[1].cells == expected


def test_each_answer_tells_the_memory_that_the_process_has_by_then() -> None:
    """By the kernel's word, in its other file: all of the tests' modules are in it."""
    with served() as connection:
        before, _ = asked(connection, JOB)
        ballast = bytearray(64 * 2**20)
        after, _ = asked(connection, JOB)
        (line,) = [it for it in Path("/proc/self/status").read_text().splitlines() if it.startswith("VmRSS")]
    assert len(ballast) / 2 < after - before < len(ballast) * 2
    assert after == pytest.approx(int(line.split()[1]) * 1024, rel=0.05)
    assert resident_bytes() == pytest.approx(after, rel=0.05)


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_a_value_that_cannot_be_said_is_a_problem_of_every_cell(value: int) -> None:
    huge = Feature("feature.test.huge", "More than JSON can say.", (TEXT,), lambda _: value, type="int")
    models = ModelSets([LinearModel("smallwiki", name, (huge,), weight=0) for name in JOB.models])
    computed, told = answer(encode_job(JOB), models, PlanCache())
    assert decode_computed(told).cells == computed.cells
    assert set(computed.cells) == set(JOB.models)
    for cell in computed.cells.values():
        assert isinstance(cell, Problem)
        assert cell.message.startswith("Revision 31 holds a value that cannot be scored: Integer")


def test_what_is_no_job_is_not_answered() -> None:
    for rubbish in (b"", b"no job", encode_job(JOB)[:-1]):
        with pytest.raises(CodecError):
            run(rubbish, MODELS, PlanCache())


_CHILD = """
import os, sys
from assay.scoring.process import die_with_parent
server = os.getpid()
if sys.argv[1] == "dead":
    server += 1
if os.fork():
    sys.stdin.read()
else:
    die_with_parent(server)
    print(os.getpid(), flush=True)
    os.read(int(sys.argv[2]), 1)
"""


@pytest.mark.parametrize("server", ["alive", "dead"])
def test_a_process_ends_with_the_one_that_forked_it_also_when_that_ended_before(server: str) -> None:
    """It waits for a pipe that stays open, so that nothing else ends it."""
    reading, writing = os.pipe()
    try:
        with subprocess.Popen(
            [sys.executable, "-c", _CHILD, server, str(reading)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[reading],
        ) as parent:
            assert parent.stdout is not None
            if server == "dead":
                assert parent.communicate(timeout=LIMIT_S)[0] == b""
                return
            handle = os.pidfd_open(int(parent.stdout.readline()))
            parent.send_signal(signal.SIGKILL)
        readable, _, _ = select.select([handle], [], [], LIMIT_S)
        os.close(handle)
        assert readable
    finally:
        os.close(reading)
        os.close(writing)
