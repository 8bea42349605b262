"""Brings together what one stage of a rollout needs to be judged, while the stage lasts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, Final

from assay.clock import Clock
from assay.errors import AssayError
from assay.rollout.control.parts import Parts
from assay.rollout.judging.check import Check
from assay.rollout.judging.pair_checks import different_texts
from assay.rollout.options import StageOptions
from assay.rollout.plan import Stage
from assay.rollout.samples import Evidence, MemorySeen, Observed, Pair
from assay.tasks import end
from assay.telemetry import logger

_MEMORY_EACH_S: Final = 2.0
_MOST_OBSERVED: Final = 200_000
_MOST_PAIRS: Final = 50_000
_MOST_MEMORY: Final = 20_000
"""What a stage keeps; a pause may last for days. Then the oldest goes."""
_COPIES_AT_ONCE: Final = 4
"""Requests asked again at the same time: a slow arm must not make pairs scarce."""


class Gathering:
    """Of one stage. `candidate_slot`, `release`: whom a preflight puts where. `has_users`: whether users'
    own requests arrive in the data centre; where they do not, copies are asked through its front door.
    `is_started`: until then there are only users' requests."""

    def __init__(
        self,
        stage: Stage,
        candidate_slot: str,
        release: str,
        parts: Parts,
        options: StageOptions,
        clock: Clock,
        *,
        has_users: bool = True,
    ) -> None:
        self.stage = stage
        self.is_started = False
        self._slot = candidate_slot
        self._release = release
        self._parts = parts
        self._arms = parts.arms[stage.data_centre]
        self._options = options
        self._clock = clock
        self._has_users = has_users
        self._observed: deque[Observed] = deque(maxlen=_MOST_OBSERVED)
        self._pairs: deque[Pair] = deque(maxlen=_MOST_PAIRS)
        self._memory: deque[MemorySeen] = deque(maxlen=_MOST_MEMORY)
        self._checks: tuple[Check, ...] = ()
        self._tasks: list[asyncio.Task[None]] = []
        self._log = logger(__name__)

    def start(self) -> None:
        self.is_started = True
        self._tasks = [asyncio.create_task(work) for work in self._works()]
        for task in self._tasks:
            task.add_done_callback(self._told)

    def _told(self, task: asyncio.Task[None]) -> None:
        """A defect of ours: what it would have gathered is no data, which is never good; it is said why."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("gathering failed", stage=self.stage.name, exc_info=error)

    async def stop(self) -> None:
        """What is under way is given up."""
        await end(self._tasks)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Those that are not a matter of samples: whether the release could be deployed."""
        return self._checks

    def see(self, observed: Observed) -> None:
        """A user's request that was answered during this stage."""
        self._observed.append(observed)

    def evidence(self) -> Evidence:
        """Since the stage began, in time order."""
        return Evidence(tuple(self._observed), tuple(self._pairs), tuple(self._memory))

    def _works(self) -> list[Coroutine[Any, Any, None]]:
        if self.stage.kind == "preflight":
            return [self._deploy()]
        if self.stage.kind == "synthetic":
            return [self._synthetic()]
        if not self.stage.required:  # an emergency: nothing is waited for
            return []
        copying = [self._copy() for _ in range(_COPIES_AT_ONCE)]
        return [*copying, self._sweep(), self._watch_memory()]

    async def _deploy(self) -> None:
        """One check: good, or bad with what the node said."""
        try:
            async with asyncio.timeout(self.stage.limit_s):
                await self._parts.fleet.deploy(self.stage.data_centre, self._slot, self._release)
        except TimeoutError:
            self._refused(f"the release was not deployed within {self.stage.limit_s:g} s")
        except AssayError as error:
            self._refused(str(error))
        except Exception as error:  # a defect of ours must not leave the stage without a verdict
            self._log.exception("deployment failed")
            self._refused(f"deployment failed: {error!r}")
        else:
            self._checks = (Check("preflight", "good", "deployed, and preflight found nothing"),)

    def _refused(self, reason: str) -> None:
        self._checks = (Check("preflight", "bad", reason, bad_since_s=self._clock.now().timestamp()),)

    async def _synthetic(self) -> None:
        self._pairs.extend(await self._arms.synthetic())

    async def _copy(self) -> None:
        """Ask again what users asked, wherever they asked it."""
        while True:
            target = (await self._parts.users.next_copy()).target
            if self.stage.meets_users and not self._has_users:
                await self._arms.ask_front_door(target)
            self._pairs.append(await self._arms.ask(target))

    async def _sweep(self) -> None:
        """Until there are as many different texts as the stage wants."""
        while different_texts(self._pairs) < self.stage.least_texts:
            self._pairs.append(await self._arms.sweep())

    async def _watch_memory(self) -> None:
        while True:
            self._memory.extend(await self._arms.memory())
            await asyncio.sleep(_MEMORY_EACH_S)
