"""An Assay that takes a request and gives no scores: one edit's doing, which is found and given up alone, or
its own, which is waited for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from assay.clock import FakeClock
from assay.precache.cursor import Cursor
from assay.precache.patience import FIRST_S, MOST_S
from assay.telemetry import PRECACHE_EDITS, PRECACHE_RETRIES
from precache.answering import RULES, WIKI, Doing, assay
from precache.running import Given, Quick, following
from servers.processes import Process
from servers.processes import running as running_process
from servers.redis import free_port
from shared_data import ROOT

BAD = 3
NOT_GIVEN = 1000
"""From here on the wiki gives no revision."""
EVERY_DOING: list[Doing] = [500, 501, 502, 504, 507, "drop", "hang", "garble", "truncate"]
OF_ONE_EDIT = 7
"""Failures in a row that one edit among fifty may cause."""
AGAIN_S = {1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0}


class Failing:
    """An Assay that fails on everything until it `is_mended`. `asked`: for what, in its order."""

    def __init__(self, doing: Doing) -> None:
        self.asked: list[list[int]] = []
        self.is_mended = False
        self._doing = doing

    def __call__(self, rev_ids: list[int]) -> Doing:
        self.asked.append(rev_ids)
        return 200 if self.is_mended else self._doing


def pauses(patience: Quick) -> list[float]:
    """Before requests, not those of single edits."""
    return [wait for wait in patience.waits if wait not in AGAIN_S]


@pytest.mark.parametrize("doing", EVERY_DOING)
async def test_an_edit_without_an_answer_is_given_up_and_holds_up_no_other(
    tmp_path: Path, doing: Doing
) -> None:
    asked: list[list[int]] = []

    def doings(rev_ids: list[int]) -> Doing:
        asked.append(rev_ids)
        return doing if BAD in rev_ids else 200

    options: dict[str, Any] = {"give_up_s": 1.5, "parallel": 1}
    if doing == "hang":
        options["request_timeout_s"] = 0.3
    with capture_logs() as logs:
        async with (
            assay(doings) as url,
            following(url, tmp_path, Given(*range(1, 41)), RULES, **options) as running,
        ):
            await running.until(lambda: len(running.sink.events) == 39)
            assert BAD not in running.sink.rev_ids, "all others are told before it is given up"
            running.stream.add(41)  # which gets through, so that the failure is the edit's own
            await running.until(lambda: len(running.sink.events) == 41)
            assert running.metrics.value(PRECACHE_EDITS, WIKI, "damaging", "failed") == 1
            assert running.metrics.value(PRECACHE_RETRIES, "cell") == 1
            assert running.metrics.value(PRECACHE_RETRIES, "away") == 0
    error = running.sink.events[-1]["errors"]["damaging"]
    assert error["type"] == "RequestFailed"
    if isinstance(doing, int):
        assert error["message"] == f"HTTP {doing}: No scorer here."
    assert asked.count([BAD]) == 2, "at once, and once more within give_up_s"
    assert [(line["event"], line["rev_id"], line["reason"]) for line in logs] == [
        ("edit not scored yet", BAD, error["message"]),
        ("edit without score", BAD, error["message"]),
    ]
    assert Cursor(tmp_path / "given.json", "given").load().position == "41"


@pytest.mark.parametrize("doing", [500, "drop"])
@pytest.mark.parametrize("parallel", [1, 4])
async def test_whoever_fails_on_everything_is_left_in_peace_and_asked_for_single_edits(
    tmp_path: Path, doing: Doing, parallel: int
) -> None:
    failing = Failing(doing)
    clock = FakeClock()
    patience = Quick(clock)
    edits = range(1, 201)
    with capture_logs() as logs:
        async with (
            assay(failing) as url,
            following(
                url, tmp_path, Given(*edits), RULES, patience=patience, clock=clock, parallel=parallel
            ) as running,
        ):
            await running.until(lambda: len(failing.asked) >= 60)
            alone, before = failing.asked[OF_ONE_EDIT + parallel :], pauses(patience)
            failing.is_mended = True
            await running.until(lambda: len(running.sink.events) == len(edits))
            after = len(failing.asked)
    told = [line["event"] for line in logs]
    assert told.count("Assay fails on everything") >= len(alone)
    assert told.count("edit not scored yet") <= OF_ONE_EDIT, "it is not the edits' doing"
    assert all(len(rev_ids) == 1 for rev_ids in alone)
    assert len({tuple(rev_ids) for rev_ids in alone[:40]}) > 20, "not the same one again and again"
    assert len(before) >= len(failing.asked[: 60 - OF_ONE_EDIT - parallel]), "a pause before each request"
    assert all(MOST_S / 2 <= pause_s <= MOST_S for pause_s in before[-30:])
    assert before[0] <= FIRST_S, "at first it may be a moment only"
    assert after <= 60 + 40, "once it is back, many are asked for together again"
    assert sorted(running.sink.rev_ids) == list(edits)
    assert not any("errors" in event for event in running.sink.events)


@pytest.mark.parametrize("doing", [500, "drop"])
async def test_nothing_is_given_up_while_nothing_gets_through(tmp_path: Path, doing: Doing) -> None:
    failing = Failing(doing)
    clock = FakeClock()
    options: dict[str, Any] = {"patience": Quick(clock), "clock": clock, "give_up_s": 0.5}
    begun_s = clock.monotonic_s()
    async with (
        assay(failing) as url,
        following(url, tmp_path, Given(1, 2, 3), RULES, **options) as running,
    ):
        await running.until(lambda: all(failing.asked.count([rev_id]) >= 20 for rev_id in (1, 2, 3)))
        assert clock.monotonic_s() - begun_s > 900, "longer than an edit is tried"
        failing.is_mended = True
        await running.until(lambda: len(running.sink.events) == 3)
    assert not any("errors" in event for event in running.sink.events)


async def test_an_edit_that_fails_again_and_again_delays_no_others(tmp_path: Path) -> None:
    """Nothing else happens meanwhile, so that nothing else gets through."""
    asked: list[list[int]] = []

    def doings(rev_ids: list[int]) -> Doing:
        asked.append(rev_ids)
        return "drop" if BAD in rev_ids else 200

    clock = FakeClock()
    patience = Quick(clock)
    async with (
        assay(doings) as url,
        following(url, tmp_path, Given(BAD), RULES, patience=patience, clock=clock) as running,
    ):
        await running.until(lambda: asked.count([BAD]) >= 3 * OF_ONE_EDIT)
        assert running.sink.events == []
        running.stream.add(4)
        await running.until(lambda: 4 in running.sink.rev_ids)
        assert pauses(patience) == []


async def test_a_suspect_is_asked_for_alone_however_many_wait(tmp_path: Path) -> None:
    asked: list[list[int]] = []
    stream = Given(1, BAD, 4)

    def doings(rev_ids: list[int]) -> Doing:
        asked.append(rev_ids)
        if rev_ids == [BAD]:  # others happen, and get through, before it is its turn again
            for _ in range(10):
                stream.add(1000 + len(stream.items))
        return "drop" if BAD in rev_ids else 200

    clock = FakeClock()
    async with (
        assay(doings) as url,
        following(
            url, tmp_path, stream, RULES, patience=Quick(clock), clock=clock, give_up_s=300.0
        ) as running,
    ):
        await running.until(lambda: BAD in running.sink.rev_ids)
    first = asked.index([BAD])
    assert all(rev_ids == [BAD] for rev_ids in asked[first:] if BAD in rev_ids)
    assert asked.count([BAD]) >= 8
    failed = [event["rev_id"] for event in running.sink.events if "errors" in event]
    assert failed == [BAD]


async def test_an_edit_that_has_an_answer_is_no_suspect_any_more(tmp_path: Path) -> None:
    """Its replicas lag; so it is asked for again, and now with others."""
    asked: list[list[int]] = []
    stream = Given(1, BAD)

    def doings(rev_ids: list[int]) -> Doing:
        asked.append(rev_ids)
        if BAD not in rev_ids:
            return 200
        if asked.count([BAD]) <= 1:
            return "drop"
        if len(rev_ids) == 1:
            for _ in range(5):
                stream.add(1000 + len(stream.items))
            return "lag"
        return 200

    clock = FakeClock()
    options: dict[str, Any] = {"patience": Quick(clock), "clock": clock, "parallel": 1, "lag_attempts": 500}
    async with assay(doings) as url, following(url, tmp_path, stream, RULES, **options) as running:
        await running.until(lambda: BAD in running.sink.rev_ids)
    assert not any("errors" in event for event in running.sink.events)
    assert [BAD] in asked


async def test_the_time_while_assay_was_away_does_not_count(tmp_path: Path) -> None:
    """Others get through after the outage and before the edit that failed once, which fails once more."""
    clock = FakeClock()
    outage = iter([503] * 400)
    asked: list[list[int]] = []

    def doings(rev_ids: list[int]) -> Doing:
        if asked and (status := next(outage, None) or (503 if [2] not in asked and rev_ids == [1] else None)):
            return status
        asked.append(rev_ids)
        return "drop" if rev_ids == [1] and asked.count([1]) <= 2 else 200

    options: dict[str, Any] = {"patience": Quick(clock), "clock": clock, "parallel": 2}
    async with assay(doings) as url, following(url, tmp_path, Given(1), RULES, **options) as running:
        await running.until(lambda: len(asked) == 1)
        running.stream.add(2)
        await running.until(lambda: len(running.sink.events) == 2)
        assert clock.monotonic_s() > 3000, "longer than an edit is tried"
    assert asked == [[1], [2], [1], [1]]
    assert not any("errors" in event for event in running.sink.events)


async def test_the_time_while_nothing_got_through_does_not_count(tmp_path: Path) -> None:
    """An edit fails for hours with all others, and once more when they get through again."""
    clock = FakeClock()
    is_mended = False
    asked: list[list[int]] = []

    def doings(rev_ids: list[int]) -> Doing:
        if not is_mended or (rev_ids == [1] and [2] not in asked):
            return "drop"
        asked.append(rev_ids)
        return "drop" if rev_ids == [1] and asked.count([1]) == 1 else 200

    options: dict[str, Any] = {"patience": Quick(clock), "clock": clock, "parallel": 1}
    async with assay(doings) as url, following(url, tmp_path, Given(1), RULES, **options) as running:
        await running.until(lambda: clock.monotonic_s() > 3000)
        is_mended = True
        running.stream.add(2)
        await running.until(lambda: len(running.sink.events) == 2)
    assert asked == [[2], [1], [1]]
    assert not any("errors" in event for event in running.sink.events)


async def test_an_edit_that_assay_dies_of_takes_no_other_with_it(tmp_path: Path) -> None:
    """Requests under way break off with it."""
    port, stream = free_port(), Given(*range(1, 41))
    script = ROOT / "tests" / "servers" / "fragile_assay.py"
    process = Process("assay", [sys.executable, str(script), str(port), str(BAD)], tmp_path, {})
    options: dict[str, Any] = {"give_up_s": 1.5, "batch": 8}
    with running_process(process):
        async with following(f"http://127.0.0.1:{port}", tmp_path, stream, RULES, **options) as running:
            await running.until(lambda: len(running.sink.events) >= 39)
            while BAD not in running.sink.rev_ids:  # others get through
                stream.add(len(stream.items) + 1)
                await running.until(lambda: len(running.sink.events) >= len(stream.items) - 1)
            await running.until(lambda: len(running.sink.events) == len(stream.items))
    assert process.text().count("begun") > 3, "it died more than once"
    assert sorted(running.sink.rev_ids) == list(range(1, len(stream.items) + 1))
    assert [event["rev_id"] for event in running.sink.events if "errors" in event] == [BAD]


@pytest.mark.parametrize("doing", [500, "drop"])
@pytest.mark.parametrize("instead", ["lag", "wiki_away"])
async def test_an_answer_without_a_score_is_no_sign_that_assay_works(
    tmp_path: Path, doing: Doing, instead: Doing
) -> None:
    """It fails on whatever it must score, and answers for edits whose wiki does not give them."""
    asked: list[list[int]] = []
    stream, clock = Given(1), FakeClock()
    is_mended = False

    def doings(rev_ids: list[int]) -> Doing:
        asked.append(rev_ids)
        if min(rev_ids) >= NOT_GIVEN:
            return instead
        if not is_mended and len(stream.items) < 100:
            stream.add(NOT_GIVEN + len(stream.items))
        return 200 if is_mended else doing

    async with (
        assay(doings) as url,
        following(url, tmp_path, stream, RULES, patience=Quick(clock), clock=clock) as running,
    ):
        await running.until(lambda: clock.monotonic_s() > 3000 and asked.count([1]) > 30)
        assert 1 not in running.sink.rev_ids, "longer than an edit is tried that fails alone"
        is_mended = True
        stream.add(2)
        await running.until(lambda: {1, 2} <= set(running.sink.rev_ids))
    scored = {event["rev_id"] for event in running.sink.events if "errors" not in event}
    assert {1, 2} <= scored
