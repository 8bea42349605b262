"""A data centre in memory in which others move the users, for watchers: time is the event loop's."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from assay.rollout.control.subject import Slots
from assay.rollout.control.watch import DriftOf, Record, Watcher
from assay.rollout.journal import Journal
from assay.rollout.judging.drift import DeclaredDrift
from assay.rollout.options import DataCentreSettings, RolloutOptions
from assay.rollout.reporting.gate import Gate, ask
from assay.rollout.reporting.journal_reader import JournalReader
from assay.rollout.samples import Arm, CellPair, MemorySeen, Pair, SeenCell
from rollout.fake_world import SLOTS, LoopClock

SLOT_NAMES = Slots("blue", "green")
OLD, NEW, NEWER = "spring-000000000001", "summer-000000000002", "winter-000000000003"


@dataclass
class FakePlace:
    """`stable`, `candidate`: the releases that answer; empty: none does. `shape`, `slow`, `lost`: what is
    wrong with the candidate's answers to users' requests. `odd_suite`: what only synthetic requests show.
    `is_dead`: the stable arm fails."""

    name: str
    clock: LoopClock = field(default_factory=LoopClock)
    stable: str = OLD
    candidate: str = OLD
    shape: bool = False
    odd_suite: bool = False
    slow: float = 1.0
    lost: bool = False
    is_dead: bool = False
    suites: int = 0
    asked: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(3)
        self._numbers = itertools.count(1)

    async def releases(self) -> Mapping[str, str]:
        await asyncio.sleep(0.01)
        return {"blue": self.stable, "green": self.candidate}

    def arms(self, stable: Arm, candidate: Arm, declared: Sequence[DeclaredDrift]) -> FakeArms:
        assert (stable.slot, candidate.slot) == ("blue", "green")
        return FakeArms(self, stable.release, candidate.release)

    async def next_target(self, slot: str) -> str:
        assert slot == "blue"
        return f"/v3/scores/w/{next(self._numbers)}/"


@dataclass
class FakeArms:
    place: FakePlace
    stable: str
    candidate: str

    async def ask(self, target: str) -> Pair:
        await asyncio.sleep(0.05)
        self.place.asked += 1
        return self._pair(int(target.split("/")[4]), target)

    async def sweep(self) -> Pair:
        raise AssertionError("a watcher asks what users could ask")

    async def synthetic(self) -> Sequence[Pair]:
        await asyncio.sleep(2)
        self.place.suites += 1
        pairs = [replace(self._pair(10**6 + number, "/v3/scores/"), shape_faults=()) for number in range(20)]
        if self.place.odd_suite:
            pairs[3] = replace(pairs[3], shape_faults=("w: a key less",))
        return pairs

    async def memory(self) -> Sequence[MemorySeen]:
        now_s = self.place.clock.now().timestamp()
        jobs = round(20 * self.place.clock.monotonic_s())
        return [
            MemorySeen(now_s, self.place.name, slot, f"{slot} web", 200_000_000, jobs)
            for slot in ("blue", "green")
        ]

    async def ask_front_door(self, target: str) -> None:
        raise AssertionError(f"nobody here has a front door: {target}")

    def _pair(self, rev_id: int, target: str) -> Pair:
        place = self.place
        cell = SeenCell("false", {"true": 0.25, "false": 0.75})
        status = 503 if place.is_dead else 200
        times = [place.chance.lognormvariate(3, 0.3) for _ in range(2)]
        return Pair(
            place.clock.now().timestamp(),
            place.name,
            target,
            status,
            0 if place.lost else status,
            () if place.is_dead or place.lost else (CellPair("w", "damaging", rev_id, cell, cell),),
            shape_faults=("w.scores: a level more",) if place.shape else (),
            stable_ms=None if place.is_dead or place.lost else times[0],
            candidate_ms=None if place.is_dead or place.lost else times[1] * place.slow,
            stable_cpu_ms=None if place.is_dead or place.lost else 5.0,
            candidate_cpu_ms=None if place.is_dead or place.lost else 5.0,
            has_stranger=(place.stable or self.stable, place.candidate or self.candidate)
            != (self.stable, self.candidate),
        )


class Cluster:
    """Places with a watcher that tests start, kill and ask about."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder, self.clock = folder, LoopClock()
        self.places = {name: FakePlace(name, self.clock) for name in names or ("here",)}
        centres = {name: DataCentreSettings("", "", SLOTS) for name in self.places}
        self.options = RolloutOptions(centres, str(folder))
        self.drift_of: DriftOf = no_drift

    @property
    def place(self) -> FakePlace:
        return next(iter(self.places.values()))

    async def watch(self, seconds: float, *happenings: tuple[float, Callable[[], object]]) -> Record:
        """A watcher, killed after so many seconds. `happenings`: what is done when, from its beginning."""
        record = Record()
        with Journal(self.folder, self.clock, record.add) as journal:
            watcher = Watcher(
                journal, record, self.options, self.places, SLOT_NAMES, self.drift_of, self.clock
            )
            task = asyncio.create_task(watcher.run())
            begun_s = self.clock.monotonic_s()
            for at_s, happen in happenings:
                await asyncio.wait([task], timeout=begun_s + at_s - self.clock.monotonic_s())
                happen()
            await asyncio.wait([task], timeout=begun_s + seconds - self.clock.monotonic_s())
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        return record

    def gate(self, release: str, later_s: float = 0.0, max_age_s: float = 120.0) -> Gate:
        """What the page would answer now."""
        with JournalReader(self.folder).refreshed() as (reading, stories):
            return ask(reading, stories, release, self.clock.now().timestamp() + later_s, max_age_s)


async def no_drift(_: str) -> Sequence[DeclaredDrift] | None:
    return ()
