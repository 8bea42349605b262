"""Edits of a made-up wiki: its history as a file, and the events that tell of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from events.recorded import streamed

WIKI = "clubwiki"
SINCE_S = 1_790_000_000


def history(folder: Path, edits: int) -> Path:
    """Revisions 1 to `edits`, ten on each page."""
    path = folder / f"{WIKI}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for rev_id in range(1, edits + 1):
            page, number = divmod(rev_id - 1, 10)
            row = {
                "rev_id": rev_id,
                "parent_id": rev_id - 1 if number else 0,
                "page_title": f"Page {page}",
                "timestamp": f"2026-01-01T{rev_id // 3600 % 24:02}:{rev_id // 60 % 60:02}:{rev_id % 60:02}Z",
                "user": f"Member {rev_id % 7}",
                "comment": "tidied",
                "text": f"The club met {rev_id} times. " * (number + 1),
            }
            file.write(json.dumps(row) + "\n")
    return path


def created(rev_id: int, wiki: str = WIKI, **changed: Any) -> dict[str, Any]:
    """A recorded revision-create event, of this edit."""
    event = streamed("revision-create")[0]
    return {**event, "database": wiki, "rev_id": rev_id, "rev_parent_id": rev_id - 1 or None, **changed}


def append(file: Path, events: Iterable[object]) -> None:
    """As one write, like a stream's source."""
    text = "".join(json.dumps(event) + "\n" for event in events)
    with file.open("a", encoding="utf-8") as out:
        out.write(text)


def told(file: Path) -> list[dict[str, Any]]:
    """What a file sink was told so far, whole lines only."""
    text = file.read_text("utf-8") if file.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def rev_ids(events: Sequence[dict[str, Any]]) -> list[int]:
    return [event["rev_id"] for event in events]


def scored(rev_id: int) -> dict[str, Any]:
    """As much of a revision-score event as sinks look at."""
    return {"database": WIKI, "rev_id": rev_id, "meta": {"id": str(rev_id)}, "comment": "naïve\n✓"}
