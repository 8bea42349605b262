"""Work in threads that nobody has to wait for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from assay.precache.aside import aside


async def test_what_comes_of_it_is_told() -> None:
    assert await aside(lambda: threading.current_thread() is threading.main_thread()) is False
    assert await aside(lambda: [None]) == [None]
    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 / 0)


async def test_who_no_longer_waits_is_not_told() -> None:
    may, done = threading.Event(), threading.Event()

    def work() -> None:
        may.wait(30)
        done.set()

    task = asyncio.create_task(aside(work))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    may.set()
    assert await asyncio.to_thread(done.wait, 30)
    await asyncio.sleep(0.01)  # an error of the loop would be a warning, which is an error


PROGRAM = """
import asyncio, threading
from assay.precache.aside import aside

async def main():
    task = asyncio.create_task(aside(threading.Event().wait))
    await asyncio.sleep(0)
    print("begun", flush=True)
    task.cancel()
    await asyncio.wait([task])

asyncio.run(main())
"""


def test_the_process_ends_without_it() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "begun\n", "")
