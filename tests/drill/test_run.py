"""What a drill starts ends with it."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from assay.drill.run import _run

WAITS = "import os, signal, sys; open(sys.argv[1], 'w').write(str(os.getpid())); signal.pause()"


@pytest.mark.parametrize("limit_s", [5.0, 60.0])
async def test_a_command_ends_with_a_drill_that_is_cancelled_or_out_of_time(
    tmp_path: Path, limit_s: float
) -> None:
    pipe = tmp_path / "pid"
    os.mkfifo(pipe)
    running = asyncio.create_task(_run([sys.executable, "-c", WAITS, str(pipe)], limit_s))
    pid = int(await asyncio.to_thread(pipe.read_text))
    if limit_s > 5:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    else:
        status, told = await running
        assert (status, "did not end within" in told) == (-1, True)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
