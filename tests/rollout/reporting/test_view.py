"""The document of a rollout: what it shows, and what garbled information does to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.clock import FakeClock
from assay.rollout.journal import Entry, Journal, read_journal
from assay.rollout.options import DataCentreSettings, RolloutOptions
from assay.rollout.plan import make_watch_plan
from assay.rollout.reporting.journal_reader import JournalReader, Reading
from assay.rollout.reporting.pages import Pages
from assay.rollout.reporting.view import MAX_FIGURES, document
from rollout.any_json import JSON
from rollout.told import NOON, Teller, whole

FIELDS = ["by", "reason", "text", "weights", "checks", "stage", "candidate", "data_centre", "served", "kind"]


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from([*FIELDS, "number"]), JSON), st.lists(JSON, max_size=4))
def test_any_information_in_a_journal_can_be_shown(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any], checks: list[Any]
) -> None:
    data, checks = (
        json.loads(json.dumps(x).replace("NaN", "1").replace("-Infinity", "2").replace("Infinity", "3"))
        for x in (data, checks)
    )
    folder, clock = tmp_path_factory.mktemp("journal"), FakeClock(NOON)
    with Journal(folder, clock) as journal:
        teller = Teller(journal, clock)
        teller.start()
        for kind in ("weights", "verdict", "note", "action"):
            journal.append(kind, _writable(data))
        journal.append(
            "verdict",
            {"stage": data.get("stage"), "checks": checks}
            if _is_writable([checks, data.get("stage")])
            else {},
        )
    reader = JournalReader(folder)
    with reader.refreshed() as (reading, stories):
        told = document(reading, stories, stories[-1], reader.page())
    assert reading.problem is None
    assert "codfw" in Pages("").render(told, version="v", before=None)
    json.dumps(told)


def _is_writable(value: Any) -> bool:
    """orjson writes no integers beyond 64 bits, and no lone surrogates."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def _writable(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if _is_writable(value)}


def test_figures_that_are_shown_are_few_and_short(tmp_path: Path) -> None:
    clock = FakeClock(NOON)
    figures = {f"k{number}": {"deep": ["x" * 300] * 2} for number in range(1000)}
    with Journal(tmp_path, clock) as journal:
        Teller(journal, clock).start()
        check = {"name": "n" * 999, "status": "odd", "sentence": "s" * 9999, "figures": figures}
        journal.append("verdict", {"stage": 0, "checks": [check] * 3})
    reader = JournalReader(tmp_path)
    with reader.refreshed() as (reading, stories):
        told = document(reading, stories, stories[-1], reader.page())
    (shown, *_) = told["rollout"]["verdict"]["checks"]
    assert (shown["status"], len(shown["figures"])) == ("no_data", MAX_FIGURES)
    assert len(json.dumps(told)) < 60_000


def test_stages_that_were_left_have_times_that_add_up(tmp_path: Path) -> None:
    whole(tmp_path, FakeClock(NOON))
    reader = JournalReader(tmp_path)
    with reader.refreshed() as (reading, stories):
        rollout = document(reading, stories, stories[-1], ())["rollout"]
    entries = read_journal(tmp_path)
    stages = rollout["stages"]
    assert stages[0]["began_s"] == entries[0].at_s == rollout["started_s"]
    assert stages[-1]["ended_s"] == entries[-1].at_s == rollout["ended_s"]
    assert all(stage["state"] == "done" for stage in stages)
    assert all(one["ended_s"] == other["began_s"] for one, other in pairwise(stages))


def told_of(folder: Path, clock: FakeClock, tell: Callable[[Teller], None]) -> dict[str, Any]:
    """The document of the rollout that `tell` writes after its start."""
    with Journal(folder, clock) as journal:
        teller = Teller(journal, clock)
        teller.start()
        tell(teller)
    reader = JournalReader(folder)
    with reader.refreshed() as (reading, stories):
        told: dict[str, Any] = document(reading, stories, stories[-1], reader.page())["rollout"]
    return told


@pytest.mark.parametrize(("finish", "status"), [(False, "rolling_back"), (True, "rolled_back")])
def test_a_stage_that_failed_is_the_last_one(tmp_path: Path, finish: bool, status: str) -> None:
    def tell(teller: Teller) -> None:
        for stage in teller.plan.stages[:3]:
            teller.enter(stage)
        teller.roll_back(finish=finish, reason="shape: x")

    told = told_of(tmp_path, FakeClock(NOON), tell)
    states = [stage["state"] for stage in told["stages"]]
    assert (told["status"], told["reason"]) == (status, "shape: x")
    assert states == ["done", "done", "failed"] + ["never"] * (len(states) - 3)
    assert told["stages"][2]["ended_s"] == told["decided_s"], "when it was decided, not when it was done"
    assert (told["ended_s"] is None) is not finish
    assert told["effect"] == ({"served": 12, "failed": 0} if finish else {})


