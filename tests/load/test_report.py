"""What is counted adds up, and a report says itself when its figures must not be believed."""

from __future__ import annotations

from array import array
from collections import Counter

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.load.plan import LoadPlan
from assay.load.report import EXAMPLES, LoadReport, Tally
from assay.load.verify import Verdict

PLAN = LoadPlan(("http://127.0.0.1:1",), "testwiki", range(1, 100))
VERDICTS = st.builds(
    Verdict,
    st.none() | st.sampled_from(["refused", "reset", "timeout"]),
    st.lists(st.sampled_from(["another score", "no score"]), max_size=2).map(tuple),
    st.none() | st.sampled_from(["overloaded", "not_found"]),
    st.lists(st.sampled_from(["TextDeleted", "RevisionNotFound"]), max_size=2).map(tuple),
    st.integers(0, 3),
    st.integers(0, 3),
)
ENDS = st.lists(st.tuples(st.sampled_from([200, 404, 503]), VERDICTS, st.floats(0, 60)), max_size=40)


@given(ENDS)
def test_every_end_is_counted_once(ends: list[tuple[int, Verdict, float]]) -> None:
    tally = Tally()
    for status, verdict, latency_s in ends:
        tally.count(None if verdict.lost else status, verdict, latency_s, "/v3/scores/")
    whole = [(status, verdict) for status, verdict, _ in ends if verdict.lost is None]
    assert (tally.lost, tally.answered) == (len(ends) - len(whole), len(whole))
    assert list(tally.all_s) == [latency_s for *_, latency_s in ends]
    assert len(tally.ok_s) == tally.ok == sum(status == 200 for status, _ in whole)
    assert tally.wrong == sum(bool(verdict.wrong) for _, verdict in whole)
    assert len(tally.examples) == min(EXAMPLES, tally.lost + tally.wrong)
    document = orjson.loads(orjson.dumps(LoadReport.of(PLAN, tally, 1.0, 2.0).document()))
    assert document["answered"] == {str(status): count for status, count in tally.statuses.items()}
    assert document["lost"] == Counter(verdict.lost for _, verdict, _ in ends if verdict.lost)
    assert document["errors"] == Counter(verdict.error for _, verdict in whole if verdict.error)
    assert document["cell_errors"] == Counter(code for _, verdict in whole for code in verdict.cell_errors)
    assert document["wrong"] == tally.wrong
    assert document["compared"] == sum(verdict.compared for _, verdict in whole)
    assert document["unknown"] == sum(verdict.unknown for _, verdict in whole)


def report(lags_s: list[float], latencies_s: list[float], skipped: int = 0) -> LoadReport:
    tally = Tally(due=len(latencies_s) + skipped, skipped=skipped, lags_s=array("d", lags_s))
    for latency_s in latencies_s:
        tally.count(200, Verdict(), latency_s, "/")
    return LoadReport.of(PLAN, tally, 1.0, 1.0)


@pytest.mark.parametrize(
    ("lag_s", "latency_s", "is_late"),
    [
        (0.004, 0.001, False),  # the grain of timers
        (0.006, 0.001, True),
        (0.006, 0.1, False),  # little beside what was measured
        (0.011, 0.1, True),
    ],
)
def test_a_late_generator_is_told_from_a_slow_server(lag_s: float, latency_s: float, is_late: bool) -> None:
    made = report([lag_s] * 100, [latency_s] * 100)
    assert made.fell_behind == is_late
    assert any("fell behind" in warning for warning in made.warnings()) == is_late


def test_one_late_request_in_a_thousand_is_no_late_generator() -> None:
    assert not report([0.0] * 999 + [5.0], [0.001] * 1000).fell_behind


def test_skipped_requests_and_no_good_answer_are_told() -> None:
    assert not list(report([0.0], [0.1]).warnings())
    (skipped,) = report([0.0], [0.1], skipped=3).warnings()
    assert skipped.startswith("3 of 4 requests were never sent: 500 were in flight")
    assert list(report([], []).warnings()) == ["No answer had status 200."]


def test_nothing_was_measured_when_nothing_was_asked() -> None:
    empty = LoadReport.of(PLAN, Tally(), 0.0, 0.0)
    assert (empty.due_per_s, empty.ok_per_s, empty.fell_behind) == (0.0, 0.0, False)
    assert empty.document()["ok_latency"] is None
