"""ORES's event sets: the names by which rules say which edits are scored as they happen."""

from __future__ import annotations

from typing import Final, Literal, get_args

from assay.events.change import Change

EventSet = Literal[
    "edit",
    "main_edit",
    "bot_edit",
    "nonbot_edit",
    "page_creation",
    "main_creation",
    "bot_page_creation",
    "nonbot_page_creation",
]
EVENT_SETS: Final[tuple[EventSet, ...]] = get_args(EventSet)
_MAIN: Final = 0
"""The namespace of articles."""


def event_sets(change: Change) -> frozenset[EventSet]:
    """Those that an edit belongs to. A creation is an edit, too; *main* is namespace 0."""
    is_main = change.namespace == _MAIN
    sets: set[EventSet] = {"edit", "bot_edit" if change.is_bot else "nonbot_edit"}
    if is_main:
        sets.add("main_edit")
    if change.is_creation:
        sets |= {"page_creation", "bot_page_creation" if change.is_bot else "nonbot_page_creation"}
        if is_main:
            sets.add("main_creation")
    return frozenset(sets)
