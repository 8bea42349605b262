"""Arms and data centres taken out and put back, under load, with real HAProxies: no request fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from assay.clock import SystemClock
from assay.errors import BalancerError, BalancerUnavailable
from assay.rollout.traffic.haproxy import FakeBalancer, HaproxyBalancer, Server
from assay.rollout.traffic.haproxy_config import HaproxyConfig
from assay.rollout.traffic.pooling import Pooling
from assay.rollout.traffic.shares import set_slot_weights
from rollout.small_arms import Arm, Steady, two_arms
from servers.haproxy import RunningHaproxy, haproxy
from servers.redis import free_port
from waiting import until_async

CLOCK = SystemClock()


@dataclass
class Centre:
    arms: tuple[Arm, Arm]
    front: RunningHaproxy
    balancer: HaproxyBalancer
    pooling: Pooling


@asynccontextmanager
async def centres(count: int, **limits: float) -> AsyncIterator[list[Centre]]:
    """So many data centres, each the other's remote; blue is stable."""
    ports = [free_port() for _ in range(count)]
    remote = "remote" if count > 1 else ""
    async with AsyncExitStack() as stack:
        found = []
        for index, port in enumerate(ports):
            arms = await stack.enter_async_context(two_arms())
            options = HaproxyConfig(
                data_centre=f"dc{index}",
                slots={"blue": arms[0].addresses, "green": arms[1].addresses},
                remote=f"127.0.0.1:{ports[index - 1]}" if remote else "",
                peers=("127.0.0.1",) if remote else (),
                check_ms=50,
            )
            front = stack.enter_context(haproxy(options, port=port))
            balancer = HaproxyBalancer(front.runtime)
            found.append(Centre(arms, front, balancer, Pooling(balancer, CLOCK, remote=remote, **limits)))
        yield found


async def test_an_arm_goes_and_comes_back_under_load_without_a_failure() -> None:
    async with centres(1) as [centre]:
        for arm in centre.arms:
            arm.delay_s = 0.01
        await set_slot_weights(centre.balancer, {"blue": 50, "green": 50})
        async with Steady(centre.front.url).running() as steady:
            for slot, other in (("green", "old-1"), ("blue", "new-2")) * 3:
                await steady.until_answered(40)
                await centre.pooling.depool_slot(slot)
                assert centre.arms[slot == "green"].in_flight == 0
                steady.shares()
                await steady.until_answered(40)
                assert steady.shares() == {other: 1.0}
                await centre.pooling.pool_slot(slot)
                await steady.until_answered(40, "new-2" if slot == "green" else "old-1")
        assert steady.failures == []


async def test_a_data_centre_goes_and_comes_back_under_load_without_a_failure() -> None:
    async with centres(2) as [here, there]:
        for centre, names in ((here, ("here", "here-new")), (there, ("there", "there-new"))):
            for arm, name in zip(centre.arms, names, strict=True):
                arm.release, arm.delay_s = name, 0.01
        async with Steady(here.front.url).running() as steady, Steady(there.front.url).running() as other:
            for _ in range(3):
                await steady.until_answered(40, "here")
                await here.pooling.depool_data_centre([there.balancer])
                steady.shares()
                await steady.until_answered(40)
                assert steady.shares() == {"there": 1.0}
                with pytest.raises(BalancerError, match="the last data centre"):
                    await there.pooling.depool_data_centre([here.balancer])
                await here.pooling.pool_data_centre()
                steady.shares()
                await steady.until_answered(40)
                assert steady.shares() == {"here": 1.0}
        assert steady.failures == other.failures == []


async def test_a_request_under_way_is_waited_for() -> None:
    async with centres(1) as [centre]:
        await set_slot_weights(centre.balancer, {"blue": 0, "green": 100})
        green = centre.arms[1]
        green.free.clear()
        async with Steady(centre.front.url).running(clients=3) as steady:
            await until_async(lambda: green.in_flight == 3)
            await set_slot_weights(centre.balancer, {"blue": 50, "green": 50})
            depooling = asyncio.create_task(centre.pooling.depool_slot("green"))
            await until_state(centre.balancer, "green-1", "drain")
            assert not depooling.done()
            green.free.set()
            await depooling
        assert green.in_flight == 0
        assert steady.failures == []


