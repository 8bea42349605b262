"""One thing that a verdict looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["good", "bad", "no_data"]


@dataclass(frozen=True, slots=True)
class Check:
    """What one comparison of the arms found.

    `figures`: JSON values, what the finding rests on. `sentence`: for people, without a full stop.
    `bad_since_s`: when the sample arrived that made it bad, seconds since 1970; None unless bad.
    """

    name: str
    status: Status
    sentence: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    bad_since_s: float | None = None

    def as_data(self) -> dict[str, Any]:
        """As JSON values, for the journal."""
        return {
            "name": self.name,
            "status": self.status,
            "sentence": self.sentence,
            "figures": dict(self.figures),
            "bad_since_s": self.bad_since_s,
        }


def percent(share: float) -> str:
    """For sentences."""
    return f"{100 * share:.3g} %"
