"""Two data centres in memory, with users, for controllers: time is the event loop's, chance is seeded."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from assay.errors import ReleaseError
from assay.rollout.control.controller import Controller
from assay.rollout.control.parts import Parts
from assay.rollout.guards import GuardOptions
from assay.rollout.journal import Journal
from assay.rollout.judging.drift import DeclaredDrift
from assay.rollout.options import DataCentreSettings, RolloutOptions, SlotSettings, StageOptions
from assay.rollout.plan import make_plan
from assay.rollout.samples import Arm, CellPair, MemorySeen, Observed, Pair, SeenCell
from assay.rollout.traffic.haproxy import FakeBalancer, Server

STABLE, CANDIDATE = Arm("blue", "2026-1-aaaaaaaaaaaa"), Arm("green", "2026-2-bbbbbbbbbbbb")
STANDBY, MAIN = "standby", "main"
"""Data centres: users' requests arrive in the second only."""
EPOCH: Final = datetime(2026, 11, 26, 12, tzinfo=UTC)
QUICK: Final = StageOptions(
    shadow_pairs=60, weight_pairs=20, weight_observed=8, least_s=5, limit_s=300, weights=(5, 50, 100)
)
"""A rollout of some minutes: judging costs real time."""
SLOTS: Final = {slot: SlotSettings((f"http://{slot}",)) for slot in ("blue", "green")}


class LoopClock:
    """The event loop's time. `set_by`: how far somebody set the time of day."""

    def __init__(self) -> None:
        self.set_by = timedelta()

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.monotonic_s()) + self.set_by


@dataclass
class Faults:
    """What is wrong with the candidate. `refuses`: data centres in which it cannot be deployed.
    `errors_for_users`: the share of their requests that fail, in the data centres of `errors_in`."""

    refuses: frozenset[str] = frozenset()
    shape: bool = False
    errors_for_users: float = 0.0
    errors_in: frozenset[str] = frozenset({STANDBY, MAIN})
    slow: float = 1.0


@dataclass
class World:
    """`rate`: users' requests a second in the main data centre."""

    folder: Path
    faults: Faults = field(default_factory=Faults)
    rate: float = 20.0
    stages: StageOptions = field(default_factory=lambda: QUICK)

    def __post_init__(self) -> None:
        self.clock = LoopClock()
        self.chance = random.Random(7)
        self.deployed: list[str] = []
        self.retired: list[str] = []
        self.balancers = {name: FakeBalancer(_servers()) for name in (STANDBY, MAIN)}
        self.fronts: dict[str, int] = dict.fromkeys(self.balancers, 0)
        self.options = RolloutOptions(
            {
                name: DataCentreSettings(f"/run/{name}.sock", f"http://{name}", SLOTS, is_active=name == MAIN)
                for name in self.balancers
            },
            str(self.folder),
            stages=self.stages,
            guards=GuardOptions(passing_bound=0.03, harm_share=0.1),
        )
        self.users = _Users(self)

    def controller(
        self, journal: Journal, declared: Sequence[DeclaredDrift] = (), ask_points: Any = None
    ) -> Controller:
        arms = {name: _Arms(self, name) for name in self.balancers}
        parts = Parts(self.balancers, _Fleet(self), self.users, arms)
        return Controller(journal, self.options, parts, self.clock, declared, ask_points)

    def start(self, journal: Journal, *, now: bool = False) -> None:
        journal.append(
            "started",
            {
                "id": "r1",
                "stable": {"slot": STABLE.slot, "release": STABLE.release},
                "candidate": {"slot": CANDIDATE.slot, "release": CANDIDATE.release},
                "plan": make_plan(self.options, now=now).as_data(),
                "is_emergency": now,
                "by": "a test",
            },
        )

    def candidate_weights(self, data_centre: str) -> list[int]:
        """Of the candidate's first server, in the order in which they were set."""
        changes = self.balancers[data_centre].changes
        return [int(change["green-1"]) for change in changes if "green-1" in change]


def _servers() -> list[Server]:
    return [
        Server(f"{slot}-{number}", "UP", weight=100 if slot == "blue" else 0)
        for slot, number in itertools.product(("blue", "green"), (1, 2))
    ]


