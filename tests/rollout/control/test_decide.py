"""What is done next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.rollout.control.decide import decide
from assay.rollout.judging.check import Check, Status
from assay.rollout.judging.verdict import Verdict
from assay.rollout.plan import Plan, make_plan
from assay.rollout.state import Rollout
from rollout.arms import CANDIDATE, STABLE, options

PLAN = make_plan(options())
PREFLIGHT, SHADOW, FIRST_WEIGHT, LAST = 0, 2, 3, len(PLAN.stages) - 1
NEXT_CENTRE = 8


def _state(stage: int, **changes: object) -> Rollout:
    state = Rollout("r1", STABLE, CANDIDATE, PLAN, is_emergency=False, started_s=0.0, stage=stage)
    return replace(state, **changes)  # type: ignore[arg-type]


def _verdict(stage: int, status: Status = "good", plan: Plan = PLAN) -> Verdict:
    return Verdict(tuple(Check(name, status, f"{name} found") for name in plan.stages[stage].required))


BAD = Verdict((Check("shape", "bad", "null for an object"),))
NOTHING = Verdict()


def test_good_and_long_enough_goes_on() -> None:
    assert decide(PLAN, _state(SHADOW), _verdict(SHADOW), 9.9).action == "wait"
    assert decide(PLAN, _state(SHADOW), _verdict(SHADOW), 10.0).action == "advance"
    assert decide(PLAN, _state(LAST), _verdict(LAST), 10.0).action == "finish"
    assert decide(PLAN, _state(PREFLIGHT), _verdict(PREFLIGHT), 0.0).action == "advance"


@pytest.mark.parametrize(
    "verdict", [NOTHING, _verdict(SHADOW, "no_data"), Verdict(_verdict(SHADOW).checks[1:])]
)
def test_what_is_not_good_is_waited_for(verdict: Verdict) -> None:
    decision = decide(PLAN, _state(SHADOW), verdict, 500.0)
    assert decision.action == "wait"
    assert "shape" in decision.reason


@pytest.mark.parametrize("status", ["running", "paused"])
@pytest.mark.parametrize("stage", range(len(PLAN.stages)))
def test_anything_bad_rolls_back_at_once(stage: int, status: str) -> None:
    decision = decide(
        PLAN, _state(stage, status=status), Verdict((*_verdict(stage).checks, *BAD.checks)), 0.0
    )
    assert decision.action == "roll_back"
    assert "null for an object" in decision.reason


@pytest.mark.parametrize(
    ("stage", "action"),
    [(PREFLIGHT, "roll_back"), (SHADOW, "roll_back"), (FIRST_WEIGHT, "pause"), (NEXT_CENTRE, "pause")],
)
def test_without_progress_users_stay_where_they_are(stage: int, action: str) -> None:
    late_s = PLAN.stages[stage].limit_s
    assert decide(PLAN, _state(stage), NOTHING, late_s - 0.1).action == "wait"
    decision = decide(PLAN, _state(stage), NOTHING, late_s)
    assert decision.action == action
    assert PLAN.stages[stage].required[0] in decision.reason


def test_good_after_the_limit_still_goes_on() -> None:
    assert decide(PLAN, _state(SHADOW), _verdict(SHADOW), 99_999.0).action == "advance"


def test_a_pause_waits_for_an_operator() -> None:
    paused = _state(FIRST_WEIGHT, status="paused", reason="lunch")
    assert decide(PLAN, paused, _verdict(FIRST_WEIGHT), 99_999.0).action == "wait"


def test_a_rollback_goes_on_until_it_is_done() -> None:
    rolling = _state(FIRST_WEIGHT, status="rolling_back", reason="slow")
    assert decide(PLAN, rolling, _verdict(FIRST_WEIGHT), 1.0).action == "roll_back"
    for status in ("rolled_back", "done"):
        assert decide(PLAN, _state(FIRST_WEIGHT, status=status), BAD, 1.0).action == "wait"


def test_an_emergency_waits_for_nothing_but_what_is_bad() -> None:
    plan = make_plan(options(), now=True)
    everyone = _state(2, plan=plan)
    soon, later = (options().stages.least_s + more_s for more_s in (-1, 0))
    assert decide(plan, everyone, NOTHING, soon).action == "wait"
    assert decide(plan, everyone, NOTHING, later).action == "advance"
    assert decide(plan, everyone, BAD, soon).action == "roll_back"
    assert decide(plan, _state(0, plan=plan), NOTHING, later).action == "wait"
    assert decide(plan, _state(5, plan=plan), NOTHING, later).action == "finish"
