"""An edit that Assay fails on, on a wiki where nothing else happens: an edit that got through before tells
whose doing it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from assay.clock import FakeClock
from assay.precache.cursor import Cursor
from assay.precache.ledger import Mark
from precache.answering import RULES, Doing, assay
from precache.running import Given, Quick, following
from servers.processes import Process
from servers.processes import running as running_process
from servers.redis import free_port
from shared_data import ROOT

BAD = 3
GIVEN_UP_S = 900.0


class Poisoned:
    """An Assay that fails on one edit; while it `is_broken`, on everything. `asked`: for what, in order."""

    def __init__(self, doing: Doing) -> None:
        self.asked: list[list[int]] = []
        self.is_broken = False
        self._doing = doing

    def __call__(self, rev_ids: list[int]) -> Doing:
        self.asked.append(rev_ids)
        return self._doing if self.is_broken or BAD in rev_ids else 200


def quick(clock: FakeClock) -> dict[str, Any]:
    return {"patience": Quick(clock), "clock": clock, "give_up_s": GIVEN_UP_S, "request_timeout_s": 0.3}


@pytest.mark.parametrize("doing", [500, 502, "drop", "hang", "garble", "wiki_away"])
async def test_it_is_given_up_although_nothing_else_happens(tmp_path: Path, doing: Doing) -> None:
    poisoned, clock = Poisoned(doing), FakeClock()
    with capture_logs() as logs:
        async with (
            assay(poisoned) as url,
            following(url, tmp_path, Given(1, 2), RULES, **quick(clock)) as running,
        ):
            await running.until(lambda: len(running.sink.events) == 2)
            begun_s = clock.monotonic_s()
            running.stream.add(BAD)
            await running.until(lambda: len(running.sink.events) == 3)
            tried_s = clock.monotonic_s() - begun_s
            running.stream.add(4)
            await running.until(lambda: len(running.sink.events) == 4)
    assert running.sink.rev_ids == [1, 2, BAD, 4]
    assert [event["rev_id"] for event in running.sink.events if "errors" in event] == [BAD]
    assert GIVEN_UP_S - 61 <= tried_s <= GIVEN_UP_S, "as long as any other"
    assert 15 <= poisoned.asked.count([BAD]) <= 21
    assert [line["event"] for line in logs] == ["edit not scored yet", "edit without score"]
    assert Cursor(tmp_path / "given.json", "given").load().position == "4"


async def test_an_earlier_process_knew_one_that_got_through(tmp_path: Path) -> None:
    poisoned, clock = Poisoned("drop"), FakeClock()
    Cursor(tmp_path / "given.json", "given").save(Mark("0", (("elsewhere", 9), ("smallwiki", 1))))
    async with (
        assay(poisoned) as url,
        following(url, tmp_path, Given(BAD), RULES, **quick(clock)) as running,
    ):
        await running.until(lambda: len(running.sink.events) == 1)
    assert running.sink.rev_ids == [BAD]
    assert [9] not in poisoned.asked


async def test_one_that_was_given_up_by_an_earlier_process_is_not_believed(tmp_path: Path) -> None:
    """It is known as told, and fails as before; another that was told tells the truth."""
    poisoned, clock = Poisoned("drop"), FakeClock()
    Cursor(tmp_path / "given.json", "given").save(Mark("0", (("smallwiki", 1), ("smallwiki", BAD))))
    poison_too: list[list[int]] = []

    def doings(rev_ids: list[int]) -> Doing:
        poison_too.append(rev_ids)
        return "drop" if rev_ids == [7] else poisoned(rev_ids)

    async with assay(doings) as url, following(url, tmp_path, Given(7), RULES, **quick(clock)) as running:
        await running.until(lambda: len(running.sink.events) == 1)
    assert running.sink.rev_ids == [7]
    assert [BAD] in poison_too


@pytest.mark.parametrize("doing", [500, "drop", "wiki_away"])
async def test_nothing_is_given_up_while_what_got_through_does_so_no_more(
    tmp_path: Path, doing: Doing
) -> None:
    poisoned, clock = Poisoned(doing), FakeClock()
    async with (
        assay(poisoned) as url,
        following(url, tmp_path, Given(1, 2), RULES, **quick(clock)) as running,
    ):
        await running.until(lambda: len(running.sink.events) == 2)
        poisoned.is_broken = True
        running.stream.add(4)
        await running.until(lambda: clock.monotonic_s() > 20 * GIVEN_UP_S)
        assert len(running.sink.events) == 2
        poisoned.is_broken = False
        await running.until(lambda: len(running.sink.events) == 3)
    assert sorted(running.sink.rev_ids) == [1, 2, 4]
    assert not any("errors" in event for event in running.sink.events)


@pytest.mark.parametrize("instead", ["lag", "wiki_away"])
async def test_what_got_through_and_is_answered_without_a_score_proves_nothing(
    tmp_path: Path, instead: Doing
) -> None:
    """It was deleted meanwhile, or the wiki is away: Assay may as well fail on everything."""
    poisoned, clock = Poisoned("drop"), FakeClock()
    is_unscored = False

    def doings(rev_ids: list[int]) -> Doing:
        doing = poisoned(rev_ids)
        return instead if doing == 200 and is_unscored else doing

    async with assay(doings) as url, following(url, tmp_path, Given(1), RULES, **quick(clock)) as running:
        await running.until(lambda: len(running.sink.events) == 1)
        running.stream.add(2)
        await running.until(lambda: len(running.sink.events) == 2)
        is_unscored = True
        running.stream.add(BAD)
        await running.until(lambda: clock.monotonic_s() > 20 * GIVEN_UP_S)
        assert len(running.sink.events) == 2
        assert {1, 2} <= {asked[0] for asked in poisoned.asked[2:] if len(asked) == 1}, "one after the other"
        is_unscored = False
        running.stream.add(4)
        await running.until(lambda: len(running.sink.events) == 4)
    assert running.sink.rev_ids == [1, 2, 4, BAD]
    assert [event["rev_id"] for event in running.sink.events if "errors" in event] == [BAD]


async def test_the_next_that_got_through_tells_where_one_was_deleted(tmp_path: Path) -> None:
    poisoned, clock = Poisoned("drop"), FakeClock()
    Cursor(tmp_path / "given.json", "given").save(Mark("0", (("smallwiki", 1), ("smallwiki", 2))))

    def doings(rev_ids: list[int]) -> Doing:
        doing = poisoned(rev_ids)
        return "lag" if rev_ids == [2] else doing

    async with assay(doings) as url, following(url, tmp_path, Given(BAD), RULES, **quick(clock)) as running:
        await running.until(lambda: len(running.sink.events) == 1)
    assert running.sink.rev_ids == [BAD]
    assert poisoned.asked[:3] == [[BAD], [2], [1]]
    assert poisoned.asked.count([2]) == 1, "a lasting error: never again"


async def test_an_edit_that_assay_dies_of_is_given_up_where_nothing_else_happens(tmp_path: Path) -> None:
    """Nobody takes connections until the next process has begun."""
    port = free_port()
    script = ROOT / "tests" / "servers" / "fragile_assay.py"
    process = Process("assay", [sys.executable, str(script), str(port), str(BAD)], tmp_path, {})
    url = f"http://127.0.0.1:{port}"
    with running_process(process):
        async with following(url, tmp_path, Given(1, 2), RULES, give_up_s=1.5) as running:
            await running.until(lambda: len(running.sink.events) == 2)
            running.stream.add(BAD)
            await running.until(lambda: len(running.sink.events) == 3)
    assert running.sink.rev_ids == [1, 2, BAD]
    assert "errors" in running.sink.events[-1]
