"""What becomes of an edit by the answer to it; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

NOT_FOUND: Final = "revision_not_found"
"""The code of a revision that the wiki does not know, or not yet."""
_FIRST_AGAIN_S: Final = 1.0
_MOST_AGAIN_S: Final = 60.0

Cells = Mapping[str, Mapping[str, Any]]
Reason = Literal["lag", "cell"]

_LEFT_OUT: Final[Mapping[str, Any]] = {
    "error": {"message": "Assay's answer leaves it out.", "retryable": True}
}


@dataclass(frozen=True, slots=True)
class Tell:
    """It is done; its cells may be errors."""


@dataclass(frozen=True, slots=True)
class Again:
    """It is to be asked for again. `reason`: ``lag``, or a ``cell`` that had a retryable error."""

    delay_s: float
    reason: Reason


def judge(
    cells: Cells, models: Sequence[str], *, attempts: int, tried_s: float, lag_attempts: int, give_up_s: float
) -> Tell | Again:
    """`attempts`: answers so far, this one included. `tried_s`: since the first.

    A cell that the answer left out counts as one with a retryable error.
    """
    errors = _errors(cells, models)
    delay_s = min(_MOST_AGAIN_S, _FIRST_AGAIN_S * 2 ** min(attempts - 1, 10))
    if any(error.get("code") == NOT_FOUND for error in errors) and attempts < lag_attempts:
        return Again(delay_s, "lag")
    if _is_retryable(errors) and tried_s + delay_s < give_up_s:
        return Again(delay_s, "cell")
    return Tell()


def first_error(cells: Cells, models: Sequence[str]) -> str:
    """Why an edit is not scored, in the words of its first error; empty when it has none."""
    return next((str(error["message"]) for error in _errors(cells, models)), "")


def has_score(cells: Cells) -> bool:
    """Whether any model scored the edit."""
    return any("score" in cell for cell in cells.values())


def may_pass(cells: Cells, models: Sequence[str]) -> bool:
    """Whether any of its errors may be gone when it is asked for again; what is left out counts as one."""
    return _is_retryable(_errors(cells, models))


def _is_retryable(errors: Sequence[Mapping[str, Any]]) -> bool:
    return any(error.get("retryable") for error in errors)


def _errors(cells: Cells, models: Sequence[str]) -> list[Mapping[str, Any]]:
    return [error for name in models if (error := cells.get(name, _LEFT_OUT).get("error"))]
