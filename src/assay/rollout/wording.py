"""Entries of a journal in plain words, for a page and for a report.

An entry that only informs (`assay.rollout.state.INFORMATION`) is not checked by the fold, so nothing here
trusts its form: what is missing is left out, what is long is cut, and nothing raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from assay.rollout.journal import Entry

CONTROLLER: Final = "controller"
"""Who acted, where an entry names nobody."""
MAX_TEXT: Final = 600
"""Characters of an entry's words; the journal itself has the rest."""
_MAX_NAME: Final = 120


def words(entry: Entry) -> str:
    """What happened."""
    return cut(" ".join(_words(entry.kind, entry.data).split()))


def who(entry: Entry) -> str:
    """Who did it."""
    by = entry.data.get("by")
    return cut(" ".join(str(by).split()), _MAX_NAME) if by else CONTROLLER


def cut(text: str, most: int = MAX_TEXT) -> str:
    """Not longer than `most` characters; the last is an ellipsis when something was left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def outcome(checks: Sequence[Mapping[str, Any]]) -> str:
    """Of a verdict's checks together: ``bad`` when any is, ``no_data`` when any has none, else ``good``."""
    statuses = {check.get("status") for check in checks}
    if "bad" in statuses:
        return "bad"
    return "good" if statuses == {"good"} else "no_data"


def checks_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A verdict's checks, without what is no check."""
    checks = data.get("checks")
    return [check for check in checks if isinstance(check, dict)] if isinstance(checks, list) else []


def _words(kind: str, data: Mapping[str, Any]) -> str:
    match kind:
        case "started":
            if _is_watched(data):
                return f"{_release(data, 'candidate')} is watched beside {_release(data, 'stable')}"
            emergency = ", as an emergency" if data.get("is_emergency") else ""
            return (
                f"rollout of {_release(data, 'candidate')} in place of {_release(data, 'stable')}{emergency}"
            )
        case "stage":
            return f"stage {data.get('number')}: {_stage(data)}"
        case "weights":
            return f"weights in {data.get('data_centre')}: {_weights(data)}"
        case "verdict":
            return f"verdict {'; '.join(_verdict(checks_of(data)))}"
        case "unchanged":
            return f"the verdict of entry {data.get('entry')} stands"
        case "aborted":
            return f"ordered to roll back: {data.get('reason')}"
        case "rolling_back":
            return f"decided to roll back: {data.get('reason')}"
        case "paused" | "resumed":
            return f"{kind}: {data.get('reason') or 'no reason told'}"
        case "rolled_back":
            return f"rolled back{_served(data)}"
        case "ended":
            return f"no longer watched: {data.get('reason')}"
        case "done":
            return f"done{_served(data)}"
        case _:
            return f"{kind}: {data.get('text', '')}".removesuffix(": ")


def _is_watched(data: Mapping[str, Any]) -> bool:
    plan = data.get("plan")
    stages = plan if isinstance(plan, list) else []
    return any(isinstance(stage, dict) and stage.get("kind") == "watch" for stage in stages)


def _release(data: Mapping[str, Any], arm: str) -> str:
    value = data.get(arm)
    return str(value.get("release") or "a release without a name") if isinstance(value, dict) else "?"


def _stage(data: Mapping[str, Any]) -> str:
    where, weight = data.get("data_centre"), data.get("weight")
    if data.get("kind") == "weight":
        return f"{where}, {weight} % of users"
    return f"{where}, {data.get('kind')}"


def _weights(data: Mapping[str, Any]) -> str:
    weights = data.get("weights")
    pairs = weights.items() if isinstance(weights, dict) else ()
    return ", ".join(f"{slot} {weight} %" for slot, weight in pairs) or "none told"


def _verdict(checks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names: dict[str, list[str]] = {}
    for check in checks:
        names.setdefault(str(check.get("status")), []).append(str(check.get("name")))
    if "bad" in names:
        yield "bad: " + "; ".join(
            f"{check.get('name')}: {check.get('sentence')}"
            for check in checks
            if check.get("status") == "bad"
        )
        return
    yield f"good: {', '.join(names['good'])}" if "good" in names else "good: nothing yet"
    if "no_data" in names:
        yield f"no data: {', '.join(names['no_data'])}"


def _served(data: Mapping[str, Any]) -> str:
    served, failed = data.get("served"), data.get("failed")
    if served is None:
        return ""
    return f": {served} requests served by the candidate, {'unknown' if failed is None else failed} failed"
