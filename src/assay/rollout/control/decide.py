"""What to do next: a pure function of the plan, the state, the verdict and the time in the stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from assay.rollout.judging.verdict import Verdict
from assay.rollout.plan import Plan
from assay.rollout.state import Rollout

Action = Literal["wait", "advance", "roll_back", "pause", "finish"]


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason`: for people and the journal; of `wait`, what is waited for."""

    action: Action
    reason: str


def decide(plan: Plan, state: Rollout, verdict: Verdict, elapsed_s: float) -> Decision:
    """The next step of a rollout.

    Anything bad rolls back at once, even while an operator has paused. Going on needs every required check
    good and the stage's least time. When a stage's limit passes without that, users stay where they are and
    an operator is called; a candidate that no user has met is rolled back instead. `elapsed_s`: in the
    stage.
    """
    if state.status == "rolling_back":
        return Decision("roll_back", state.reason)
    if state.is_over:
        return Decision("wait", f"the rollout is over: {state.status}")
    if verdict.bad:
        return Decision("roll_back", verdict.reason)
    if state.status == "paused":
        return Decision("wait", f"paused: {state.reason}")
    stage = plan.stages[state.stage]
    missing = verdict.missing(stage.required)
    if not missing and elapsed_s >= stage.least_s:
        ending: Action = "finish" if plan.is_last(state.stage) else "advance"
        return Decision(ending, f"{stage.name}: all checks are good after {elapsed_s:.0f} s")
    if missing and elapsed_s >= stage.limit_s:
        reason = f"{stage.name}: not good after {elapsed_s:.0f} s: {', '.join(missing)}"
        return Decision("pause" if _users_met(plan, state) else "roll_back", reason)
    waits_for = ", ".join(missing) or f"{stage.least_s:.0f} s to pass"
    return Decision("wait", f"{stage.name}: waiting for {waits_for}")


def _users_met(plan: Plan, state: Rollout) -> bool:
    """Whether the candidate answers users anywhere: what is reached in one data centre stays."""
    return any(stage.meets_users for stage in plan.stages[: state.stage + 1])
