"""What all quotas promise, what Redis adds, and that its script decides as the Python does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from assay.clock import FakeClock
from assay.stores.quota import Exceeded, Lease, Limits, MemoryQuotas, Quotas, RedisQuotas, arrive
from assay.tasks import end
from servers.proxy import HEALTHY, Behaviour, FaultProxy
from servers.redis import RedisServer, running
from waiting import until_async

LIMITS = Limits(concurrent=3, per_minute=6, burst=50, lease_s=30.0)
"""So slow a rate that nothing leaks back within a test."""

WAIT_S = 20.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def shared_quotas(
    server: RedisServer, clock: FakeClock, timeout_s: float = 5.0, rest_s: float = 1.0
) -> RedisQuotas:
    return RedisQuotas(
        Redis(port=server.port), MemoryQuotas(clock), clock, timeout_s=timeout_s, rest_s=rest_s
    )


@pytest.fixture(params=["memory", "redis"])
async def quotas(request: pytest.FixtureRequest, clock: FakeClock) -> AsyncIterator[Quotas]:
    quotas: Quotas = MemoryQuotas(clock)
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("shared_redis")
        with server.client() as client:
            client.flushall()
        quotas = shared_quotas(server, clock)
    yield quotas
    await quotas.aclose()


async def let_in(quotas: Quotas, client: str = "a", cost: int = 1, limits: Limits = LIMITS) -> Lease:
    entered = await quotas.enter(client, cost, limits)
    assert isinstance(entered, Lease)
    return entered


async def limit_met(quotas: Quotas, client: str = "a", cost: int = 1, limits: Limits = LIMITS) -> str:
    entered = await quotas.enter(client, cost, limits)
    assert isinstance(entered, Exceeded)
    assert entered.retry_s > 0
    return entered.limit


async def test_places_are_taken_and_given_back(quotas: Quotas) -> None:
    leases = [await let_in(quotas) for _ in range(3)]
    assert await limit_met(quotas) == "concurrent"
    await quotas.leave(leases[1])
    await let_in(quotas)
    assert await limit_met(quotas) == "concurrent"


async def test_a_place_is_given_back_once(quotas: Quotas) -> None:
    leases = [await let_in(quotas) for _ in range(3)]
    for _ in range(2):
        await quotas.leave(leases[0])
    await let_in(quotas)
    assert await limit_met(quotas) == "concurrent"


async def test_cost_counts_and_clients_are_apart(quotas: Quotas) -> None:
    await let_in(quotas, "a", cost=50)
    assert await limit_met(quotas, "a") == "rate"
    await let_in(quotas, "b", cost=50)


async def test_who_is_refused_spends_nothing_and_holds_nothing(quotas: Quotas) -> None:
    await let_in(quotas, cost=48)
    assert [await limit_met(quotas, cost=3) for _ in range(5)] == ["rate"] * 5
    await let_in(quotas, cost=2)
    await let_in(quotas, "b", cost=1)
    leases = [await let_in(quotas, "b", cost=1) for _ in range(2)]
    assert [await limit_met(quotas, "b", cost=40) for _ in range(5)] == ["concurrent"] * 5
    await quotas.leave(leases[0])
    await let_in(quotas, "b", cost=47)


async def test_the_wait_told_is_what_the_cost_needs(quotas: Quotas) -> None:
    await let_in(quotas, cost=50)
    refused = await quotas.enter("a", 5, LIMITS)
    assert isinstance(refused, Exceeded)
    assert 5 * LIMITS.interval_s - WAIT_S < refused.retry_s <= 5 * LIMITS.interval_s


# -- the rule ----------------------------------------------------------------------------------------

asks = st.lists(st.tuples(st.floats(0, 100), st.integers(1, 50)), max_size=40)


@given(asks, st.floats(1, 10_000), st.integers(50, 2000))
def test_in_no_span_of_time_more_than_burst_and_rate_and_whoever_waits_is_let_in(
    asks: list[tuple[float, int]], per_minute: float, burst: int
) -> None:
    limits = Limits(1, per_minute, burst, 1.0)
    now_s, paid_until_s, spent = 0.0, 0.0, dict[float, int]()
    for pause_s, cost in asks:
        now_s += pause_s
        after_s, wait_s = arrive(paid_until_s, now_s, cost, limits)
        assert arrive(paid_until_s, now_s + wait_s, cost, limits)[1] == pytest.approx(0, abs=1e-6)
        if wait_s == 0:
            paid_until_s = after_s
            spent.setdefault(now_s, 0)
            spent = {since_s: total + cost for since_s, total in spent.items()}
        assert all(
            total <= burst + (now_s - since_s) / limits.interval_s + 1e-6 for since_s, total in spent.items()
        )


@given(st.floats(0, 1e9), st.integers(1, 100_000), st.integers(50, 5000))
def test_exactly_a_burst_is_let_in_whatever_the_time(now_s: float, per_minute: int, burst: int) -> None:
    limits = Limits(1, per_minute, burst, 1.0)
    half_s, wait_s = arrive(0.0, now_s, burst // 2, limits)
    assert wait_s == 0
    assert arrive(half_s, now_s, burst - burst // 2, limits)[1] == 0


async def test_memory_lets_in_again_when_time_has_passed(clock: FakeClock) -> None:
    quotas = MemoryQuotas(clock)
    await let_in(quotas, cost=50)
    clock.advance(9.9)
    assert await limit_met(quotas) == "rate"
    clock.advance(0.2)
    await let_in(quotas)


async def test_memory_forgets_whoever_owes_nothing(clock: FakeClock) -> None:
    quotas = MemoryQuotas(clock)
    for number in range(20):
        await quotas.leave(await let_in(quotas, f"client {number}"))
    clock.advance(60)
    for _ in range(20):
        await quotas.leave(await let_in(quotas, "another"))
    assert len(quotas) == 1


async def test_memory_is_bounded_and_tolerates_the_return_of_forgotten_places(clock: FakeClock) -> None:
    quotas = MemoryQuotas(clock, max_clients=10)
    leases = [await let_in(quotas, f"client {number}", cost=50) for number in range(100)]
    assert len(quotas) <= 10
    for lease in leases:
        await quotas.leave(lease)


# -- Redis -------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 50), st.booleans()), max_size=12))
def test_the_script_decides_as_the_memory_does(
    shared_redis: RedisServer, steps: list[tuple[str, int, bool]]
) -> None:
    async def decisions(quotas: Quotas) -> list[str]:
        held: list[Lease] = []
        told: list[str] = []
        for client, cost, leaves in steps:
            if leaves and held:
                await quotas.leave(held.pop(0))
            entered = await quotas.enter(client, cost, LIMITS)
            if isinstance(entered, Lease):
                held.append(entered)
            told.append("in" if isinstance(entered, Lease) else entered.limit)
        await quotas.aclose()
        return told

    with shared_redis.client() as client:
        client.flushall()
    clock = FakeClock()
    expected = asyncio.run(decisions(MemoryQuotas(clock)))
    assert asyncio.run(decisions(shared_quotas(shared_redis, clock))) == expected


async def test_two_processes_count_together(shared_redis: RedisServer, clock: FakeClock) -> None:
    one, other = shared_quotas(shared_redis, clock), shared_quotas(shared_redis, clock)
    lease = await let_in(one, "together", cost=20)
    assert lease.shared
    await let_in(other, "together", cost=20)
    assert await limit_met(one, "together", cost=20) == "rate"
    await let_in(one, "together")
    assert await limit_met(other, "together") == "concurrent"
    await other.leave(lease)
    await let_in(other, "together")
    await one.aclose()
    await other.aclose()


async def test_a_killed_process_gives_its_places_back(shared_redis: RedisServer, clock: FakeClock) -> None:
    killed, living = shared_quotas(shared_redis, clock), shared_quotas(shared_redis, clock)
    short = replace(LIMITS, lease_s=0.2)
    for _ in range(3):
        await let_in(killed, "orphan", limits=short)
    await killed.aclose()
    await until_let_in(living, "orphan", short)
    await living.aclose()


async def test_what_was_spent_in_redis_leaks_back(shared_redis: RedisServer, clock: FakeClock) -> None:
    quotas = shared_quotas(shared_redis, clock)
    fast = Limits(concurrent=1000, per_minute=600, burst=50, lease_s=30.0)
    await let_in(quotas, "leak", 50, fast)
    assert await limit_met(quotas, "leak", 2, fast) == "rate"
    await until_let_in(quotas, "leak", fast)
    await quotas.aclose()


async def test_nothing_stays_in_redis_for_ever(shared_redis: RedisServer, clock: FakeClock) -> None:
    quotas = shared_quotas(shared_redis, clock)
    await let_in(quotas, "short", cost=10)
    with shared_redis.client() as client:
        for key in client.scan_iter("assay:quota:*"):
            assert 0 < client.pttl(key) <= 1000 * (LIMITS.burst * LIMITS.interval_s + 1)
        assert client.exists("assay:quota:{short}:rate", "assay:quota:{short}:places") == 2
    await quotas.aclose()


async def until_let_in(quotas: Quotas, client: str, limits: Limits) -> None:
    give_up_s = time.monotonic() + WAIT_S
    while isinstance(await quotas.enter(client, 1, limits), Exceeded):
        assert time.monotonic() < give_up_s, "never let in"
        await asyncio.sleep(0.01)


async def test_a_request_needs_one_command_to_enter_and_one_to_leave(clock: FakeClock) -> None:
    with running() as server, server.client() as client:
        quotas = shared_quotas(server, clock)
        await quotas.leave(await let_in(quotas, "counted"))
        client.config_resetstat()
        await quotas.leave(await let_in(quotas, "counted"))
        commands = client.info("commandstats")
        asked = {name.removeprefix("cmdstat_") for name in commands}
        assert "evalsha" in asked
        assert commands["cmdstat_zrem"]["calls"] == 1
        assert not asked & {"eval", "script|load", "multi"}
        await quotas.aclose()


# -- Redis away --------------------------------------------------------------------------------------


async def test_without_redis_each_process_counts_for_itself(clock: FakeClock) -> None:
    with running() as server:
        quotas = shared_quotas(server, clock)
        before = await let_in(quotas)
        server.kill()
        leases = [await let_in(quotas) for _ in range(3)]
        assert await limit_met(quotas) == "concurrent"
        await quotas.leave(before)
        for lease in leases:
            await quotas.leave(lease)
        await let_in(quotas, cost=47)
        assert await limit_met(quotas) == "rate"
        await quotas.aclose()


async def test_a_silent_redis_is_asked_once_and_then_left_alone_for_a_while(clock: FakeClock) -> None:
    with running() as server:
        quotas = shared_quotas(server, clock, timeout_s=0.2)
        server.freeze()
        for number in range(50):
            await let_in(quotas, f"client {number}")
        server.thaw()
        clock.advance(5.0)
        await until_shared(quotas, clock)
        await quotas.aclose()


async def test_a_restarted_redis_is_used_again_though_it_lost_the_script(clock: FakeClock) -> None:
    with running() as server:
        quotas = shared_quotas(server, clock)
        assert (await let_in(quotas)).shared
        server.kill()
        assert not (await let_in(quotas)).shared
        server.start()
        await until_shared(quotas, clock)
        await quotas.aclose()


async def test_a_full_redis_refuses_nobody(clock: FakeClock) -> None:
    with running(["--maxmemory", "1", "--maxmemory-policy", "noeviction"]) as server:
        quotas = shared_quotas(server, clock)
        assert not (await let_in(quotas)).shared
        await quotas.aclose()


async def test_places_that_could_not_be_given_back_are_given_back_later(clock: FakeClock) -> None:
    with running() as server, server.client() as client:
        quotas = shared_quotas(server, clock, timeout_s=0.5)
        lease = await let_in(quotas, "a")
        server.freeze()
        await quotas.leave(lease)
        server.thaw()
        await until_shared(quotas, clock)
        assert client.zcard("assay:quota:{a}:places") == 0
        await quotas.aclose()


async def test_a_place_that_redis_gave_unheard_is_given_back(clock: FakeClock) -> None:
    with running() as server, server.client() as client, FaultProxy(server.port).running() as proxy:
        quotas = RedisQuotas(Redis(port=proxy.port), MemoryQuotas(clock), clock, timeout_s=0.5, rest_s=1.0)
        await quotas.leave(await let_in(quotas, "a"))  # the script is loaded, the connection open
        proxy.behave(Behaviour(reset_after_bytes=0))
        lease = await let_in(quotas, "a")
        assert not lease.shared
        assert client.zcard("assay:quota:{a}:places") == 1
        proxy.behave(HEALTHY)
        await until_shared(quotas, clock)
        assert client.zcard("assay:quota:{a}:places") == 0
        await quotas.aclose()


async def test_places_that_clients_took_and_hung_up_meanwhile_are_given_back(
    shared_redis: RedisServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    quotas = shared_quotas(shared_redis, clock)
    ask, is_heard = quotas._enter, asyncio.Event()

    async def unheard(*arguments: Any) -> Any:
        answer = await ask(*arguments)
        await is_heard.wait()
        return answer

    monkeypatch.setattr(quotas, "_enter", unheard)
    with shared_redis.client() as client:
        client.flushall()
        entering = [asyncio.create_task(quotas.enter("a", 1, LIMITS)) for _ in range(LIMITS.concurrent)]
        await until_async(lambda: client.zcard("assay:quota:{a}:places") == LIMITS.concurrent)
        await end(entering)
        is_heard.set()
        assert await limit_met(quotas, "a") == "concurrent"
        await let_in(quotas, "a")
    await quotas.aclose()


async def test_who_hangs_up_while_places_are_given_back_loses_none_of_them(clock: FakeClock) -> None:
    with running() as server, server.client() as client:
        quotas = shared_quotas(server, clock)
        leases = [await let_in(quotas, name) for name in ("a", "b")]
        server.freeze()
        leaving = [asyncio.create_task(quotas.leave(lease)) for lease in leases]
        await until_async(lambda: _busy(quotas))
        await end(leaving)
        server.thaw()
        await quotas.leave(await let_in(quotas, "c"))
        assert client.keys("assay:quota:*:places") == []
        await quotas.aclose()


def _busy(quotas: RedisQuotas) -> set[Any]:
    """Connections on which something was asked that is not answered."""
    pool: Any = quotas._redis.connection_pool
    return set(pool._in_use_connections)


async def until_shared(quotas: RedisQuotas, clock: FakeClock) -> None:
    """Until Redis counts again, and what is owed to it was given back."""
    give_up_s = time.monotonic() + WAIT_S
    while True:
        clock.advance(5.0)
        lease = await let_in(quotas, "probe")
        await quotas.leave(lease)
        if lease.shared:
            return
        assert time.monotonic() < give_up_s, "Redis is not used again"
