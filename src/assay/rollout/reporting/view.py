"""A rollout as one JSON document: what the page shows and `/api/rollout` answers. Built from values only.

Times are seconds since 1970; None means unknown, or not yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from assay.rollout.journal import Entry
from assay.rollout.plan import Stage
from assay.rollout.reporting.journal_reader import Reading
from assay.rollout.reporting.series import Series
from assay.rollout.reporting.story import Story, Told
from assay.rollout.wording import cut, who, words

MAX_FIGURES: Final = 40
"""Figures of a check that are shown, the first ones."""
_MAX_FIGURE_TEXT: Final = 200


def document(
    reading: Reading, stories: Sequence[Story], chosen: Story | None, entries: Sequence[Entry]
) -> dict[str, Any]:
    """`chosen`: the rollout that is shown; None: there is none. `entries`: newest first."""
    return {
        "journal": {
            "state": _journal_state(reading),
            "path": reading.path,
            "problem": reading.problem,
            "entries": reading.entries,
            "digest": reading.digest if reading.entries else None,
        },
        "rollout": None if chosen is None else _rollout(chosen, is_newest=chosen is stories[-1]),
        "entries": {
            "items": [_entry(entry) for entry in entries],
            "before": entries[-1].number if entries and entries[-1].number > 1 else None,
        },
        "former": [_summary(story) for story in reversed(stories) if story is not chosen],
    }


def _journal_state(reading: Reading) -> str:
    if reading.problem is not None:
        return "damaged" if reading.exists else "unreadable"
    if not reading.entries:
        return "empty"
    return "reading" if reading.is_behind else "sound"


def _summary(story: Story) -> dict[str, Any]:
    rollout = story.rollout
    return {
        "id": rollout.id,
        "candidate": rollout.candidate.as_data(),
        "stable": rollout.stable.as_data(),
        "status": rollout.status,
        "reason": cut(rollout.reason),
        "is_emergency": rollout.is_emergency,
        "is_aborted": rollout.is_aborted,
        "by": story.by,
        "started_s": rollout.started_s,
        "ended_s": story.ended_s,
        "stage": story.stage.name,
    }


def _rollout(story: Story, *, is_newest: bool) -> dict[str, Any]:
    return _summary(story) | {
        "is_newest": is_newest,
        "decided_s": story.decided_s,
        "last_s": story.last_s,
        "last_entry": story.last_entry,
        "effect": dict(story.effect),
        "stages": [_stage(story, stage) for stage in story.rollout.plan.stages],
        "weights": [_weights(story, centre) for centre in story.centres],
        "verdict": None if story.verdict is None else _verdict(story.verdict),
        "charts": [_chart(series) for series in story.series],
    }


def _stage(story: Story, stage: Stage) -> dict[str, Any]:
    began = story.began_s.get(stage.number)
    ended = None if story.rollout.is_watched else story.began_s.get(stage.number + 1)
    is_here = story.rollout.is_watched or stage.number == story.rollout.stage
    if is_here:
        ended = story.decided_s if story.decided_s is not None else story.ended_s
    return {
        "number": stage.number,
        "name": stage.name,
        "data_centre": stage.data_centre,
        "kind": stage.kind,
        "weight": stage.weight,
        "state": _stage_state(story, stage, is_here=is_here),
        "began_s": began,
        "ended_s": ended,
    }


def _stage_state(story: Story, stage: Stage, *, is_here: bool) -> str:
    status = story.rollout.status
    if is_here:
        return {"rolling_back": "failed", "rolled_back": "failed"}.get(status, status)
    if stage.number < story.rollout.stage:
        return "done"
    return "never" if story.rollout.is_over or status == "rolling_back" else "to_come"


def _weights(story: Story, centre: str) -> dict[str, Any]:
    at_s, weights = story.weights.get(centre, (None, {}))
    arms = {"stable": story.rollout.stable.slot, "candidate": story.rollout.candidate.slot}
    return {
        "data_centre": centre,
        "at_s": at_s,
        "arms": {arm: {"slot": slot, "weight": weights.get(slot)} for arm, slot in arms.items()},
        "others": {slot: weight for slot, weight in weights.items() if slot not in arms.values()},
    }


def _verdict(told: Told) -> dict[str, Any]:
    required = set(told.stage.required)
    return {
        "entry": told.entry,
        "at_s": told.at_s,
        "stage": told.stage.name,
        "outcome": told.outcome,
        "checks": [
            {
                "name": check["name"],
                "status": check["status"],
                "sentence": check["sentence"],
                "is_required": check["name"] in required,
                "figures": _flat(check["figures"]),
            }
            for check in told.checks
        ],
    }


def _flat(figures: Mapping[str, Any]) -> list[dict[str, str]]:
    """Nested figures as rows of a dotted name and a value, both for reading."""
    rows: list[dict[str, str]] = []
    waiting: list[tuple[str, Any]] = [("", figures)]
    while waiting and len(rows) < MAX_FIGURES:
        name, value = waiting.pop(0)
        if isinstance(value, Mapping):
            inner = [
                (f"{name}.{key}" if name else str(key), item)
                for key, item in list(value.items())[:MAX_FIGURES]
            ]
            waiting = [*inner, *waiting]
        else:
            rows.append({"name": cut(name, _MAX_FIGURE_TEXT), "value": _value(value)})
    return rows


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return cut(", ".join(_value(item) for item in value[:20]), _MAX_FIGURE_TEXT)
    return "–" if value is None else cut(" ".join(str(value).split()), _MAX_FIGURE_TEXT)


def _chart(series: Series) -> dict[str, Any]:
    kind = series.kind
    return {
        "key": kind.key,
        "title": kind.title,
        "unit": kind.unit,
        "lines": [{"name": line.name, "arm": line.arm, "style": line.style} for line in kind.lines],
        "points": [
            {"at_s": point.at_s, "stage": point.stage, "values": list(point.values)}
            for point in series.points
        ],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at_s": entry.at_s,
        "kind": cut(entry.kind, 60),
        "who": who(entry),
        "what": words(entry),
    }
