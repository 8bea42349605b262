"""Work in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from assay.threads import in_thread


async def test_what_it_returns_or_raises_is_the_callers() -> None:
    assert await in_thread(lambda: 5) == 5
    assert await in_thread(lambda: threading.current_thread().daemon), "it must not keep a report from ending"
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def test_who_gives_up_leaves_it_behind() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        go_on.wait()
        ended.set()

    waiting = asyncio.ensure_future(in_thread(hang))
    await in_thread(begun.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    await in_thread(ended.wait)
    await in_thread(lambda: None)  # whose result comes after that of the one given up


PROGRAM = """
import asyncio, threading
from assay.threads import in_thread

async def main():
    task = asyncio.create_task(in_thread(threading.Event().wait))
    await asyncio.sleep(0)
    print("begun", flush=True)
    task.cancel()
    await asyncio.wait([task])

asyncio.run(main())
"""


def test_the_process_ends_without_it() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "begun\n", "")
