"""A scoring process: reads jobs from its socket, computes, writes results; nothing else.

It ends when the other side of the socket closes, so it cannot outlive the server; signals meant for the
server's process group are ignored, so that accepted jobs are finished when a supervisor stops the group.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Final

from assay.scoring import frames
from assay.scoring.codec import Computed, decode_job, encode_computed
from assay.scoring.problems import unencodable
from assay.scoring.score import PlanCache, compute
from assay.scoring.wikis import ModelSets

_PR_SET_PDEATHSIG: Final = 1
_PAGE_BYTES: Final = os.sysconf("SC_PAGESIZE")


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the one that forked it ends (Linux; elsewhere only the
    closed socket ends it, after the job at hand)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            os._exit(1)


def ignore_group_signals() -> None:
    """Leave Ctrl-C and a supervisor's TERM to the server, which drains and then closes our socket."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def serve(connection: socket.socket, models: ModelSets, plans: PlanCache) -> None:
    """Answer jobs until the connection closes. Each answer: resident bytes (8 bytes), then the result."""
    while (request := frames.receive(connection)) is not None:
        result = run(request, models, plans)
        frames.send(connection, resident_bytes().to_bytes(8) + result)


def run(request: bytes, models: ModelSets, plans: PlanCache) -> bytes:
    """One encoded job to one encoded result."""
    return answer(request, models, plans)[1]


def answer(request: bytes, models: ModelSets, plans: PlanCache) -> tuple[Computed, bytes]:
    """What an encoded job gives, and the same encoded. Raises `CodecError` for what is no job."""
    job = decode_job(request)
    computed = compute(job, models.of(job.wiki), plans)
    try:
        return computed, encode_computed(computed)
    except TypeError as error:  # a value that JSON cannot say: an integer beyond 64 bits, a lone surrogate
        told = Computed(dict.fromkeys(job.models, unencodable(job.revision.id, str(error))))
        return told, encode_computed(told)


def resident_bytes() -> int:
    """This process's memory, shared pages included; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
