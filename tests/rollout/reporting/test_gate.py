"""What other controllers are told: good only for a new, whole, required verdict on the release they name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.clock import FakeClock
from assay.rollout.journal import FILE_NAME, Journal
from assay.rollout.reporting.gate import (
    MAX_BODY_BYTES,
    MAX_NAME,
    FlaggerCall,
    Gate,
    Hook,
    HookRefused,
    ask,
    read_age,
    read_call,
    read_release,
    status,
)
from assay.rollout.reporting.journal_reader import JournalReader
from assay.rollout.samples import Arm
from rollout.arms import CANDIDATE, SOUND, STABLE, Defect
from rollout.told import NOON, Teller

RELEASE = CANDIDATE.release
AGE_S = 60.0


class Case:
    """A journal with one rollout, and the question about it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, FakeClock(NOON)

    def tell(self, last: int = 5, defect: Defect = SOUND, then: str = "", **given: Any) -> Teller:
        with Journal(self.folder, self.clock) as journal:
            teller = Teller(journal, self.clock, "r1", defect)
            teller.start(**given)
            teller.go_to(last)
            if then == "pause":
                teller.pause()
            elif then:
                teller.roll_back(finish=then == "rolled back", reason="a reason")
        return teller

    def ask(self, release: str = RELEASE, later_s: float = 0.0, age_s: float = AGE_S) -> Gate:
        with JournalReader(self.folder).refreshed() as (reading, stories):
            return ask(reading, stories, release, self.clock.now().timestamp() + later_s, age_s)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_all_required_checks_good_and_new_is_good(case: Case) -> None:
    case.tell()
    gate = case.ask()
    assert (gate.verdict, gate.stage, gate.data_centre, gate.weight) == ("good", "codfw 25 %", "codfw", 25)
    assert gate.age_s == 5.0
    assert set(gate.checks.values()) == {"good"}


def test_age_decides_to_the_second(case: Case) -> None:
    case.tell()
    assert case.ask(later_s=55.0).verdict == "good"
    gate = case.ask(later_s=55.5)
    assert gate.verdict == "no_data"
    assert "is the controller running?" in gate.reason
    assert case.ask(later_s=55.5, age_s=100).verdict == "good"


def test_a_verdict_from_the_future_is_none(case: Case) -> None:
    case.tell()
    assert case.ask(later_s=-9.0).verdict == "good"
    assert case.ask(later_s=-11.0).verdict == "no_data"


def test_bad_stays_bad_however_old(case: Case) -> None:
    case.tell(defect=Defect(crash_share=0.5))
    gate = case.ask(later_s=1e6)
    assert gate.verdict == "bad"
    assert "lost_scores" in gate.reason


@pytest.mark.parametrize(
    ("then", "verdict"), [("pause", "no_data"), ("rolling", "bad"), ("rolled back", "bad")]
)
def test_what_became_of_the_rollout_counts(case: Case, then: str, verdict: str) -> None:
    case.tell(then=then)
    assert case.ask().verdict == verdict


def test_nothing_is_known_without_a_journal_or_of_another_release(case: Case) -> None:
    assert case.ask().verdict == "no_data"
    case.tell()
    for other in (STABLE.release, "winter-000000000003", RELEASE[:-1]):
        gate = case.ask(other)
        assert (gate.verdict, gate.age_s, gate.checks) == ("no_data", None, {})


def test_before_the_first_verdict_nothing_is_known(case: Case) -> None:
    case.tell(last=-1)
    gate = case.ask()
    assert (gate.verdict, gate.rollout, gate.reason) == ("no_data", "r1", "nothing was judged yet")


def test_one_required_check_without_data_is_not_good(case: Case) -> None:
    teller = case.tell(last=4)
    stage = teller.plan.stages[4]
    for missing in stage.required:
        checks = [
            {"name": name, "status": "no_data" if name == missing else "good", "sentence": ""}
            for name in stage.required
        ]
        with Journal(case.folder, case.clock) as journal:
            journal.append("verdict", {"stage": 4, "checks": checks})
        gate = case.ask()
        assert gate.verdict == "no_data"
        assert gate.reason.endswith(f": {missing}")
        with Journal(case.folder, case.clock) as journal:
            journal.append("verdict", {"stage": 4, "checks": [c for c in checks if c["name"] != missing]})
        assert case.ask().verdict == "no_data", "a check that was not made is not good"


def test_a_check_that_nobody_required_can_be_bad(case: Case) -> None:
    teller = case.tell(last=4)
    checks = [{"name": name, "status": "good", "sentence": ""} for name in teller.plan.stages[4].required]
    checks.append({"name": "another", "status": "bad", "sentence": "no"})
    with Journal(case.folder, case.clock) as journal:
        journal.append("verdict", {"stage": 4, "checks": checks})
    assert case.ask().verdict == "bad"


@pytest.mark.parametrize(
    "data", [{}, {"checks": None}, {"checks": [7, "x"]}, {"checks": [{"name": "shape"}]}]
)
def test_a_garbled_verdict_is_none(case: Case, data: dict[str, Any]) -> None:
    case.tell()
    with Journal(case.folder, case.clock) as journal:
        journal.append("verdict", data)
    assert case.ask().verdict == "no_data"


