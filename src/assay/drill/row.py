"""What became of one defect: read from the rollout's journal, and judged beside what its users met."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from assay.drill.defects import STAGES, Defect
from assay.drill.users import Incident, Users
from assay.rollout.journal import Entry
from assay.rollout.state import Rollout, fold
from assay.rollout.wording import checks_of

MOST_USERS: Final = 5
"""Per cent of users that a defect must not reach."""
_ALL: Final = 100


@dataclass(frozen=True, slots=True)
class Row:
    """`began_s`: when the rollout was ordered, seconds since 1970. `caught`: the stage's name, with its data
    centre; None: it went through. `is_over`: it was refused, taken back or done; a rollout that had to be
    killed proves nothing. `reason`: of the refusal or the way back. `weight`: the greatest share of users, in
    per cent, that the candidate was given anywhere. `served`: users' requests that it answered. `by`: the
    checks that were bad; ``refused`` at the start. `caught_s`: from the start to the decision. `safety_s`:
    from the decision to the last user's request on the candidate; 0 when no user met it. `asked`: users'
    requests from this row's beginning to the next one's. `incidents`: those that were answered wrongly or not
    at all.
    """

    defect: Defect
    began_s: float
    caught: str | None
    reason: str
    weight: int
    served: int
    by: str
    caught_s: float
    safety_s: float
    took_s: float
    is_over: bool = True
    asked: int = 0
    incidents: tuple[Incident, ...] = ()

    @property
    def is_right(self) -> bool:
        """Users asked and nobody was hurt, and what is wrong was caught in time, by what must catch it, while
        what is right went through to all of them."""
        if self.incidents or not self.asked or not self.is_over:
            return False
        if self.defect.is_harmless:
            return self.caught is None and self.met_all
        return self.caught is not None and self.weight < MOST_USERS and self.is_in_time and self.is_by_right

    @property
    def met_all(self) -> bool:
        """Else it went through in the journal only."""
        return self.weight == _ALL and self.served > 0

    @property
    def is_in_time(self) -> bool:
        """Caught where it must be at the latest; at the start only what must be."""
        word = (self.caught or "none").rpartition(" ")[2]
        stage = "weight" if word == "%" else word
        if "start" in (stage, self.defect.latest):
            return stage == self.defect.latest
        order = list[str](STAGES)
        return order.index(stage) <= order.index(self.defect.latest)

    @property
    def is_by_right(self) -> bool:
        """A machine out of order, a stage that took too long and a release that does not even start stop
        every rollout: they prove nothing of this defect."""
        return any(words in self.reason for words in self.defect.by)


def row_of(defect: Defect, entries: Sequence[Entry], told: str, began_s: float, ended_s: float) -> Row:
    """`told`: the end of what the command said. `began_s`, `ended_s`: the command's."""
    state = fold(entries)
    back = next((entry for entry in entries if entry.kind in ("rolling_back", "aborted")), None)
    last = entries[-1].data if entries else {}
    caught: str | None
    if state is None:  # refused before anything began
        caught, reason = "start", told
    elif state.status == "done":
        caught, reason = None, ""
    else:
        caught, reason = state.plan.stages[state.stage].name, state.reason or told
    last_s = last.get("last_candidate_s")
    return Row(
        defect,
        began_s,
        caught,
        reason,
        weight=0 if state is None else _greatest_weight(entries, state.candidate.slot),
        served=int(last.get("served", 0)),
        by=_by(entries, state),
        caught_s=(back.at_s if back else ended_s) - began_s,
        safety_s=max(0.0, last_s - back.at_s) if back and last_s else 0.0,
        took_s=ended_s - began_s,
        is_over=state is None or state.is_over,
    )


def counted(rows: Sequence[Row], users: Users) -> list[Row]:
    """The rows with what users asked and met. `users`: who have an end of all that they asked: what still
    waited for an answer when its rollout was over may have been lost on it."""
    spans = itertools.pairwise([*(row.began_s for row in rows), float("inf")])
    return [
        replace(row, asked=users.asked(*span), incidents=tuple(users.hurt(*span)))
        for row, span in zip(rows, spans, strict=True)
    ]


def _by(entries: Sequence[Entry], state: Rollout | None) -> str:
    """Names of the checks that were bad in the last verdict."""
    if state is None:
        return "refused"
    if state.status == "done":
        return ""
    verdict = next((entry for entry in reversed(entries) if entry.kind == "verdict"), None)
    checks = checks_of(verdict.data) if verdict is not None else ()
    return ", ".join(check["name"] for check in checks if check["status"] == "bad")


def _greatest_weight(entries: Sequence[Entry], slot: str) -> int:
    given = [int(entry.data["weights"].get(slot, 0)) for entry in entries if entry.kind == "weights"]
    return max(given, default=0)
