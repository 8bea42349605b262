"""Standard input, output and error, which whoever starts a command may have closed.

The number of a closed stream is that of the next file or socket: what a library or a child writes to standard
error would end in that. And Python has None where it expects a stream.
"""

from __future__ import annotations

import os
import sys


def open_closed() -> None:
    """Call it before anything else is opened. What is read is empty, what is logged is lost; but a result
    that has no place to go is an error (EBADF), as of other programs."""
    for name, mode, access in (
        ("stdin", "r", os.O_RDONLY),
        ("stdout", "w", os.O_RDONLY),
        ("stderr", "w", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, access)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, open(descriptor, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
