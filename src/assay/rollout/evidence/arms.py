"""Both arms of one data centre over HTTP: `assay.rollout.control.parts.Arms` as the controller uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from assay.clock import Clock
from assay.rollout.evidence.asker import Ask, Asker, HttpAsker, named_releases
from assay.rollout.evidence.meaning import Declared
from assay.rollout.evidence.memory import memory_seen
from assay.rollout.evidence.observe import COPY_HEADER
from assay.rollout.evidence.pairs import ArmAddress, Pairs
from assay.rollout.evidence.questions import Questions
from assay.rollout.evidence.sweep import Sweep
from assay.rollout.evidence.synthetic import Suite
from assay.rollout.judging.drift import DeclaredDrift
from assay.rollout.options import DataCentreSettings, SlotSettings
from assay.rollout.samples import Arm, MemorySeen, Pair


class HttpArms:
    """`asker`: of the arms directly. `front_asker`: of the front door, with `COPY_HEADER` on its requests.
    `drift`: what the candidate's release says it will change."""

    def __init__(
        self,
        data_centre: str,
        settings: DataCentreSettings,
        stable: Arm,
        candidate: Arm,
        asker: Asker,
        front_asker: Asker,
        clock: Clock,
        drift: Sequence[DeclaredDrift] = (),
    ) -> None:
        declared = Declared([(item.wiki, item.model) for item in drift])
        old, new = (_address(arm, settings.slots[arm.slot]) for arm in (stable, candidate))
        self._data_centre = data_centre
        self._settings = settings
        self._slots = (stable.slot, candidate.slot)
        self._asker = asker
        self._front_asker = front_asker
        self._clock = clock
        self._pairs = Pairs(data_centre, old, new, asker, clock, declared)
        self._sweep = Sweep(asker, old.urls[0])
        self._suite = Suite(self._pairs, old, new, asker)

    async def ask(self, target: str) -> Pair:
        """The same request of both, compared."""
        return await self._pairs.pair(target)

    async def sweep(self) -> Pair:
        """Some texts that nobody asked for just now, of both."""
        return await self._pairs.pair_of(await self._sweep.next())

    async def synthetic(self) -> Sequence[Pair]:
        """The whole suite."""
        return await self._suite.run()

    async def memory(self) -> Sequence[MemorySeen]:
        """Of all processes that answer."""
        seen = await asyncio.gather(*(self._memory_of(slot) for slot in self._slots))
        return [sample for samples in seen for sample in samples]

    async def ask_front_door(self, target: str) -> None:
        """As a user would; the load balancer's log tells what came of it."""
        await self._front_asker.ask(self._settings.front_url, Ask(target))

    async def _memory_of(self, slot: str) -> Sequence[MemorySeen]:
        settings = self._settings.slots[slot]
        urls = (*settings.urls, *settings.metrics_urls)
        seen = await memory_seen(self._asker, urls, self._data_centre, slot, self._clock)
        told = {sample.process.partition(" since ")[0] for sample in seen}
        return seen if told >= set(urls) else ()  # who does not answer must not count as one without a leak


class HttpPlace:
    """A data centre in which others move the users: `assay.rollout.control.parts.Place`."""

    def __init__(self, data_centre: str, settings: DataCentreSettings, asker: Asker, clock: Clock) -> None:
        self._data_centre = data_centre
        self._settings = settings
        self._asker = asker
        self._clock = clock
        self._questions = {slot: Questions(asker, one.urls[0], clock) for slot, one in settings.slots.items()}

    async def releases(self) -> Mapping[str, str]:
        """By slot; of processes that do not answer nothing is said, those that do must agree."""
        slots = self._settings.slots
        named = await asyncio.gather(*(self._release_of(one) for one in slots.values()))
        return dict(zip(slots, named, strict=True))

    def arms(self, stable: Arm, candidate: Arm, declared: Sequence[DeclaredDrift]) -> HttpArms:
        """To be asked as long as they are of these releases."""
        return HttpArms(
            self._data_centre,
            self._settings,
            stable,
            candidate,
            self._asker,
            self._asker,  # nobody logs a front door's requests to us
            self._clock,
            declared,
        )

    async def next_target(self, slot: str) -> str:
        """Of a recent revision that the slot's first process tells."""
        return await self._questions[slot].next()

    async def _release_of(self, settings: SlotSettings) -> str:
        named = set((await named_releases(self._asker, settings.urls)).values()) - {""}
        return named.pop() if len(named) == 1 else ""


@asynccontextmanager
async def askers() -> AsyncIterator[tuple[HttpAsker, HttpAsker]]:
    """One for arms, one for front doors, for all data centres."""
    async with HttpAsker() as direct, HttpAsker(headers={COPY_HEADER: "1"}) as front:
        yield direct, front


def _address(arm: Arm, settings: SlotSettings) -> ArmAddress:
    return ArmAddress(arm.slot, settings.urls, arm.release or None)
