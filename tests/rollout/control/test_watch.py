"""Watchers in virtual time: they judge, journal, are killed, and never move a user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from assay.errors import JournalError, StoreUnavailable
from assay.releases.manifest import ExpectedDrift
from assay.rollout.journal import Entry, Journal, read_journal
from assay.rollout.reporting.report import write_report
from assay.rollout.state import fold, weights
from load.virtual_time import run_virtually
from rollout.fake_place import NEW, NEWER, OLD, Cluster
from rollout.fake_world import World

SETTLED_S = 90.0
"""Enough for a candidate to be good."""


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def entries(cluster: Cluster) -> tuple[Entry, ...]:
    return read_journal(cluster.folder)


def kinds(cluster: Cluster) -> Counter[str]:
    return Counter(entry.kind for entry in entries(cluster))


def said(cluster: Cluster) -> str:
    return "\n".join(str(entry.data["text"]) for entry in entries(cluster) if entry.kind == "note")


def test_an_equal_candidate_becomes_good_and_nothing_but_verdicts_is_written(cluster: Cluster) -> None:
    async def story() -> None:
        cluster.place.candidate = NEW
        await cluster.watch(20)
        early = cluster.gate(NEW)
        assert early.verdict == "no_data"
        await cluster.watch(SETTLED_S)
        gate = cluster.gate(NEW)
        assert (gate.verdict, gate.data_centre, gate.stage) == ("good", "here", "here watch"), gate.reason
        assert gate.weight is None
        assert set(gate.checks) == set(gate.checks) & {
            *("synthetic", "shape", "statuses", "lost_scores", "scores", "values"),
            *("passing_errors", "computing_time", "processor_time", "memory"),
        }
        assert cluster.gate(OLD).verdict == "no_data"
        assert cluster.gate(NEW, later_s=121).verdict == "no_data"

    run_virtually(story())
    assert set(kinds(cluster)) == {"started", "verdict", "unchanged", "note"}
    state = fold(entries(cluster))
    assert state is not None
    assert weights(state) == {}


def test_a_day_beside_an_equal_candidate_writes_less_than_a_megabyte(cluster: Cluster) -> None:
    """Its verdict is as new as ever, and its figures are told now and then."""

    async def story() -> None:
        cluster.place.candidate = NEW
        await cluster.watch(2100)
        assert cluster.gate(NEW).verdict == "good"
        assert (cluster.gate(NEW).age_s or 0) <= 35

    run_virtually(story())
    written = entries(cluster)
    last = [entry for entry in written if entry.kind == "verdict"][-1]
    assert written[-1].kind == "unchanged"
    assert written[-1].data["entry"] == last.number
    assert written[-1].at_s - last.at_s <= 1830
    steady = [entry for entry in written if entry.at_s > written[0].at_s + 600]
    bytes_a_day = 86_400 / 1500 * sum(len(orjson.dumps(entry.data)) + 200 for entry in steady)
    assert bytes_a_day < 1_000_000


def test_equal_arms_are_nothing_to_judge_and_nobody_is_asked(cluster: Cluster) -> None:
    run_virtually(cluster.watch(300))
    assert kinds(cluster) == {"note": 1}
    assert said(cluster) == f"nothing to judge: both arms are {OLD}"
    assert (cluster.place.asked, cluster.place.suites) == (0, 0)


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ({"shape": True}, "shape"),
        ({"odd_suite": True}, "synthetic"),
        ({"slow": 2.0}, "computing_time"),
        ({"lost": True}, "passing_errors"),
    ],
)
def test_what_is_wrong_is_found_and_bad_stays_bad(
    cluster: Cluster, fault: dict[str, Any], check: str
) -> None:
    async def story() -> None:
        cluster.place.candidate = NEW
        for name, value in fault.items():
            setattr(cluster.place, name, value)
        await cluster.watch(SETTLED_S)
        gate = cluster.gate(NEW, later_s=1e6)
        assert gate.verdict == "bad"
        assert gate.checks[check] == "bad"
        asked = cluster.place.asked
        cluster.place.shape = cluster.place.odd_suite = cluster.place.lost = False
        cluster.place.slow = 1.0
        await cluster.watch(SETTLED_S)
        assert cluster.gate(NEW).verdict == "bad", "not even after a kill"
        assert cluster.place.asked == asked

    run_virtually(story())


def test_a_fault_that_comes_after_an_hour_is_found(cluster: Cluster) -> None:
    def break_it() -> None:
        assert cluster.gate(NEW).verdict == "good"
        cluster.place.slow = 3.0

    cluster.place.candidate = NEW
    run_virtually(cluster.watch(3600 + SETTLED_S * 4, (3600, break_it)))
    verdicts = [entry for entry in entries(cluster) if entry.kind == "verdict"]
    assert verdicts[-1].data["window"] > 10
    assert [item["name"] for item in verdicts[-1].data["checks"] if item["status"] == "bad"] == [
        "computing_time"
    ]
    assert cluster.place.suites > 10
    assert len(verdicts) < 300, "the journal must last for weeks"


def test_another_candidate_begins_anew_and_the_last_one_is_over(cluster: Cluster) -> None:
    async def story() -> None:
        place = cluster.place
        place.candidate = NEW
        await cluster.watch(2 * SETTLED_S, (SETTLED_S, lambda: setattr(place, "candidate", NEWER)))
        assert cluster.gate(NEWER).verdict == "good"
        assert cluster.gate(NEW).verdict == "no_data"

    run_virtually(story())
    told = [entry for entry in entries(cluster) if entry.kind in ("started", "ended")]
    assert [entry.kind for entry in told] == ["started", "ended", "started"]
    assert told[1].data["reason"] == f"now {NEWER} stands beside {OLD} in here"
    assert [entry.data["id"] for entry in told if entry.kind == "started"] == [f"1-{NEW}", f"2-{NEWER}"]


def test_a_candidate_that_was_promoted_is_no_longer_judged(cluster: Cluster) -> None:
    async def story() -> None:
        place = cluster.place
        place.candidate = NEW
        await cluster.watch(2 * SETTLED_S, (SETTLED_S, lambda: setattr(place, "stable", NEW)))
        gate = cluster.gate(NEW)
        assert (gate.verdict, gate.reason) == ("no_data", f"no longer watched: both arms are {NEW}")

    run_virtually(story())
    report = write_report(entries(cluster))
    assert "No longer watched after" in report


def test_answers_of_a_third_release_are_no_evidence(cluster: Cluster) -> None:
    """While pods are exchanged, an arm is two releases, and a look meets either."""

    async def story() -> None:
        place = cluster.place
        place.candidate = NEW
        flips = [
            (SETTLED_S + 3 * n, lambda n=n: setattr(place, "stable", (NEW, OLD)[n % 2])) for n in range(10)
        ]
        await cluster.watch(SETTLED_S + 60, *flips)
        assert cluster.gate(NEW).verdict == "good"

    run_virtually(story())
    assert kinds(cluster)["started"] == 1


def test_a_silent_candidate_is_the_same_one_for_a_while(cluster: Cluster) -> None:
    cluster.options = replace(cluster.options, stages=replace(cluster.options.stages, limit_s=100))
    place = cluster.place

    async def story() -> None:
        place.candidate = NEW
        await cluster.watch(
            SETTLED_S + 200,
            (SETTLED_S, lambda: setattr(place, "candidate", "")),
            (SETTLED_S + 60, lambda: kinds_at.append(kinds(cluster)["ended"])),
        )
        assert cluster.gate(NEW).verdict == "no_data"
        place.candidate = NEW
        await cluster.watch(SETTLED_S)
        assert cluster.gate(NEW).verdict == "good"

    kinds_at: list[int] = []
    run_virtually(story())
    assert kinds_at == [0]
    assert (kinds(cluster)["ended"], kinds(cluster)["started"]) == (1, 2)


def test_while_the_stable_arm_is_dead_no_old_knowledge_is_told_as_new(cluster: Cluster) -> None:
    async def story() -> None:
        place = cluster.place
        place.candidate = NEW
        await cluster.watch(SETTLED_S + 300, (SETTLED_S, lambda: setattr(place, "is_dead", True)))
        gate = cluster.gate(NEW)
        assert gate.verdict == "no_data"
        assert "old" in gate.reason

    run_virtually(story())


def test_a_killed_watcher_goes_on_with_a_later_window(cluster: Cluster) -> None:
    async def story() -> None:
        cluster.place.candidate = NEW
        for _ in range(3):
            await cluster.watch(SETTLED_S)
        assert cluster.gate(NEW).verdict == "good"

    run_virtually(story())
    assert kinds(cluster)["started"] == 1
    windows = [entry.data["window"] for entry in entries(cluster) if entry.kind == "verdict"]
    assert set(windows) == {0, 1, 2}
    assert windows == sorted(windows)


def test_several_data_centres_are_good_only_together(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "east", "west")

    async def story() -> None:
        for place in cluster.places.values():
            place.candidate = NEW
        await cluster.watch(SETTLED_S)
        assert cluster.gate(NEW).verdict == "good"
        cluster.places["west"].slow = 3.0
        await cluster.watch(SETTLED_S)
        gate = cluster.gate(NEW)
        assert (gate.verdict, gate.data_centre) == ("bad", "west")

    run_virtually(story())


def test_data_centres_with_different_candidates_are_not_judged(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "east", "west")
    cluster.places["east"].candidate, cluster.places["west"].candidate = NEW, NEWER
    run_virtually(cluster.watch(60))
    assert kinds(cluster) == {"note": 1}
    assert "different arms" in said(cluster)


def test_where_the_candidate_stands_in_one_data_centre_that_one_is_judged(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, "east", "west")

    async def story() -> None:
        cluster.places["west"].candidate = NEW
        await cluster.watch(SETTLED_S)
        assert (cluster.gate(NEW).verdict, cluster.gate(NEW).data_centre) == ("good", "west")

    run_virtually(story())


def test_declared_drift_that_cannot_be_read_yet_is_waited_for(cluster: Cluster) -> None:
    tries = []

    async def away_at_first(release: str) -> Sequence[ExpectedDrift] | None:
        tries.append(release)
        if len(tries) < 5:
            raise StoreUnavailable("the release store does not answer")
        return None

    cluster.drift_of = away_at_first
    cluster.place.candidate = NEW
    run_virtually(cluster.watch(SETTLED_S))
    assert tries == [NEW] * 5
    assert said(cluster).count("cannot be read yet") == 1
    assert "any changed score is bad" in said(cluster)
    assert kinds(cluster)["started"] == 1


def test_a_rollout_that_moves_users_is_left_alone(tmp_path: Path) -> None:
    world = World(tmp_path)

    async def begin() -> None:
        with Journal(tmp_path, world.clock) as journal:
            world.start(journal)

    run_virtually(begin())
    with pytest.raises(JournalError, match="moves users itself"):
        run_virtually(Cluster(tmp_path).watch(10))
    assert [entry.kind for entry in read_journal(tmp_path)] == ["started"]


def test_a_defect_of_ours_is_not_taken_for_a_sound_candidate(cluster: Cluster) -> None:
    async def broken(slot: str) -> str:
        raise ZeroDivisionError(slot)

    cluster.place.candidate = NEW
    cluster.place.next_target = broken  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        run_virtually(cluster.watch(60))
