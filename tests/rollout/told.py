"""Journals as a controller would write them: the real judge's verdicts on simulated arms, on a fake clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from assay.clock import FakeClock
from assay.rollout.journal import Journal
from assay.rollout.judging.verdict import Earlier, Verdict, earlier
from assay.rollout.plan import Plan, Stage, make_plan
from assay.rollout.samples import Arm, Evidence
from rollout.arms import CANDIDATE, SOUND, STABLE, Defect, evidence, judged_stages, options, verdict_of

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
LOOKS = 4
"""Verdicts of a stage that goes well."""
STAGE_S = 20.0


class Teller:
    """Writes one rollout into an open journal, stage by stage, and moves the clock with it."""

    def __init__(self, journal: Journal, clock: FakeClock, name: str = "r1", defect: Defect = SOUND) -> None:
        self.plan: Plan = make_plan(options())
        self.journal, self._clock, self._defect = journal, clock, defect
        self._name = name

    def start(self, candidate: Arm = CANDIDATE, *, by: str = "ada", emergency: bool = False) -> None:
        arms: dict[str, object] = {
            "stable": {"slot": STABLE.slot, "release": STABLE.release},
            "candidate": {"slot": candidate.slot, "release": candidate.release},
        }
        told: dict[str, object] = {
            "id": self._name,
            "plan": self.plan.as_data(),
            "is_emergency": emergency,
            "by": by,
        }
        self.journal.append("started", told | arms)
        self._clock.advance(1)

    def go_to(self, last: int) -> None:
        """From the first stage to stage `last`, which is entered and judged too."""
        for stage in self.plan.stages[: last + 1]:
            self.enter(stage)
            if not self.judge(stage):
                return

    def enter(self, stage: Stage) -> None:
        if stage.number:
            told = {"number": stage.number, "data_centre": stage.data_centre, "kind": stage.kind}
            self.journal.append("stage", told | {"weight": stage.weight})
        if stage.weight:
            weights: dict[str, int] = {STABLE.slot: 100 - stage.weight, CANDIDATE.slot: stage.weight}
            self.journal.append("weights", {"data_centre": stage.data_centre, "weights": weights})
        self._clock.advance(1)

    def judge(self, stage: Stage) -> bool:
        """Some verdicts with more evidence each; whether nothing was bad."""
        if stage.kind == "preflight":
            good: dict[str, object] = {
                "name": "preflight",
                "status": "good",
                "sentence": "all nodes are ready",
            }
            good |= {"figures": {"nodes": 2}, "bad_since_s": None}
            self.journal.append("verdict", {"stage": stage.number, "checks": [good]})
            self._clock.advance(STAGE_S)
            return True
        for verdict in verdicts(stage, self._defect):
            self.journal.append("verdict", {"stage": stage.number, "checks": verdict.as_data()})
            self._clock.advance(STAGE_S / LOOKS)
            if verdict.bad:
                self._reason = verdict.reason
                return False
        return True

    def pause(self, reason: str = "lunch", by: str = "ada") -> None:
        self.journal.append("paused", {"reason": reason, "by": by})

    def roll_back(self, *, finish: bool = True, reason: str = "") -> None:
        self.journal.append("rolling_back", {"reason": reason or self._reason, "bad_since_s": None})
        self._clock.advance(0.4)
        if not finish:
            return
        centre = self.plan.stages[0].data_centre
        weights = {STABLE.slot: 100, CANDIDATE.slot: 0}
        self.journal.append("weights", {"data_centre": centre, "weights": weights})
        self._clock.advance(0.3)
        self.journal.append("rolled_back", {"served": 12, "failed": 0, "last_candidate_s": None})

    def finish(self) -> None:
        self.journal.append("done", {"served": 4321, "failed": 1})


@cache
def verdicts(stage: Stage, defect: Defect) -> tuple[Verdict, ...]:
    """As evidence grows; the same for all tests."""
    seen, before = _seen(stage, defect), _before(stage, defect)
    times = [item.at_s for item in seen.observed] + [item.at_s for item in seen.pairs]
    first, last = min(times), max(times)
    looks = (first + (last - first) * look / LOOKS for look in range(1, LOOKS + 1))
    return tuple(verdict_of(_until(seen, at_s), stage, before=before) for at_s in looks)


@cache
def _seen(stage: Stage, defect: Defect) -> Evidence:
    return evidence(np.random.default_rng(stage.number), stage, defect, larger=1.5)


def _before(stage: Stage, defect: Defect) -> tuple[Earlier, ...]:
    """What the stages before it in its data centre saw."""
    past = [one for one in judged_stages() if one.number < stage.number]
    return tuple(_earlier(one, defect) for one in past if one.data_centre == stage.data_centre)


@cache
def _earlier(stage: Stage, defect: Defect) -> Earlier:
    return earlier(_seen(stage, defect), stage.data_centre, stable=STABLE, candidate=CANDIDATE)


def _until(seen: Evidence, at_s: float) -> Evidence:
    return replace(
        seen,
        observed=tuple(item for item in seen.observed if item.at_s <= at_s),
        pairs=tuple(item for item in seen.pairs if item.at_s <= at_s),
    )


def whole(folder: Path, clock: FakeClock, name: str = "r1", defect: Defect = SOUND) -> None:
    """A rollout from its start to its end, whichever that is."""
    with Journal(folder, clock) as journal:
        teller = Teller(journal, clock, name, defect)
        teller.start()
        for stage in teller.plan.stages:
            teller.enter(stage)
            if not teller.judge(stage):
                teller.roll_back()
                return
        teller.finish()