async def until_state(balancer: HaproxyBalancer, name: str, state: str) -> None:
    await until_server(balancer, name, lambda server: server.state == state)


async def until_server(
    balancer: HaproxyBalancer, name: str, is_so: Callable[[Server], bool], limit_s: float = 30.0
) -> None:
    async with asyncio.timeout(limit_s):
        while not is_so((await balancer.servers())[name]):  # noqa: ASYNC110 - HAProxy's state, not ours
            await asyncio.sleep(0.01)


async def test_what_does_not_end_is_told_with_its_requests() -> None:
    async with centres(1, drain_limit_s=0.2) as [centre]:
        await set_slot_weights(centre.balancer, {"blue": 50, "green": 50})
        green = centre.arms[1]
        green.free.clear()
        async with Steady(centre.front.url).running(clients=8):
            await until_async(lambda: green.in_flight > 3)
            with pytest.raises(
                BalancerError, match=r"Not idle within 0.2 s: green-1 is DRAIN with \d requests"
            ):
                await centre.pooling.depool_slot("green")
            green.free.set()
            await centre.pooling.depool_slot("green")


async def test_an_arm_that_is_not_ready_is_not_back() -> None:
    async with centres(1, ready_limit_s=0.3) as [centre]:
        await centre.pooling.depool_slot("green")
        centre.arms[1].is_ready = False
        for name in ("green-1", "green-2"):
            await until_server(centre.balancer, name, lambda server: server.status.startswith("DOWN"))
        with pytest.raises(BalancerError, match=r"Not up within 0.3 s: green-1 is DOWN"):
            await centre.pooling.pool_slot("green")


async def test_data_centres_that_lead_to_each_other_refuse_rather_than_go_round() -> None:
    """By hand, past all of our refusals."""
    async with centres(2) as [here, there]:
        for centre in (here, there):
            await centre.balancer.set_weights({"remote": 100})
            await centre.balancer.set_state(["blue-1", "blue-2", "green-1", "green-2"], "maint")
        async with Steady(here.front.url).running(clients=1) as steady:
            await until_async(lambda: len(steady.failures) > 3)
        assert set(steady.failures) == {"503"}


def fake(*servers: Server) -> FakeBalancer:
    return FakeBalancer(servers)


UP = Server("blue-1", "UP", weight=100)
SPARE = Server("green-1", "UP", weight=0)
REMOTE = Server("remote", "UP", weight=0)


async def test_the_last_is_never_taken_out() -> None:
    down = replace(SPARE, weight=50, status="DOWN")
    for others in ([SPARE], [down], [replace(down, status="UP", state="drain")]):
        balancer = fake(UP, *others)
        with pytest.raises(BalancerError, match="is the last that takes users' requests"):
            await Pooling(balancer, CLOCK).depool_slot("blue")
        assert balancer.changes == []


async def test_a_data_centre_goes_only_when_another_serves_by_itself() -> None:
    ours = fake(UP, SPARE, REMOTE)
    silent = fake(UP)
    silent.failure = BalancerUnavailable("away")
    leads_back = fake(replace(UP, state="drain", status="DRAIN"), replace(REMOTE, weight=100))
    for others in ([], [silent], [leads_back]):
        with pytest.raises(BalancerError, match="the last data centre"):
            await Pooling(ours, CLOCK, remote="remote").depool_data_centre(others)
    with pytest.raises(BalancerError, match="set `remote_server`"):
        await Pooling(ours, CLOCK).depool_data_centre([fake(UP)])
    ours.put(replace(REMOTE, status="DOWN 1/2"))
    with pytest.raises(BalancerError, match=r"is DOWN 1/2 as seen from here, through server 'remote'"):
        await Pooling(ours, CLOCK, remote="remote").depool_data_centre([fake(UP)])
    assert ours.changes == []


async def test_unknown_slots_and_weightless_data_centres_are_told() -> None:
    with pytest.raises(BalancerError, match=r"no server of slot 'red'; it has blue-1, green-1"):
        await Pooling(fake(UP, SPARE), CLOCK).depool_slot("red")
    with pytest.raises(BalancerError, match="No server of this data centre has weight"):
        await Pooling(fake(SPARE), CLOCK).pool_data_centre()