def test_a_stage_that_goes_on_has_no_end(tmp_path: Path) -> None:
    told = told_of(tmp_path, FakeClock(NOON), lambda teller: teller.enter(teller.plan.stages[1]))
    first, second, third = told["stages"][:3]
    assert first["ended_s"] == second["began_s"]
    assert (second["state"], second["ended_s"]) == ("running", None)
    assert (third["state"], third["began_s"], third["ended_s"]) == ("to_come", None, None)


def test_figures_are_told_for_reading(tmp_path: Path) -> None:
    figures = {
        "arms": {"ok": True, "lost": False, "count": 1234, "share": 0.123456, "none": None, "empty": {}},
        "some": [1, 0.5, "a\n b"],
    }
    check = {"name": "shape", "status": "good", "sentence": "a  \n b", "figures": figures}

    def tell(teller: Teller) -> None:
        teller.enter(teller.plan.stages[1])
        checks = [check, {**check, "name": "not_asked_for"}]
        teller.journal.append("verdict", {"stage": 1, "checks": checks})

    verdict = told_of(tmp_path, FakeClock(NOON), tell)["verdict"]
    first, second = verdict["checks"]
    assert {row["name"]: row["value"] for row in first["figures"]} == {
        "arms.ok": "yes",
        "arms.lost": "no",
        "arms.count": "1234",
        "arms.share": "0.1235",
        "arms.none": "–",
        "some": "1, 0.5, a b",
    }
    assert (first["sentence"], verdict["outcome"]) == ("a b", "good")
    assert (first["is_required"], second["is_required"]) == (True, False)


def reading(**others: Any) -> Reading:
    told: dict[str, Any] = {"entries": 5, "digest": "d", "problem": None, "is_behind": False, "exists": True}
    return Reading(**(told | {"path": "/var/journal"} | others))


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (reading(), "sound"),
        (reading(is_behind=True), "reading"),
        (reading(entries=0, exists=False), "empty"),
        (reading(problem="line 3 was altered", is_behind=True), "damaged"),
        (reading(problem="no rights", exists=False, entries=0), "unreadable"),
    ],
)
def test_what_is_known_of_the_journal(told: Reading, state: str) -> None:
    shown = document(told, (), None, ())
    assert shown["journal"]["state"] == state
    assert shown["journal"]["digest"] == ("d" if told.entries else None)
    assert (shown["rollout"], shown["former"]) == (None, [])
    assert shown["entries"] == {"items": [], "before": None}


@pytest.mark.parametrize(("oldest", "before"), [(1, None), (2, 2), (30, 30)])
def test_older_entries_are_those_before_the_last_one_shown(oldest: int, before: int | None) -> None:
    entries = [Entry(number, NOON, "note", {}, "", "") for number in (oldest + 1, oldest)]
    assert document(reading(), (), None, entries)["entries"]["before"] == before


def test_a_former_rollout_is_shown_beside_the_others(tmp_path: Path) -> None:
    with Journal(tmp_path, FakeClock(NOON)) as journal:
        for name in ("one", "two", "three"):
            teller = Teller(journal, FakeClock(NOON), name)
            teller.start()
            teller.roll_back(reason="x")
    with JournalReader(tmp_path).refreshed() as (told, stories):
        shown = [document(told, stories, story, ()) for story in stories]
    assert [one["rollout"]["is_newest"] for one in shown] == [False, False, True]
    assert [[other["id"] for other in one["former"]] for one in shown] == [
        ["three", "two"],
        ["three", "one"],
        ["two", "one"],
    ]
    assert shown[0]["rollout"]["verdict"] is None


def test_all_data_centres_are_watched_at_once_until_the_end(tmp_path: Path) -> None:
    settings = {name: DataCentreSettings("/x", "http://x", {}) for name in ("codfw", "eqiad")}
    plan = make_watch_plan(RolloutOptions(settings, str(tmp_path)), list(settings))
    clock = FakeClock(NOON)
    with Journal(tmp_path, clock) as journal:
        arms = {arm: {"slot": arm, "release": arm} for arm in ("stable", "candidate")}
        journal.append(
            "started", {"id": "w", "plan": plan.as_data(), "is_emergency": False, "by": "ada"} | arms
        )
        with JournalReader(tmp_path).refreshed() as (told, stories):
            stages = document(told, stories, stories[-1], ())["rollout"]["stages"]
        clock.advance(60)
        journal.append("ended", {"reason": "another candidate"})
        with JournalReader(tmp_path).refreshed() as (told, stories):
            rollout = document(told, stories, stories[-1], ())["rollout"]
    assert [(stage["state"], stage["ended_s"]) for stage in stages] == [("running", None)] * 2
    assert {stage["began_s"] for stage in stages} == {NOON.timestamp()}
    assert [stage["state"] for stage in rollout["stages"]] == ["ended"] * 2
    assert {stage["ended_s"] for stage in rollout["stages"]} == {NOON.timestamp() + 60}
