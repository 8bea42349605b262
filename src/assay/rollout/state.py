"""Where a rollout stands: a fold over the journal, so that a killed controller goes on exactly there.

What the journal may say and in which order is this module's affair. An entry that cannot follow the ones
before it is an error that names it: a state that was guessed would be acted upon.

======================  =====================================================================================
kind                    data
======================  =====================================================================================
``started``             id, stable {slot, release}, candidate {slot, release}, plan, is_emergency, by
``stage``               number (the next one), data_centre, kind, weight; by (an operator who did not wait)
``paused``, ``resumed`` reason, by
``aborted``             reason, by: an operator's order to roll back
``rolling_back``        reason, bad_since_s (None: not from evidence)
``rolled_back``         served, failed, last_candidate_s (see `assay.rollout.reporting.report`)
``done``                served, failed
``ended``               reason: a rollout that was only watched is over
``weights``             data_centre, weights by slot: acknowledged by the load balancer
``verdict``             stage, checks (as `Verdict.as_data`); window (of one that is watched)
``unchanged``           stage, entry (number of the verdict that stands, of newer evidence, too), window
``action``, ``note``    text, and whatever else is told
``repaired``            text, lost: written by the journal itself after a torn line
======================  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from assay.errors import JournalError
from assay.rollout.journal import Entry
from assay.rollout.plan import Plan
from assay.rollout.samples import Arm

Status = Literal["running", "paused", "rolling_back", "rolled_back", "done", "ended"]

INFORMATION: Final = frozenset({"weights", "verdict", "unchanged", "action", "note", "repaired"})
"""Kinds that change no state."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """The state after the last entry.

    `stage`: number in the plan. `since_s`: when that stage began, or was resumed, seconds since 1970.
    `reason`: of a pause, an abort or a rollback. `weights`: last acknowledged, by data centre and slot.
    """

    id: str
    stable: Arm
    candidate: Arm
    plan: Plan
    is_emergency: bool
    started_s: float
    stage: int = 0
    since_s: float = 0.0
    status: Status = "running"
    is_aborted: bool = False
    reason: str = ""

    @property
    def is_over(self) -> bool:
        return self.status in ("rolled_back", "done", "ended")

    @property
    def is_watched(self) -> bool:
        """Whether others move the users, and it is only judged: all its stages at the same time."""
        return any(stage.kind == "watch" for stage in self.plan.stages)

    @property
    def data_centre(self) -> str:
        return self.plan.stages[self.stage].data_centre


def fold(entries: Iterable[Entry]) -> Rollout | None:
    """The latest rollout of a journal; None when there was none. Raises `JournalError`."""
    state: Rollout | None = None
    for entry in entries:
        state = after(state, entry)
    return state


def started_data(
    number: int, stable: Arm, candidate: Arm, plan: Plan, *, by: str, is_emergency: bool = False
) -> dict[str, Any]:
    """Of the entry that begins the journal's `number`-th rollout."""
    return {
        "id": f"{number}-{candidate.release}",
        "stable": stable.as_data(),
        "candidate": candidate.as_data(),
        "plan": plan.as_data(),
        "is_emergency": is_emergency,
        "by": by,
    }


def after(state: Rollout | None, entry: Entry) -> Rollout | None:
    """The state that an entry leads to. Raises `JournalError` when it cannot follow."""
    if entry.kind in INFORMATION:
        return state
    try:
        if entry.kind == "started":
            return _started(state, entry)
        if entry.kind not in _STEPS:
            raise _Illegal("this Assay does not know its kind; a newer one wrote it")
        if state is None:
            raise _Illegal("no rollout was started")
        if state.is_over:
            raise _Illegal(f"rollout {state.id} is over ({state.status})")
        if state.is_watched and entry.kind != "ended":
            raise _Illegal(f"rollout {state.id} is only watched")
        return _STEPS[entry.kind](state, entry)
    except _Illegal as fault:
        raise JournalError(f"entry {entry.number} ({entry.kind}) cannot stand there: {fault}") from None
    except (KeyError, TypeError, ValueError) as fault:
        raise JournalError(
            f"entry {entry.number} ({entry.kind}) lacks or garbles something: {fault!r}"
        ) from None


