"""Everybody who is to be told the scores is told, one after the other, for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from assay.precache.patience import Patience
from assay.precache.sink import Event, Refused, Sink, Unwritten
from assay.tasks import end
from assay.telemetry import PRECACHE_REFUSED, PRECACHE_RETRIES, Metrics, logger

SLOW_S: Final = 30.0


class Telling:
    """`sinks`: by their names. `slow_s`: after so long, and each time again, the log says that one hangs."""

    def __init__(
        self, sinks: Mapping[str, Sink], patience: Patience, metrics: Metrics, *, slow_s: float = SLOW_S
    ) -> None:
        self._slow_s = slow_s
        self._sinks = dict(sinks)
        self._patience = patience
        self._metrics = metrics
        self._log = logger(__name__)

    async def tell(self, events: Sequence[Event]) -> None:
        """Raises `Stopping` when the end came first; then some may have been told."""
        for name, sink in self._sinks.items():
            await self._write(name, sink, events)

    async def aclose(self) -> None:
        for sink in self._sinks.values():
            await sink.aclose()

    async def _write(self, name: str, sink: Sink, events: Sequence[Event]) -> None:
        failures = 0
        while True:
            try:
                refused = await self._written(name, sink, events)
                break
            except Unwritten as error:
                failures += 1
                self._metrics.count(PRECACHE_RETRIES, "sink")
                self._log.warning("scores not told", sink=name, events=len(events), reason=str(error))
                await self._patience.after(failures, error.delay_s)
        for event, reason in refused:
            self._metrics.count(PRECACHE_REFUSED, name)
            self._log.error(
                "scores refused",
                sink=name,
                reason=str(reason),
                wiki=event["database"],
                rev_id=event["rev_id"],
            )

    async def _written(
        self, name: str, sink: Sink, events: Sequence[Event]
    ) -> Sequence[tuple[Event, Refused]]:
        """However long it takes: nobody reads the pipe, or the disk hangs."""
        writing = asyncio.ensure_future(sink.write(events))
        try:
            while not (await asyncio.wait([writing], timeout=self._slow_s))[0]:
                self._log.warning("a sink hangs", sink=name, events=len(events), again_in_s=self._slow_s)
            return writing.result()
        finally:
            await end([writing])
