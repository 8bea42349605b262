"""Scores as lines of a file, through what can go wrong with files."""

from __future__ import annotations

import asyncio
import fcntl
import os
import resource
from pathlib import Path
from typing import Any

import pytest

from assay import durable
from assay.precache.sink import Unwritten
from assay.precache.sink_file import FileSink
from precache.edits import scored, told


async def test_a_file_gets_a_line_for_each_and_can_be_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    sink = FileSink(path)
    await sink.write([scored(1), scored(2)])
    path.rename(tmp_path / "scores.1.jsonl")
    await sink.write([scored(3)])
    assert told(tmp_path / "scores.1.jsonl") == [scored(1), scored(2)]
    assert told(path) == [scored(3)]


@pytest.mark.parametrize("torn", ['{"rev_id": 9, "comm', "x" * 200_000, "{"])
async def test_what_a_crash_left_of_a_line_is_cut_off(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "scores.jsonl"
    await FileSink(path).write([scored(1)])
    with path.open("a") as file:
        file.write(torn)
    await FileSink(path).write([scored(2)])
    assert told(path) == [scored(1), scored(2)]
    path.write_text(torn)
    await FileSink(path).write([scored(3)])
    assert told(path) == [scored(3)]


async def test_batches_written_at_once_do_not_cut_each_other_off(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    sinks = [FileSink(path, fsync=False) for _ in range(4)]  # as of several followers
    await asyncio.gather(*(sinks[number % 4].write([scored(number)]) for number in range(2000)))
    assert sorted(each["rev_id"] for each in told(path)) == list(range(2000))


async def test_a_file_that_is_moved_away_while_a_batch_waits_for_its_turn_gets_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever moves it may pack it and remove it at once."""
    path, moved, lock = tmp_path / "scores.jsonl", tmp_path / "scores.1.jsonl", fcntl.flock

    def move_then_lock(file: Any, how: int) -> None:
        if not moved.exists():
            path.rename(moved)
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", move_then_lock)
    await FileSink(path).write([scored(1)])
    assert moved.read_bytes() == b""
    assert told(path) == [scored(1)]


async def test_a_file_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(Unwritten, match="No such file or directory"):
        await FileSink(tmp_path / "missing" / "scores.jsonl").write([scored(1)])


async def test_a_strangers_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "_is_strangers", lambda *_: True)
    with pytest.raises(Unwritten, match="a file of another user"):
        await FileSink(tmp_path / "scores.jsonl").write([scored(1)])


async def test_a_full_disk_leaves_no_half_batch(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    await FileSink(path).write([scored(1)])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(Unwritten, match="File too large"):
            await FileSink(path).write([scored(number) for number in range(2, 3000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes().endswith(b"}\n")
    assert told(path) == [scored(1)]
    with pytest.raises(Unwritten, match="No space left on device"):
        await FileSink(Path("/dev/full")).write([scored(1)])


async def test_a_lock_that_another_program_keeps_is_told_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    sink = FileSink(path, lock_limit_s=0.05)
    with path.open("wb") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        with pytest.raises(Unwritten, match="another program keeps the file locked"):
            await sink.write([scored(1)])
    assert told(path) == []
    await sink.write([scored(2)])
    assert told(path) == [scored(2)]


async def test_a_lock_that_another_follower_has_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    with path.open("wb") as kept:
        fcntl.flock(kept, fcntl.LOCK_EX)
        writing = asyncio.create_task(FileSink(path, lock_limit_s=30.0).write([scored(1)]))
        await asyncio.sleep(0.05)
        assert not writing.done()
    await writing
    assert told(path) == [scored(1)]


@pytest.mark.parametrize(("options", "expected"), [({}, 1), ({"fsync": True}, 1), ({"fsync": False}, 0)])
async def test_lines_are_on_the_disk_unless_that_is_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, bool], expected: int
) -> None:
    path = tmp_path / "scores.jsonl"
    synced: list[int] = []

    def fsync(number: int) -> None:
        synced.append(os.fstat(number).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    await FileSink(path, **options).write([scored(1)])
    assert synced == [path.stat().st_size] * expected, "after they were written"


async def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    """And is not waited for: it has no reader."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unwritten, match="Illegal seek"):
        await FileSink(tmp_path / "pipe").write([scored(1)])
