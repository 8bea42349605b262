"""Asks both arms of one data centre, on and on, for as long as the same candidate stands there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from assay.clock import Clock
from assay.rollout.control.parts import Arms, Place
from assay.rollout.control.window import Window
from assay.tasks import end

_AT_ONCE: Final = 4
"""Requests at the same time, fewer than a client may have (quota.concurrent)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Of a watcher, in seconds. The rate of requests is a setting (rollout.stages.pairs_per_s)."""

    look_each_s: float = 2.0
    """Between two looks at the arms' releases."""
    judge_each_s: float = 5.0
    """Between two verdicts, of which most are not written."""
    write_each_s: float = 30.0
    """That a verdict stands is journalled so often, if something new was compared: a short entry. Well below
    the age at which the page takes it for old (two minutes)."""
    figures_each_s: float = 1800.0
    """So often a verdict that says the same is written with all its figures: under a megabyte a day."""
    suite_each_s: float = 300.0
    """From the end of a synthetic suite to the next."""
    suite_again_s: float = 15.0
    """After a suite that said nothing."""
    memory_each_s: float = 5.0


class Prober:
    """`place`, `arms`: of the data centre. `stable_slot`: of the arm that tells which revisions are recent.
    The live requests begin after the first whole suite."""

    def __init__(
        self,
        place: Place,
        arms: Arms,
        stable_slot: str,
        window: Window,
        pace: Pace,
        pairs_per_s: float,
        clock: Clock,
    ) -> None:
        self.window = window
        self._place = place
        self._arms = arms
        self._stable_slot = stable_slot
        self._pace = pace
        self._each_s = _AT_ONCE / pairs_per_s
        self._clock = clock
        self._has_suite = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        works = [self._synthetic(), self._watch_memory(), *(self._probe(n) for n in range(_AT_ONCE))]
        self._tasks = [asyncio.create_task(work) for work in works]

    async def stop(self) -> None:
        """What is under way is given up."""
        await end(self._tasks)

    def check(self) -> None:
        """Raise what ended a task: a defect of ours must be seen, not taken for an arm without faults."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def _synthetic(self) -> None:
        while True:
            is_whole = self.window.add_suite(await self._arms.synthetic())
            if is_whole:
                self._has_suite.set()
            await asyncio.sleep(self._pace.suite_each_s if is_whole else self._pace.suite_again_s)

    async def _probe(self, number: int) -> None:
        """One of those who together keep the rate, unless the arms are slower."""
        await self._has_suite.wait()
        await asyncio.sleep(self._each_s * number / _AT_ONCE)
        while True:
            due_s = self._clock.monotonic_s() + self._each_s
            self.window.add(await self._arms.ask(await self._place.next_target(self._stable_slot)))
            await asyncio.sleep(max(0.0, due_s - self._clock.monotonic_s()))

    async def _watch_memory(self) -> None:
        while True:
            self.window.add_memory(await self._arms.memory())
            await asyncio.sleep(self._pace.memory_each_s)
