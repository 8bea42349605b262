"""One stream on its way, and its position on the disk behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from assay.precache.cursor import Cursor
from assay.precache.ledger import Ledger
from assay.precache.patience import backoff_s, within
from assay.precache.stream import Stream
from assay.tasks import end
from assay.telemetry import logger
from assay.threads import in_thread

_IDLE_SAVE_S: Final = 1.0
LAST_SAVE_LIMIT_S: Final = 10.0
"""For the last position, at the end of the process; the disk may hang."""


class Following:
    """Raises `ConfigurationError` when the position cannot be read. `position`: where the stream begins.
    `idle_s`: for how long it may lie behind what was only passed."""

    def __init__(
        self, name: str, stream: Stream, cursor: Cursor, remembered: int, *, idle_s: float = _IDLE_SAVE_S
    ) -> None:
        self._idle_s = idle_s
        self.name = name
        self.stream = stream
        self._cursor = cursor
        self._saved = cursor.load()
        self.position = self._saved.position
        self.ledger = Ledger(self._saved, remembered)
        self._is_stale = asyncio.Event()
        self._is_urgent = asyncio.Event()
        self._is_over = asyncio.Event()
        self._log = logger(__name__)

    def passed(self) -> None:
        """The stream came further, and nothing of it was told to anybody: storing that can wait a little.
        Wikimedia's have thirty such events a second."""
        self._is_stale.set()

    def told(self) -> None:
        """Edits were told, which a crash would repeat."""
        self._is_urgent.set()
        self._is_stale.set()

    def over(self) -> None:
        """Nothing will move any more."""
        self._is_over.set()
        self.told()

    async def save_on(self) -> None:
        """Until it is over. While one mark is being written, others gather: a slow disk holds up nobody, and
        a full one does not either, until the last mark. Raises OSError when that cannot be stored."""
        failures = 0
        while True:
            await self._is_stale.wait()
            if self._saved.position is not None:
                await within(self._is_urgent, self._idle_s)
            self._is_stale.clear()
            self._is_urgent.clear()
            is_last = self._is_over.is_set()
            try:
                await self._save()
                failures = 0
            except OSError as error:
                if is_last:
                    raise
                failures += 1
                reason = error.strerror or str(error)
                self._log.warning("position not stored", stream=self.name, reason=reason, failures=failures)
                await within(self._is_over, backoff_s(failures))
                self.told()
            if is_last:
                return

    async def _save(self) -> None:
        mark = self.ledger.mark()
        if mark != self._saved:
            await in_thread(lambda: self._cursor.save(mark))
            self._saved = mark


async def all_saved(
    following: Sequence[Following], savers: Sequence[asyncio.Task[None]], limit_s: float = LAST_SAVE_LIMIT_S
) -> None:
    """The last marks, as far as the disk takes them in time. Savers are not cancelled before: a thread that
    writes cannot be, and would write over what is newer."""
    for one in following:
        one.over()
    _, hanging = await asyncio.wait(savers, timeout=limit_s)
    if hanging:
        logger(__name__).error("positions not stored", reason=f"the disk hangs for {limit_s:g} s")
        await end(hanging)
