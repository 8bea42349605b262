"""Scores on standard output, which may be a pipe that nobody reads."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import select
import sys
from io import FileIO, TextIOWrapper

import pytest

from assay.precache.sink_stdout import StdoutSink
from precache.edits import scored


async def test_standard_output_gets_a_line_for_each(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    await StdoutSink().write([scored(1), scored(2)])
    assert [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()] == [scored(1), scored(2)]


async def test_batches_told_to_standard_output_at_once_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container, where PYTHONUNBUFFERED is set, and longer than a pipe takes at once."""
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(FileIO(writing, "wb"), write_through=True))
    sinks = [StdoutSink(), StdoutSink()]
    long = {"comment": "x" * 100_000}
    with os.fdopen(reading, "rb") as pipe:
        got = asyncio.create_task(asyncio.to_thread(pipe.readlines))
        await asyncio.gather(*(sinks[number % 2].write([scored(number) | long]) for number in range(100)))
        sys.stdout.close()
        lines = await got
    assert sorted(json.loads(line)["rev_id"] for line in lines) == list(range(100))


async def test_a_pipe_without_a_reader_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with FileIO(writing, "wb") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(OSError, match=os.strerror(errno.EPIPE)):
            await StdoutSink().write([scored(1)])


async def test_a_pipe_that_nobody_reads_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with FileIO(writing, "wb") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        task = asyncio.create_task(StdoutSink().write([{"comment": "x" * 2**20}]))
        await asyncio.to_thread(select.select, [reading], [], [], 30)
        assert not task.done()
        task.cancel()
        async with asyncio.timeout(30):
            await asyncio.wait([task])
        assert task.cancelled()
        os.close(reading)  # so that the write fails, and nothing is left
