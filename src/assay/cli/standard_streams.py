"""Standard input, output and error, which whoever starts a command may have closed.

The number of a closed stream is that of the next file or socket: what a library or a child writes to standard
error would end in that. And Python has None where it expects a stream.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress


def open_closed() -> frozenset[str]:
    """Names of the streams that were closed (``stdin``, ``stdout``, ``stderr``), and are open now. What is
    read is empty, what is logged is lost; but a result that has no place to go is an error (EBADF), as of
    other programs.

    Call it before anything else is opened. Where an import keeps a file open, that may have a stream's number
    already; it is left alone, and the stream gets another one.
    """
    closed = frozenset(name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None)
    for name, mode, access, errors in (
        ("stdin", "r", os.O_RDONLY, "strict"),
        ("stdout", "w", os.O_RDONLY, "strict"),
        ("stderr", "w", os.O_WRONLY, "backslashreplace"),  # as Python's own: any message can be written
    ):
        if name in closed:
            descriptor = os.open(os.devnull, access)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", errors=errors))  # noqa: SIM115, PTH123
    return closed


def take_any_text() -> None:
    """Have standard output take every text, whatever the locale: results are UTF-8 as files are. A terminal
    keeps its own encoding, and shows what it has no sign for as ``\\u2026``."""
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        encoding = stream.encoding if stream.isatty() else "utf-8"
        stream.reconfigure(encoding=encoding, errors="backslashreplace")


def give_up_output() -> None:
    """What standard output could not take is lost, without another word at the end of the process, which
    would try again and end with a status of its own (120)."""
    with suppress(OSError):  # a test's stream has no number, and needs none
        stdout = sys.stdout.fileno()
        lost = os.open(os.devnull, os.O_WRONLY)
        os.dup2(lost, stdout)
        os.close(lost)
