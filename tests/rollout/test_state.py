"""The state is what the journal says, and the journal says nothing impossible."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import JournalError
from assay.rollout.journal import Entry
from assay.rollout.plan import make_plan, make_watch_plan
from assay.rollout.state import Rollout, after, fold
from rollout.arms import CANDIDATE, STABLE, options

PLAN = make_plan(options())
START = datetime(2026, 11, 26, 12, tzinfo=UTC)
STARTED: dict[str, Any] = {
    "id": "r1",
    "stable": {"slot": STABLE.slot, "release": STABLE.release},
    "candidate": {"slot": CANDIDATE.slot, "release": CANDIDATE.release},
    "plan": PLAN.as_data(),
    "is_emergency": False,
    "by": "ada",
}
ALL_STAGES = [("stage", {"number": number}) for number in range(1, len(PLAN.stages))]


def entries(*told: tuple[str, Mapping[str, Any]]) -> list[Entry]:
    """One a second."""
    return [
        Entry(number, START + timedelta(seconds=number), kind, data, "", "")
        for number, (kind, data) in enumerate(told, 1)
    ]


def state(*told: tuple[str, Mapping[str, Any]]) -> Rollout:
    found = fold(entries(("started", STARTED), *told))
    assert found is not None
    return found


def test_no_journal_is_no_rollout() -> None:
    assert fold([]) is None
    assert fold(entries(("note", {"text": "hello"}))) is None


def test_a_start_is_the_first_stage() -> None:
    begun = state()
    assert (begun.id, begun.stable, begun.candidate, begun.plan) == ("r1", STABLE, CANDIDATE, PLAN)
    assert (begun.stage, begun.status, begun.data_centre) == (0, "running", "codfw")
    assert begun.since_s == begun.started_s == START.timestamp() + 1


def test_stages_follow_each_other_to_the_end() -> None:
    assert state(*ALL_STAGES[:9]).data_centre == "eqiad"
    ended = state(*ALL_STAGES, ("done", {}))
    assert (ended.status, ended.is_over) == ("done", True)


def test_a_pause_keeps_the_stage_and_its_limit_begins_anew() -> None:
    paused = state(ALL_STAGES[0], ("paused", {"reason": "lunch"}))
    assert (paused.status, paused.reason, paused.stage) == ("paused", "lunch", 1)
    resumed = state(ALL_STAGES[0], ("paused", {"reason": "lunch"}), ("resumed", {}))
    assert (resumed.status, resumed.reason, resumed.since_s) == ("running", "", START.timestamp() + 4)


def test_a_rollback_survives_a_kill_between_its_two_ends() -> None:
    half = state(("rolling_back", {"reason": "slow"}))
    assert (half.status, half.is_over, half.is_aborted) == ("rolling_back", False, False)
    assert state(("rolling_back", {"reason": "slow"}), ("rolled_back", {})).status == "rolled_back"


def test_an_abort_rolls_back_even_from_a_pause() -> None:
    ended = state(
        ("paused", {"reason": "x"}), ("aborted", {"reason": "no", "by": "ada"}), ("rolled_back", {})
    )
    assert (ended.status, ended.is_aborted, ended.reason) == ("rolled_back", True, "no")


WATCHED = {**STARTED, "plan": make_watch_plan(options(), ["codfw", "eqiad"]).as_data()}


def test_a_watched_rollout_can_only_end() -> None:
    begun = fold(entries(("started", WATCHED)))
    assert begun is not None
    assert (begun.is_watched, begun.is_over) == (True, False)
    ended = fold(entries(("started", WATCHED), ("verdict", {}), ("ended", {"reason": "x"})))
    assert ended is not None
    assert (ended.status, ended.is_over, ended.reason) == ("ended", True, "x")
    for kind in ("stage", "paused", "aborted", "rolling_back", "rolled_back", "done"):
        with pytest.raises(JournalError, match="only watched"):
            fold(entries(("started", WATCHED), (kind, {"number": 1, "reason": "x"})))
    with pytest.raises(JournalError, match="not only watched"):
        state(("ended", {"reason": "x"}))


def test_the_next_rollout_begins_afresh() -> None:
    again = state(*ALL_STAGES, ("done", {}), ("started", {**STARTED, "id": "r2"}))
    assert (again.id, again.stage, again.status) == ("r2", 0, "running")


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ([("started", STARTED)], r"entry 2 \(started\).*r1 is not over"),
        ([("stage", {"number": 2})], r"entry 2 \(stage\).*cannot follow stage 0"),
        ([("stage", {"number": 0})], "cannot follow stage 0"),
        ([*ALL_STAGES, ("stage", {"number": 16})], "stage 16 of 16"),
        ([("done", {})], "running in stage 0 of 16"),
        ([("resumed", {})], "not paused"),
        ([("paused", {"reason": ""}), ("paused", {"reason": ""})], "the rollout is paused"),
        ([("paused", {"reason": ""}), ALL_STAGES[0]], "the rollout is paused"),
        ([("rolled_back", {})], "not rolling back"),
        ([("rolling_back", {"reason": "a"}), ("aborted", {"reason": "b"})], "rolling back already"),
        ([("rolling_back", {"reason": "a"}), ("rolling_back", {"reason": "b"})], "rolling back already"),
        ([("rolling_back", {"reason": "a"}), ALL_STAGES[0]], "the rollout is rolling_back"),
        ([("rolling_back", {"reason": "a"}), ("rolled_back", {}), ALL_STAGES[0]], "r1 is over"),
        ([("promoted", {})], "does not know its kind"),
        ([("stage", {})], r"entry 2 \(stage\) lacks or garbles something: KeyError\('number'\)"),
        ([("stage", {"number": "two"})], "lacks or garbles"),
        ([("paused", {})], "lacks or garbles"),
    ],
)
def test_impossible_entries_are_named(told: list[tuple[str, Mapping[str, Any]]], complaint: str) -> None:
    with pytest.raises(JournalError, match=complaint):
        state(*told)


@pytest.mark.parametrize(
    "started",
    [
        {key: value for key, value in STARTED.items() if key != "plan"},
        {**STARTED, "plan": []},
        {**STARTED, "plan": [{"number": 0}]},
        {**STARTED, "candidate": STARTED["stable"]},
        {**STARTED, "stable": "blue"},
    ],
)
def test_a_garbled_start_is_refused(started: dict[str, Any]) -> None:
    with pytest.raises(JournalError, match=r"entry 1 \(started\)"):
        fold(entries(("started", started)))


def test_nothing_but_a_start_can_be_first() -> None:
    with pytest.raises(JournalError, match="no rollout was started"):
        fold(entries(("stage", {"number": 1})))


KINDS = st.sampled_from(
    [
        ("started", STARTED),
        *ALL_STAGES[:3],
        ("paused", {"reason": "p"}),
        ("resumed", {}),
        ("aborted", {"reason": "a"}),
        ("rolling_back", {"reason": "b"}),
        ("rolled_back", {}),
        ("done", {}),
        ("started", WATCHED),
        ("ended", {"reason": "e"}),
        ("verdict", {"stage": 0, "checks": []}),
        ("note", {"text": "n"}),
    ]
)


@given(st.lists(KINDS, max_size=30))
def test_any_journal_that_is_accepted_makes_sense_and_can_be_resumed_anywhere(
    told: list[tuple[str, Mapping[str, Any]]],
) -> None:
    whole: Rollout | None = None
    for place, entry in enumerate(legal := _legal(told)):
        whole = after(whole, entry)
        assert whole == fold(legal[: place + 1])
        if whole is not None:
            assert 0 <= whole.stage < len(PLAN.stages)
            assert whole.since_s <= entry.at_s


def _legal(told: list[tuple[str, Mapping[str, Any]]]) -> list[Entry]:
    """What of it may follow what stands already."""
    kept: list[Entry] = []
    for entry in entries(*told):
        try:
            fold([*kept, entry])
        except JournalError as error:
            assert f"entry {entry.number} ({entry.kind})" in str(error)  # noqa: PT017
        else:
            kept.append(entry)
    return kept
