"""Scores as lines on standard output."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from typing import Final

from assay.precache.sink import Event, Refused, lines
from assay.threads import in_thread

_ON_STDOUT: Final = threading.Lock()
"""Held by whoever writes there."""


class StdoutSink:
    """One batch at a time, each whole. Raises OSError (a broken pipe) when nobody reads any more, which ends
    the process."""

    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        text = lines(events)
        await in_thread(lambda: _write(text))
        return ()

    async def aclose(self) -> None:
        pass


def _write(text: bytes) -> None:
    """Past Python's own stream. That has neither a lock nor a buffer where PYTHONUNBUFFERED is set, as in
    containers; and where it has, a write that hangs would keep the end of the process from flushing it."""
    with _ON_STDOUT:
        stdout = sys.stdout.fileno()
        while text:
            text = text[os.write(stdout, text) :]
