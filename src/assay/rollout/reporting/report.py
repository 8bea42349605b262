"""The story of a rollout, written from its journal alone: Markdown for the post-mortem or the wiki.

Nobody reconstructs at three in the morning what happened at noon: the journal was there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from assay.errors import JournalError
from assay.rollout.journal import Entry
from assay.rollout.state import Rollout, after
from assay.rollout.wording import checks_of, who, words

_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", **{mark: f"\\{mark}" for mark in "\\`[]|"}})


def rollout_ids(entries: Iterable[Entry]) -> list[str]:
    """Of all rollouts of a journal, oldest first."""
    return [str(entry.data["id"]) for entry in entries if entry.kind == "started"]


def write_report(entries: Sequence[Entry], rollout_id: str | None = None) -> str:
    """The report on one rollout; None: the latest. Times are UTC.

    Raises `JournalError` when the journal tells of no such rollout, or is out of order.
    """
    own = _of_rollout(entries, rollout_id)
    state: Rollout | None = None
    for entry in own:
        state = after(state, entry)
    assert state is not None
    parts = (_summary(state, own), _effect(own), _timeline(own), _last_verdict(own))
    return "\n\n".join(part for part in parts if part) + "\n"


def _of_rollout(entries: Sequence[Entry], rollout_id: str | None) -> list[Entry]:
    """From its start to before the next one's."""
    starts = [place for place, entry in enumerate(entries) if entry.kind == "started"]
    for start, end in reversed(list(zip(starts, [*starts, len(entries)][1:], strict=True))):
        if rollout_id in (None, str(entries[start].data["id"])):
            return list(entries[start:end])
    told = f"no rollout {rollout_id}" if rollout_id else "no rollout"
    raise JournalError(f"the journal tells of {told}; it has {', '.join(rollout_ids(entries)) or 'none'}")


def _summary(state: Rollout, own: Sequence[Entry]) -> str:
    """What came of it, in a few lines."""
    took_s = own[-1].at_s - state.started_s
    stage, reason = state.plan.stages[state.stage].name, _cell(state.reason) or "no reason told"
    endings = {
        "done": f"Done after {took_s:.0f} s: all users are answered by the candidate.",
        "rolled_back": f"Rolled back after {took_s:.0f} s: {reason}",
        "rolling_back": f"Rolling back: {reason}",
        "paused": f"Paused in stage {stage}: {reason}",
        "ended": f"No longer watched after {took_s:.0f} s: {reason}",
        "running": f"Running: stage {stage}.",
    }
    lines = [
        f"# Rollout {state.id}",
        "",
        f"**{endings[state.status]}**",
        "",
        f"- candidate: `{state.candidate.release}` in slot `{state.candidate.slot}`",
        f"- stable: `{state.stable.release}` in slot `{state.stable.slot}`",
        f"- started {_moment(own[0].at)} by {_cell(who(own[0]))}"
        + (", **as an emergency**" * state.is_emergency),
        f"- farthest stage: {stage}",
    ]
    if state.is_aborted:
        lines.append("- ended by an operator's order")
    return "\n".join(lines)


def _effect(own: Sequence[Entry]) -> str:
    """What users had of it: only what the journal tells; what it does not tell is said to be unknown."""
    end = next((entry for entry in own if entry.kind in ("rolled_back", "done")), None)
    if end is None:
        return ""
    served, failed = end.data.get("served"), end.data.get("failed")
    lines = [
        "## What users noticed",
        "",
        f"- requests served by the candidate: {_count(served)}",
        f"- of these failed: {_count(failed)}",
    ]
    decided = next((entry for entry in own if entry.kind in ("rolling_back", "aborted")), None)
    if decided is not None:
        since_s, last_s = decided.data.get("bad_since_s"), end.data.get("last_candidate_s")
        lines += [
            f"- first bad evidence to decision: {_seconds(since_s, decided.at_s)}",
            f"- decision to last user's request at the candidate: {_seconds(decided.at_s, last_s, 0.0)}",
            f"- decision to rollback complete: {_seconds(decided.at_s, end.at_s)}",
        ]
    return "\n".join(lines)


def _timeline(own: Sequence[Entry]) -> str:
    rows = [f"| {_moment(entry.at)} | {_cell(who(entry))} | {_cell(words(entry))} |" for entry in _told(own)]
    return "\n".join(("## Timeline", "", "| UTC | who | what |", "| --- | --- | --- |", *rows))


def _told(own: Sequence[Entry]) -> Iterator[Entry]:
    """Without verdicts that found the same as the one before."""
    before: object = None
    for entry in own:
        if entry.kind == "unchanged":
            continue
        if entry.kind == "verdict":
            checks = checks_of(entry.data)
            found = entry.data.get("stage"), [(it.get("name"), it.get("status")) for it in checks]
            if found == before:
                continue
            before = found
        yield entry


def _last_verdict(own: Sequence[Entry]) -> str:
    """Every check's finding when it was decided."""
    last = next((entry for entry in reversed(own) if entry.kind == "verdict"), None)
    if last is None:
        return ""
    told = [[str(check.get(key)) for key in ("name", "status", "sentence")] for check in checks_of(last.data)]
    rows = [
        f"| {_cell(name)} | {_cell(status.replace('_', ' '))} | {_cell(it)} |" for name, status, it in told
    ]
    head = f"## Last verdict ({_moment(last.at)})"
    return "\n".join((head, "", "| check | status | finding |", "| --- | --- | --- |", *rows))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _count(number: object) -> str:
    return "unknown" if number is None else str(number)


def _seconds(start_s: float | None, end_s: float | None, least_s: float | None = None) -> str:
    """`least_s`: what a negative span means; None: it is told as it is."""
    if start_s is None or end_s is None:
        return "unknown, or none"
    span_s = end_s - start_s
    return f"{span_s if least_s is None else max(least_s, span_s):.2f} s"


def _cell(text: str) -> str:
    """Text from outside (targets of requests, operators' words) must not break the table or become markup."""
    return " ".join(text.split())[:500].translate(_ESCAPES)
