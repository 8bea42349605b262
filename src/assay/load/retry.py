"""What a good client does with an answer that is none: decided here, done by the driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WAITING_STATUSES: Final = frozenset({429, 503})
"""With Retry-After: nothing is wrong with the request, but not now."""
RESENDABLE: Final = frozenset({"refused", "reset"})
"""Nothing was answered, so that a GET may be sent again (RFC 9110, 9.2.2). Not when the time ran out nor
when the answer broke off: resending these would hide what this generator is for."""
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that arrived whole. `retry_after_s`: None when the server did not say.
    `was_resent`: the HTTP client met a reset and sent it again by itself."""

    status: int
    body: bytes
    retry_after_s: float | None = None
    was_resent: bool = False


class Lost(Exception):
    """No answer, or not a whole one. `reason`: refused, reset, timeout, truncated or malformed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Outcome = Reply | Lost


def told_to_wait(outcome: Outcome) -> bool:
    return (
        isinstance(outcome, Reply)
        and outcome.status in WAITING_STATUSES
        and outcome.retry_after_s is not None
    )


def reason(outcome: Outcome) -> str:
    """One word for the count of attempts that were not the last."""
    return str(outcome.status) if isinstance(outcome, Reply) else outcome.reason


def pause_s(outcome: Outcome, attempt: int, nodes: int) -> float | None:
    """Seconds until the next attempt, on the next node; None when the outcome stands.

    `attempt`: 0 for the first. Other nodes are tried at once; when all were, the pauses grow.
    """
    if isinstance(outcome, Reply):
        return outcome.retry_after_s if told_to_wait(outcome) else None
    if outcome.reason not in RESENDABLE:
        return None
    rounds = (attempt + 1) // nodes
    return 0.0 if rounds == 0 else min(_FIRST_PAUSE_S * 2 ** min(rounds - 1, 10), _LONGEST_PAUSE_S)
