"""Arms and data centres taken out of the users' traffic and put back, without a failed request.

Out: first it is certain that somebody else takes the traffic, then no new request comes, then those under way
end. All of it may be done again after it was cut off in the middle; the caller writes its journal around it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Final

from assay.clock import Clock
from assay.errors import BalancerError, BalancerUnavailable
from assay.rollout.traffic.haproxy import Balancer, Server

DRAIN_LIMIT_S: Final = 40.0
"""Longer than HAProxy lets a request take."""
READY_LIMIT_S: Final = 30.0
_FULL: Final = 100
_LOOK_AGAIN_S: Final = 0.05


class Pooling:
    """One data centre's. `remote`: HAProxy's server that leads to another one; empty: there is none.

    Raises `BalancerError` when the others could not take the traffic or do not let go of it in time, and
    `BalancerUnavailable`.
    """

    def __init__(
        self,
        balancer: Balancer,
        clock: Clock,
        *,
        remote: str = "",
        drain_limit_s: float = DRAIN_LIMIT_S,
        ready_limit_s: float = READY_LIMIT_S,
    ) -> None:
        self._balancer = balancer
        self._clock = clock
        self._remote = remote
        self._drain_limit_s = drain_limit_s
        self._ready_limit_s = ready_limit_s

    async def depool_slot(self, slot: str) -> None:
        """No new requests for a slot's servers; returns when they have none. Their weights stay, so that
        `pool_slot` gives the same share again."""
        servers = await self._balancer.servers()
        ours = _of_slot(servers, slot)
        if not any(server.takes_traffic for server in servers.values() if server.name not in ours):
            raise BalancerError(
                f"Slot {slot!r} is the last that takes users' requests: give another one weight, or depool "
                "the data centre."
            )
        await self._out(ours)

    async def pool_slot(self, slot: str) -> None:
        """Back, with the weights from before; returns when all of its servers are up."""
        ours = _of_slot(await self._balancer.servers(), slot)
        await self._balancer.set_state(ours, "ready")
        await self._until(lambda servers: all(servers[name].is_up for name in ours), ours, "up")

    async def depool_data_centre(self, others: Collection[Balancer]) -> None:
        """Another data centre takes all users' requests that arrive here; returns when none is left here.

        `others`: the balancers of all other data centres; at least one must serve by itself.
        """
        servers = await self._balancer.servers()
        if self._remote not in servers:
            raise BalancerError("No server leads from here to another data centre: set `remote_server`.")
        if not await _any_serves(others):
            raise BalancerError("This is the last data centre that answers users: pool another one first.")
        if not servers[self._remote].status.startswith(("UP", "DRAIN", "no check")):
            raise BalancerError(
                f"The other data centre is {servers[self._remote].status} as seen from here, through server "
                f"{self._remote!r}: its HAProxy must answer /readyz."
            )
        await self._balancer.set_state([self._remote], "ready")
        await self._balancer.set_weights({self._remote: _FULL})
        await self._until(lambda now: now[self._remote].takes_traffic, [self._remote], "up")
        await self._out([name for name in servers if name != self._remote])

    async def pool_data_centre(self) -> None:
        """Its own servers answer again; returns when no request goes to the other data centre any more."""
        servers = await self._balancer.servers()
        own = [name for name in servers if name != self._remote]
        await self._balancer.set_state(own, "ready")
        weighty = [name for name in own if servers[name].weight]
        if not weighty:
            raise BalancerError("No server of this data centre has weight: give a slot some, then pool it.")
        await self._until(lambda now: all(now[name].is_up for name in weighty), weighty, "up")
        if self._remote in servers:
            await self._balancer.set_weights({self._remote: 0})
            await self._until_idle([self._remote])

    async def until_idle(self, slot: str) -> None:
        """Wait until a slot has no request under way, for example after its weight became 0."""
        await self._until_idle(_of_slot(await self._balancer.servers(), slot))

    # -- parts ---------------------------------------------------------------------------------------

    async def _out(self, names: Collection[str]) -> None:
        await self._balancer.set_state(names, "drain")
        await self._until_idle(names)

    async def _until_idle(self, names: Collection[str]) -> None:
        def is_idle(servers: Mapping[str, Server]) -> bool:
            return not any(servers[name].sessions or servers[name].queued for name in names)

        await self._until(is_idle, names, "idle")

    async def _until(
        self, is_so: Callable[[Mapping[str, Server]], bool], names: Collection[str], what: str
    ) -> None:
        limit_s = self._drain_limit_s if what == "idle" else self._ready_limit_s
        deadline_s = self._clock.monotonic_s() + limit_s
        while not is_so(servers := await self._balancer.servers()):
            if self._clock.monotonic_s() >= deadline_s:
                told = ", ".join(
                    f"{name} is {servers[name].status} with {servers[name].sessions} requests"
                    for name in names
                )
                raise BalancerError(f"Not {what} within {limit_s:g} s: {told}.")
            await asyncio.sleep(_LOOK_AGAIN_S)


def _of_slot(servers: Mapping[str, Server], slot: str) -> list[str]:
    if not (ours := [name for name, server in servers.items() if server.slot == slot]):
        raise BalancerError(f"HAProxy has no server of slot {slot!r}; it has {', '.join(servers)}.")
    return ours


async def _any_serves(balancers: Collection[Balancer]) -> bool:
    """Whether one of them has a server of its own, not a way to somebody else, that takes traffic. A data
    centre whose balancer does not answer is not counted."""
    for balancer in balancers:
        try:
            servers = await balancer.servers()
        except (BalancerError, BalancerUnavailable):
            continue
        if any(server.takes_traffic and server.slot != server.name for server in servers.values()):
            return True
    return False
