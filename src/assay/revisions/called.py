"""What a revision is called in messages."""

from __future__ import annotations

from typing import Final

UNSAVED: Final = 0
"""The id of a revision that no wiki holds: a text that is not saved yet."""


def called(rev_id: int) -> str:
    """Within a sentence; `called(rev_id).capitalize()` begins one."""
    return "the unsaved text" if rev_id == UNSAVED else f"revision {rev_id}"
