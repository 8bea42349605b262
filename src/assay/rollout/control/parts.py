"""What a controller needs of the world, each behind a small interface, so that its decisions can be tried out
without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from assay.rollout.judging.drift import DeclaredDrift
from assay.rollout.samples import Arm, MemorySeen, Observed, Pair
from assay.rollout.traffic.haproxy import Balancer


class Fleet(Protocol):
    """The nodes of all data centres. Both raise `FleetError` with what a node said."""

    async def deploy(self, data_centre: str, slot: str, release: str) -> None:
        """Every node of the data centre runs the release in that slot, and its preflight found nothing."""
        ...

    async def retire(self, data_centre: str, slot: str) -> None:
        """No process of that slot runs any more on any node."""
        ...


class Users(Protocol):
    """Users' requests, as the load balancers see them."""

    def take(self) -> Sequence[Observed]:
        """Those since the last call."""
        ...

    async def next_copy(self) -> Observed:
        """The next one that is to be asked again; waits for it."""
        ...


class Arms(Protocol):
    """Both arms of one data centre, asked directly."""

    async def ask(self, target: str) -> Pair:
        """The same request of both, compared. Never raises."""
        ...

    async def sweep(self) -> Pair:
        """Some texts that nobody asked for just now, asked of both; waits for some. Never raises."""
        ...

    async def synthetic(self) -> Sequence[Pair]:
        """The whole suite of synthetic requests. Never raises."""
        ...

    async def memory(self) -> Sequence[MemorySeen]:
        """Of all processes that answer. Never raises."""
        ...

    async def ask_front_door(self, target: str) -> None:
        """As a user of that data centre does; the load balancer's log tells what came of it."""
        ...


class Place(Protocol):
    """A data centre in which others move the users: its two arms may be of other releases at any time."""

    async def releases(self) -> Mapping[str, str]:
        """By slot, the release that its web processes name; empty when none answers, or they do not agree.
        Never raises."""
        ...

    def arms(self, stable: Arm, candidate: Arm, declared: Sequence[DeclaredDrift]) -> Arms:
        """To be asked, as long as they are of these releases. `declared`: what the candidate changes."""
        ...

    async def next_target(self, slot: str) -> str:
        """What a user could ask next, of a recent revision that the arm in `slot` tells; waits for one."""
        ...


@dataclass(frozen=True)
class Parts:
    """All of them. `balancers`, `arms`: by data centre."""

    balancers: Mapping[str, Balancer]
    fleet: Fleet
    users: Users
    arms: Mapping[str, Arms]
