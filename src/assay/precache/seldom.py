"""What may happen thousands of times a second, for a log that somebody reads."""

from __future__ import annotations

from typing import Final

from assay.clock import Clock

EVERY_S: Final = 10.0


class Seldom:
    """Lets one thing through in `every_s`, and counts the others."""

    def __init__(self, clock: Clock, every_s: float = EVERY_S) -> None:
        self._clock = clock
        self._every_s = every_s
        self._last_s: float | None = None
        self._count = 0

    def due(self) -> int:
        """It happens. How often it did since the last that was let through, this one included; 0: not now."""
        self._count += 1
        now_s = self._clock.monotonic_s()
        if self._last_s is not None and now_s - self._last_s < self._every_s:
            return 0
        count, self._count, self._last_s = self._count, 0, now_s
        return count
