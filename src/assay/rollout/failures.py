"""Which failures pass, and which will come again."""

from __future__ import annotations

from typing import Final

from assay.errors import ENGINE_STOPPED
from assay.rollout.samples import SeenCell

PASSING_STATUSES: Final = frozenset({0, 408, 429, 502, 503, 504})
PASSING_ERRORS: Final = frozenset(
    {
        # Codes that Assay calls retryable, and a computation that took too long on a busy machine.
        "deadline_exceeded",
        ENGINE_STOPPED,
        "overloaded",
        "queue_unavailable",
        "source_unavailable",
        "time_limit_exceeded",
        # The ORES types of the same: ORES's routes tell no code unless they are asked to.
        "RequestError",
        "ScoreProcessorOverloaded",
        "TimeoutError",
    }
)
TEXTS_ERRORS: Final = frozenset({"time_limit_exceeded", "TimeoutError"})
"""Passing failures that may as well be the text's fault: a pattern that takes for ever, for one. The same
text twice, where the stable arm scores it twice, is a lasting one."""


def is_answer(status: int) -> bool:
    """Whether the service did what it can; a client's error is an answer, being busy is none."""
    return status < 500 and status not in PASSING_STATUSES


def is_score(cell: SeenCell | None) -> bool:
    """Whether it is a score, and no error."""
    return cell is not None and cell.error is None