class _Fleet:
    def __init__(self, world: World) -> None:
        self._world = world

    async def deploy(self, data_centre: str, slot: str, release: str) -> None:
        assert (slot, release) == (CANDIDATE.slot, CANDIDATE.release)
        await asyncio.sleep(3)
        if data_centre in self._world.faults.refuses:
            raise ReleaseError("Redis refuses our password: mend redis.password")
        self._world.deployed.append(data_centre)

    async def retire(self, data_centre: str, slot: str) -> None:
        assert slot == CANDIDATE.slot
        self._world.retired.append(data_centre)


class _Users:
    """Their requests fall due evenly; the balancer's weights say who answers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers = itertools.count(1)
        self._seen_s: float | None = None

    def take(self) -> Sequence[Observed]:
        world, now_s = self._world, LoopClock().now().timestamp()
        since_s = now_s if self._seen_s is None else self._seen_s
        self._seen_s = now_s
        count = round((now_s - since_s) * world.rate)
        own = [self._one(MAIN, since_s + (n + 1) / world.rate) for n in range(count)]
        copies = [self._one(STANDBY, now_s) for _ in range(world.fronts[STANDBY])]
        world.fronts[STANDBY] = 0
        return sorted([*own, *copies], key=lambda one: one.at_s)

    async def next_copy(self) -> Observed:
        """Ten a second, of revisions that were not asked for before."""
        await asyncio.sleep(0.4)  # by each of the four who copy
        return replace(self._one(MAIN, 0.0), target=f"/v3/scores/w/?revids={next(self._numbers)}")

    def _one(self, data_centre: str, at_s: float) -> Observed:
        world = self._world
        servers = world.balancers[data_centre]._servers
        weights = {name: server.weight for name, server in servers.items()}
        (name,) = world.chance.choices(list(weights), list(weights.values()))
        slot = name.partition("-")[0]
        is_candidate = slot == CANDIDATE.slot
        is_faulty = is_candidate and data_centre in world.faults.errors_in
        fails = is_faulty and world.chance.random() < world.faults.errors_for_users
        release = CANDIDATE.release if is_candidate else STABLE.release
        ms = world.chance.lognormvariate(3, 0.5) * (world.faults.slow if is_candidate else 1)
        return Observed(at_s, data_centre, slot, release, 500 if fails else 200, ms, False, "GET", "/v3/")


class _Arms:
    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name
        self._numbers = itertools.count(0, 100)

    async def ask(self, target: str) -> Pair:
        await asyncio.sleep(0.05)
        return self._pair(int(target.rpartition("=")[2]), target)

    async def sweep(self) -> Pair:
        await asyncio.sleep(0.2)
        return self._pair(10**7 + next(self._numbers), "/v3/scores/w/", texts=20)

    async def synthetic(self) -> Sequence[Pair]:
        await asyncio.sleep(2)
        return [self._pair(10**6 + number, "/v3/scores/") for number in range(20)]

    async def memory(self) -> Sequence[MemorySeen]:
        now_s = self._world.clock.now().timestamp()
        jobs = round(self._world.clock.monotonic_s())
        return [
            MemorySeen(now_s, self._name, slot, f"{slot} worker", 200_000_000, jobs)
            for slot in ("blue", "green")
        ]

    async def ask_front_door(self, target: str) -> None:
        self._world.fronts[self._name] += 1

    def _pair(self, rev_id: int, target: str, texts: int = 1) -> Pair:
        world = self._world
        cell = SeenCell("false", {"true": 0.25, "false": 0.75})
        stable_ms, candidate_ms = (world.chance.lognormvariate(3, 0.3) for _ in range(2))
        return Pair(
            world.clock.now().timestamp(),
            self._name,
            target,
            200,
            200,
            tuple(CellPair("w", "damaging", rev_id + n, cell, cell) for n in range(texts)),
            shape_faults=("w.scores: a level more",) if world.faults.shape else (),
            stable_ms=stable_ms,
            candidate_ms=candidate_ms * world.faults.slow,
            stable_cpu_ms=5.0,
            candidate_cpu_ms=5.0,
        )


def weights_of(world: World) -> Iterator[tuple[str, int]]:
    """The candidate's weight now, by data centre."""
    for name, balancer in world.balancers.items():
        yield name, balancer._servers["green-1"].weight