class _Illegal(Exception):
    """Why an entry cannot follow."""


def _started(state: Rollout | None, entry: Entry) -> Rollout:
    if state is not None and not state.is_over:
        raise _Illegal(f"rollout {state.id} is not over ({state.status})")
    data = entry.data
    stable, candidate = _arm(data["stable"]), _arm(data["candidate"])
    if stable.slot == candidate.slot:
        raise _Illegal(f"both arms are in slot {stable.slot}")
    plan = Plan.from_data(data["plan"])
    if not plan.stages:
        raise _Illegal("its plan has no stages")
    return Rollout(
        str(data["id"]),
        stable,
        candidate,
        plan,
        bool(data["is_emergency"]),
        started_s=entry.at_s,
        since_s=entry.at_s,
    )


def _arm(data: Mapping[str, Any]) -> Arm:
    return Arm(str(data["slot"]), str(data["release"]))


def _stage(state: Rollout, entry: Entry) -> Rollout:
    number = int(entry.data["number"])
    if state.status != "running":
        raise _Illegal(f"the rollout is {state.status}")
    if number != state.stage + 1 or number >= len(state.plan.stages):
        raise _Illegal(f"stage {number} of {len(state.plan.stages)} cannot follow stage {state.stage}")
    return replace(state, stage=number, since_s=entry.at_s)


def _paused(state: Rollout, entry: Entry) -> Rollout:
    if state.status != "running":
        raise _Illegal(f"the rollout is {state.status}")
    return replace(state, status="paused", reason=str(entry.data["reason"]))


def _resumed(state: Rollout, entry: Entry) -> Rollout:
    if state.status != "paused":
        raise _Illegal(f"the rollout is {state.status}, not paused")
    return replace(state, status="running", reason="", since_s=entry.at_s)


def _aborted(state: Rollout, entry: Entry) -> Rollout:
    if state.status == "rolling_back":
        raise _Illegal("it is rolling back already")
    return replace(state, status="rolling_back", is_aborted=True, reason=str(entry.data["reason"]))


def _rolling_back(state: Rollout, entry: Entry) -> Rollout:
    if state.status == "rolling_back":
        raise _Illegal("it is rolling back already")
    return replace(state, status="rolling_back", reason=str(entry.data["reason"]))


def _rolled_back(state: Rollout, _: Entry) -> Rollout:
    if state.status != "rolling_back":
        raise _Illegal(f"the rollout is {state.status}, not rolling back")
    return replace(state, status="rolled_back")


def _done(state: Rollout, _: Entry) -> Rollout:
    if state.status != "running" or not state.plan.is_last(state.stage):
        raise _Illegal(f"the rollout is {state.status} in stage {state.stage} of {len(state.plan.stages)}")
    return replace(state, status="done")


def _ended(state: Rollout, entry: Entry) -> Rollout:
    if not state.is_watched:
        raise _Illegal(f"rollout {state.id} is not only watched")
    return replace(state, status="ended", reason=str(entry.data["reason"]))


_STEPS: Final[Mapping[str, Callable[[Rollout, Entry], Rollout]]] = {
    "stage": _stage,
    "paused": _paused,
    "resumed": _resumed,
    "aborted": _aborted,
    "rolling_back": _rolling_back,
    "rolled_back": _rolled_back,
    "done": _done,
    "ended": _ended,
}


def weights(state: Rollout) -> dict[str, int]:
    """Per cent of users for the candidate that a state means, by data centre of its plan; none where others
    set the weights."""
    if state.is_watched:
        return {}
    found: dict[str, int] = {}
    for stage in state.plan.stages:
        reached = stage.weight if stage.number <= state.stage and stage.meets_users else 0
        found[stage.data_centre] = max(found.get(stage.data_centre, 0), reached)
    return found if state.status in ("running", "paused", "done") else dict.fromkeys(found, 0)