def test_an_emergency_that_requires_nothing_knows_nothing(case: Case) -> None:
    with Journal(case.folder, case.clock) as journal:
        teller = Teller(journal, case.clock)
        teller.plan = replace(
            teller.plan, stages=tuple(replace(stage, required=()) for stage in teller.plan.stages)
        )
        teller.start(emergency=True)
        teller.go_to(3)
    assert case.ask().verdict == "no_data"


def test_a_damaged_journal_is_never_good_but_bad_stays_bad(case: Case) -> None:
    case.tell()
    with (case.folder / FILE_NAME).open("ab") as file:
        file.write(b"{}\n")
    assert case.ask().verdict == "no_data"
    case = Case(case.folder / "other")
    case.tell(defect=Defect(crash_share=0.5))
    with (case.folder / FILE_NAME).open("ab") as file:
        file.write(b"{}\n")
    assert case.ask().verdict == "bad"


def test_a_journal_that_is_not_read_to_its_end_is_not_good(case: Case) -> None:
    case.tell()
    size = (case.folder / FILE_NAME).stat().st_size
    with Journal(case.folder, case.clock) as journal:
        for _ in range(3):
            journal.append("note", {"text": "x"})
    reader, now_s = JournalReader(case.folder, read_at_once=size), case.clock.now().timestamp()
    for is_behind, verdict in ((True, "no_data"), (False, "good")):
        with reader.refreshed() as (reading, stories):
            assert reading.is_behind is is_behind
            assert ask(reading, stories, RELEASE, now_s, AGE_S).verdict == verdict


def test_a_release_that_another_followed_is_not_good(case: Case) -> None:
    teller = case.tell(last=15)
    with Journal(case.folder, case.clock) as journal:
        teller.journal = journal
        teller.finish()
    assert case.ask().verdict == "good", "done, and judged just now"
    with Journal(case.folder, case.clock) as journal:
        Teller(journal, case.clock, "r2").start(Arm("green", "winter-000000000003"))
    assert case.ask().reason == "another release has been rolled out since"
    assert case.ask().verdict == "no_data"
    assert case.ask("winter-000000000003").verdict == "no_data"


def test_flagger_goes_on_only_when_good_and_rolls_back_only_when_bad() -> None:
    table = {(hook, verdict): status(hook, verdict) for hook in get_args(Hook) for verdict in _VERDICTS}
    goes_on = {key for key, code in table.items() if code == 200}
    assert goes_on == {
        *((hook, "good") for hook in get_args(Hook) if hook != "rollback"),
        ("rollback", "bad"),
    }
    assert set(table.values()) == {200, 409, 503}


_VERDICTS: tuple[Any, ...] = ("good", "bad", "no_data")


def test_what_flagger_posts_is_read() -> None:
    body = {
        "name": "assay-web",
        "namespace": "assay",
        "phase": "Progressing",
        "checksum": "85d557f47b",
        "metadata": {"release": RELEASE, "token": "0123456789abcdef", "max_age_s": "90"},
    }
    call = read_call(json.dumps(body).encode())
    assert call == FlaggerCall("assay-web", "assay", "Progressing", RELEASE, "0123456789abcdef", 90.0)
    assert "0123456789abcdef" not in repr(call)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "must be JSON"),
        (b"\xff", "must be JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"metadata": []}', "metadata.release is missing"),
        (b'{"metadata": ["release"]}', "metadata must be an object"),
        (b"{}", "metadata.release is missing"),
        (b'{"metadata": {"release": 7}}', "metadata.release must be a text"),
        (b'{"metadata": {"release": "a\\u0000b"}}', "metadata.release must be a text"),
        (b'{"name": null, "metadata": {"release": "a"}}', "name must be a text"),
        (b'{"metadata": {"release": "a", "max_age_s": "-1"}}', "max_age_s must be a number"),
        (b'{"metadata": {"release": "a", "max_age_s": "nan"}}', "max_age_s must be a number"),
        (b'{"metadata": {"release": "%s"}}' % (b"a" * (MAX_NAME + 1)), "at most 200"),
        (b"[" * (MAX_BODY_BYTES + 1), "more than"),
        (b"[" * MAX_BODY_BYTES, "must be JSON"),
    ],
)
def test_what_means_nothing_is_refused_with_what_it_must_hold(body: bytes, message: str) -> None:
    with pytest.raises(HookRefused, match=message):
        read_call(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
KEYS = st.sampled_from(["name", "namespace", "phase", "checksum", "metadata", "x"])
INNER = st.dictionaries(st.sampled_from(["release", "token", "max_age_s", "x"]), JSON | st.text(max_size=9))


@given(st.binary(max_size=300) | st.dictionaries(KEYS, JSON | INNER).map(lambda d: json.dumps(d).encode()))
def test_any_body_is_either_read_within_limits_or_refused(body: bytes) -> None:
    try:
        call = read_call(body)
    except HookRefused:
        return
    texts = (call.name, call.namespace, call.phase, call.release, call.token)
    assert all(len(text) <= MAX_NAME and text.isprintable() for text in texts)
    assert call.release
    assert call.max_age_s is None or 0 < call.max_age_s <= 86400


@given(st.text(max_size=300))
def test_any_release_and_age_is_read_or_refused(text: str) -> None:
    for read in (read_release, read_age):
        try:
            value = read(text)
        except HookRefused:
            continue
        assert value is None or value == text or 0 < float(value) <= 86400
