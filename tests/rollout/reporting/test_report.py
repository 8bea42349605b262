"""The report that a journal writes by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.clock import FakeClock
from assay.errors import JournalError
from assay.rollout.journal import Journal, read_journal
from assay.rollout.judging.check import Check
from assay.rollout.judging.verdict import Verdict
from assay.rollout.reporting.report import rollout_ids, write_report
from assay.rollout.state import INFORMATION
from assay.rollout.wording import words
from rollout.any_json import JSON
from rollout.test_state import ALL_STAGES, START, STARTED, entries

BAD = Verdict((Check("shape", "bad", "null for an object | in /v3/scores/a", {}, START.timestamp() + 3.5),))
GOOD = Verdict((Check("shape", "good", "200 requests"), Check("memory", "no_data", "3 jobs")))


def _stage(number: int) -> tuple[str, dict[str, Any]]:
    stage = STARTED["plan"][number]
    return "stage", {name: stage[name] for name in ("number", "data_centre", "kind", "weight")}


ROLLED_BACK: list[tuple[str, Mapping[str, Any]]] = [
    ("started", STARTED),
    _stage(1),
    ("verdict", {"stage": 1, "checks": GOOD.as_data()}),
    ("verdict", {"stage": 1, "checks": GOOD.as_data()}),
    ("verdict", {"stage": 1, "checks": BAD.as_data()}),
    ("rolling_back", {"reason": BAD.reason, "bad_since_s": BAD.bad_since_s}),
    ("weights", {"data_centre": "codfw", "weights": {"blue": 100, "green": 0}}),
    ("rolled_back", {"served": 12, "failed": 3, "last_candidate_s": START.timestamp() + 6.75}),
]


def test_a_rollback_is_told_from_beginning_to_end() -> None:
    report = write_report(entries(*ROLLED_BACK))
    assert "# Rollout r1" in report
    assert "Rolled back after 7 s: shape: null for an object" in report
    assert "started 2026-11-26 12:00:01.000 by ada" in report
    assert "requests served by the candidate: 12" in report
    assert "of these failed: 3" in report
    assert "first bad evidence to decision: 2.50 s" in report
    assert "decision to last user's request at the candidate: 0.75 s" in report
    assert "decision to rollback complete: 2.00 s" in report
    assert "| 2026-11-26 12:00:07.000 | controller | weights in codfw: blue 100 %, green 0 % |" in report
    assert "| shape | bad | null for an object \\| in /v3/scores/a |" in report


def test_a_verdict_that_found_the_same_again_is_told_once() -> None:
    report = write_report(entries(*ROLLED_BACK))
    assert report.count("verdict good: shape; no data: memory") == 1
    assert report.count("verdict bad: ") == 1


def test_what_the_journal_does_not_tell_is_unknown() -> None:
    told = [("started", STARTED), ("aborted", {"reason": "no", "by": "eve"}), ("rolled_back", {})]
    report = write_report(entries(*told))
    assert "requests served by the candidate: unknown" in report
    assert "first bad evidence to decision: unknown, or none" in report
    assert "ended by an operator's order" in report
    assert "| eve | ordered to roll back: no |" in report


@pytest.mark.parametrize(
    ("told", "ending"),
    [
        ([], "Running: stage codfw preflight"),
        ([_stage(1), ("paused", {"reason": "lunch", "by": "ada"})], "Paused in stage codfw synthetic: lunch"),
        ([("rolling_back", {"reason": "slow"})], "Rolling back: slow"),
        ([*ALL_STAGES, ("done", {"served": 5, "failed": 0})], "Done after 16 s"),
    ],
)
def test_each_ending_is_said_first(told: list[tuple[str, Mapping[str, Any]]], ending: str) -> None:
    assert ending in write_report(entries(("started", STARTED), *told)).splitlines()[2]


def test_words_from_outside_are_no_markup() -> None:
    evil = "a | b\n# c <script> [x](javascript:1) `d` **e**"
    table = write_report(entries(("started", {**STARTED, "by": evil}), ("note", {"text": evil})))
    assert "<script>" not in table
    assert "[x](" not in table.replace("\\[x\\](", "")
    for line in table.splitlines():
        if line.startswith("| 2026"):
            assert line.replace("\\|", "").count("|") == 4


def test_an_entry_has_the_words_that_the_page_gives_it() -> None:
    told = entries(*ROLLED_BACK)
    rows = [line for line in write_report(told).splitlines() if line.startswith("| 2026")]
    told_once = [*told[:3], *told[4:]]
    assert [row.replace("\\", "").split(" | ", 2)[2] for row in rows] == [
        f"{words(it)} |" for it in told_once
    ]


@given(
    st.sampled_from(sorted(INFORMATION)),
    st.dictionaries(st.sampled_from(["checks", "stage", "weights", "by", "text"]), JSON)
    | st.lists(st.dictionaries(st.sampled_from(["name", "status"]), JSON)).map(lambda it: {"checks": it}),
)
def test_an_entry_that_only_informs_never_spoils_the_report(kind: str, data: dict[str, Any]) -> None:
    """The fold does not look at its form, so that a release of another day may say more or less."""
    told = entries(("started", STARTED), (kind, data), ("note", {"text": "the end"}))
    assert "note: the end" in write_report(told)


def test_one_rollout_of_many_is_picked_by_its_id() -> None:
    second = {**STARTED, "id": "r2"}
    told = entries(*ROLLED_BACK, ("started", second), *ALL_STAGES, ("done", {"served": 1, "failed": 0}))
    assert rollout_ids(told) == ["r1", "r2"]
    assert "Rolled back" in write_report(told, "r1")
    assert "Done" in write_report(told, "r2")
    assert "Done" in write_report(told)
    with pytest.raises(JournalError, match="no rollout r3; it has r1, r2"):
        write_report(told, "r3")
    with pytest.raises(JournalError, match="no rollout; it has none"):
        write_report([])


def test_a_report_is_written_from_the_file_alone(tmp_path: Path) -> None:
    clock = FakeClock(START)
    with Journal(tmp_path, clock) as journal:
        for kind, data in ROLLED_BACK:
            clock.advance(1)
            journal.append(kind, data)
    assert write_report(read_journal(tmp_path)) == write_report(entries(*ROLLED_BACK))


def test_times_are_utc() -> None:
    zone = timezone(timedelta(hours=5.5))
    local = [replace(entry, at=entry.at.astimezone(zone)) for entry in entries(*ROLLED_BACK)]
    assert write_report(local) == write_report(entries(*ROLLED_BACK))
