"""A stream's position on the disk: behind it, through a disk that is slow, full, or hangs."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from assay.precache.cursor import Cursor
from assay.precache.following import Following, all_saved
from assay.precache.ledger import Mark
from assay.precache.stream import Followed
from assay.tasks import end
from waiting import until_async

FAR_S = 3600.0


class Still:
    async def follow(self, position: str | None) -> AsyncGenerator[Followed]:
        await asyncio.Event().wait()
        yield Followed(None)

    async def aclose(self) -> None:
        pass


class Disk(Cursor):
    """`failures`: so many writes fail, as on a full disk. `may`: a write hangs until it is set."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "x")
        self.failures = 0
        self.saves = 0
        self.may = threading.Event()
        self.may.set()

    def save(self, mark: Mark) -> None:
        self.saves += 1
        self.may.wait(60)
        if self.failures:
            self.failures -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().save(mark)


@asynccontextmanager
async def saving(disk: Disk, idle_s: float = 0.01) -> AsyncIterator[tuple[Following, asyncio.Task[None]]]:
    one = Following("club", Still(), disk, 10, idle_s=idle_s)
    saver = asyncio.create_task(one.save_on())
    try:
        yield one, saver
    finally:
        disk.may.set()
        one.over()
        await end([saver])


def tell(one: Following, rev_id: int) -> None:
    one.ledger.close(one.ledger.enter(("clubwiki", rev_id), str(rev_id)))
    one.told()


async def test_it_begins_where_the_last_process_came_to(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "club.json")
    async with saving(disk) as (one, saver):
        assert (one.name, one.position) == ("club", None)
        assert isinstance(one.stream, Still)
        tell(one, 7)
        await all_saved([one], [saver])
        assert saver.done()
        saver.result()
    later = Following("club", Still(), disk, 10)
    assert later.position == "7"
    assert later.ledger.knows(("clubwiki", 7))


async def test_what_was_told_is_stored_at_once_and_what_was_passed_soon(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "club.json")
    async with saving(disk) as (one, _):
        for position in ("1", "2"):
            one.ledger.pass_by(position)
            one.passed()
            await until_async(lambda: disk.load().position == one.ledger.mark().position)
    async with saving(disk, FAR_S) as (one, saver):
        one.ledger.pass_by("3")
        one.passed()
        await asyncio.sleep(0.05)
        assert disk.load().position == "2", "it can wait"
        tell(one, 4)
        await until_async(lambda: disk.load().position == "4")
        one.ledger.pass_by("5")
        one.passed()
        await all_saved([one], [saver])
        assert disk.load().position == "5", "not after the end"
    assert disk.saves == 4


async def test_the_first_position_is_stored_at_once(tmp_path: Path) -> None:
    """Without it, another start would begin with what happens then."""
    disk = Disk(tmp_path / "club.json")
    async with saving(disk, FAR_S) as (one, _):
        one.ledger.pass_by("1")
        one.passed()
        await until_async(lambda: disk.load().position == "1")


async def test_while_one_is_written_others_gather_and_nothing_new_is_not_written(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "club.json")
    disk.may.clear()
    async with saving(disk) as (one, saver):
        tell(one, 1)
        await until_async(lambda: disk.saves == 1)
        for rev_id in range(2, 100):
            tell(one, rev_id)
        disk.may.set()
        await until_async(lambda: disk.load().position == "99")
        one.told()
        await all_saved([one], [saver])
    assert disk.saves == 2


async def test_a_full_disk_ends_nothing_and_is_told(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "club.json")
    disk.failures = 2
    with capture_logs() as logs:
        async with saving(disk) as (one, saver):
            tell(one, 1)
            await until_async(lambda: disk.load().position == "1")
            assert not saver.done()
    reason = os.strerror(errno.ENOSPC)
    told = [(line["event"], line["stream"], line["reason"], line["failures"]) for line in logs]
    assert told == [("position not stored", "club", reason, failures) for failures in (1, 2)]


async def test_a_disk_that_is_full_to_the_end_is_an_error(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "club.json")
    disk.failures = 10**9
    async with saving(disk) as (one, saver):
        tell(one, 1)
        await until_async(lambda: disk.saves >= 1)
        await all_saved([one], [saver])
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            saver.result()


async def test_a_disk_that_hangs_is_left_at_the_end(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "club.json")
    disk.may.clear()
    with capture_logs() as logs:
        async with saving(disk) as (one, saver), asyncio.timeout(30):
            tell(one, 1)
            await all_saved([one], [saver], 0.05)
            assert saver.cancelled()
    assert [line["event"] for line in logs] == ["positions not stored"]
