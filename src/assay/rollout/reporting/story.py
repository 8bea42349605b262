"""One rollout as a reader wants it told: its stages with times, weights, the last verdict, series for plots.

Built entry by entry from the journal, beside the fold that checks their order (`assay.rollout.state`), and of
bounded size however long the rollout lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from assay.rollout.journal import Entry
from assay.rollout.plan import Stage
from assay.rollout.reporting.series import CHARTS, Series, figures_by_name
from assay.rollout.state import Rollout
from assay.rollout.wording import MAX_TEXT, checks_of, cut, outcome, who

_MAX_CHECKS: Final = 100
_MAX_SLOTS: Final = 20


@dataclass(frozen=True, slots=True)
class Told:
    """The newest verdict. `stage`: the one that it judged."""

    entry: int
    at_s: float
    stage: Stage
    checks: tuple[Mapping[str, Any], ...]

    @property
    def outcome(self) -> str:
        """Of all checks together: ``good``, ``bad`` or ``no_data``."""
        return outcome(self.checks)

    def status(self, name: str) -> str | None:
        """Of one check; None when it was not made."""
        return next((str(check.get("status")) for check in self.checks if check.get("name") == name), None)


@dataclass(slots=True)
class Story:
    """What the entries of one rollout told. `rollout`: the state after the last of them."""

    rollout: Rollout
    by: str
    last_entry: int
    last_s: float
    began_s: dict[int, float] = field(default_factory=dict)
    """By stage, when it began."""
    weights: dict[str, tuple[float, Mapping[str, int]]] = field(default_factory=dict)
    """By data centre: when they were last set, and per cent by slot."""
    verdict: Told | None = None
    verdicts: dict[int, Told] = field(default_factory=dict)
    """The newest of each stage."""
    series: list[Series] = field(default_factory=lambda: [Series(kind) for kind in CHARTS])
    effect: Mapping[str, Any] = field(default_factory=dict)
    """What the end told: ``served``, ``failed``; empty before the end."""
    decided_s: float | None = None
    """When it was decided to roll back."""
    ended_s: float | None = None

    @classmethod
    def of(cls, rollout: Rollout, started: Entry) -> Story:
        story = cls(rollout, who(started), started.number, started.at_s)
        begun = rollout.plan.stages if rollout.is_watched else rollout.plan.stages[:1]
        story.began_s = {stage.number: started.at_s for stage in begun}
        return story

    @property
    def centres(self) -> list[str]:
        """Data centres, in the plan's order."""
        return list(dict.fromkeys(stage.data_centre for stage in self.rollout.plan.stages))

    @property
    def stage(self) -> Stage:
        """The one that it is in, or ended in."""
        return self.rollout.plan.stages[self.rollout.stage]

    def add(self, rollout: Rollout, entry: Entry) -> None:
        """The next entry of the same rollout, and the state after it."""
        self.rollout, self.last_entry, self.last_s = rollout, entry.number, entry.at_s
        match entry.kind:
            case "stage":
                self.began_s[rollout.stage] = entry.at_s
            case "weights":
                self._weigh(entry)
            case "verdict":
                self._judge(entry)
            case "unchanged":
                self._stands(entry)
            case "aborted" | "rolling_back":
                self.decided_s = entry.at_s
            case "ended":
                self.ended_s = entry.at_s
            case "rolled_back" | "done":
                self.ended_s = entry.at_s
                self.effect = {key: _count(entry.data.get(key)) for key in ("served", "failed")}

    def _weigh(self, entry: Entry) -> None:
        centre, weights = entry.data.get("data_centre"), entry.data.get("weights")
        if centre not in self.centres or not isinstance(weights, dict):
            return
        shares = {
            cut(str(slot), 60): weight
            for slot, weight in list(weights.items())[:_MAX_SLOTS]
            if isinstance(weight, int) and 0 <= weight <= 100
        }
        self.weights[str(centre)] = (entry.at_s, shares)

    def _judge(self, entry: Entry) -> None:
        checks = tuple(_check(item) for item in checks_of(entry.data)[:_MAX_CHECKS])
        stage = self._judged(entry.data.get("stage"))
        self.verdict = self.verdicts[stage.number] = Told(entry.number, entry.at_s, stage, checks)
        figures = figures_by_name(checks)
        for series in self.series:
            series.add(entry.at_s, stage.number, figures)

    def _stands(self, entry: Entry) -> None:
        """A verdict that found the same again, of newer evidence."""
        stage = self._judged(entry.data.get("stage"))
        told = self.verdicts.get(stage.number)
        if told is not None and told.entry == entry.data.get("entry"):
            self.verdict = self.verdicts[stage.number] = replace(told, at_s=entry.at_s)

    def _judged(self, named: object) -> Stage:
        """By its number or its name; the one that the rollout is in when a verdict names none."""
        stages = self.rollout.plan.stages
        return next((stage for stage in stages if named in (stage.number, stage.name)), self.stage)


def _check(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parts that are shown, in the form that they must have; a status that is none is no data."""
    status, figures = item.get("status"), item.get("figures")
    return {
        "name": cut(str(item.get("name")), 60),
        "status": status if status in ("good", "bad", "no_data") else "no_data",
        "sentence": cut(" ".join(str(item.get("sentence", "")).split()), MAX_TEXT),
        "figures": figures if isinstance(figures, dict) else {},
    }


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
