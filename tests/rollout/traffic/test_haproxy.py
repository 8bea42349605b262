"""The runtime API of a real HAProxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assay.errors import BalancerError, BalancerUnavailable, ConfigurationError
from assay.rollout.traffic.haproxy import FakeBalancer, HaproxyBalancer, Server, slot_of
from assay.rollout.traffic.haproxy_config import HaproxyConfig
from assay.rollout.traffic.shares import set_slot_weights
from rollout.small_arms import Steady, two_arms
from servers.haproxy import RunningHaproxy, haproxy, program
from servers.processes import Process, running
from servers.proxy import Behaviour, FaultProxy
from servers.redis import free_port
from waiting import until_async

DOWN = HaproxyConfig(slots=dict.fromkeys(("blue", "green"), ("127.0.0.1:1", "127.0.0.1:2")), check_ms=50)


@pytest.fixture
async def idle() -> AsyncIterator[RunningHaproxy]:
    """With servers that nobody is."""
    with haproxy(DOWN) as front:
        yield front


async def test_servers_are_told_with_what_they_do() -> None:
    async with two_arms() as (stable, candidate):
        slots = {"blue": stable.addresses, "green": candidate.addresses}
        with haproxy(HaproxyConfig(slots=slots, check_ms=50)) as front:
            balancer = HaproxyBalancer(front.runtime)
            async with Steady(front.url).running() as steady:
                await steady.until_answered(50)
            servers = await balancer.servers()
            assert list(servers) == ["blue-1", "blue-2", "green-1", "green-2"]
            blue = servers["blue-1"]
            assert (blue.weight, blue.state, blue.slot, blue.sessions) == (100, "ready", "blue", 0)
            assert blue.takes_traffic
            assert not servers["green-1"].takes_traffic
            assert steady.failures == []


async def test_weights_share_out_the_traffic_and_nothing_fails_while_they_change() -> None:
    async with two_arms() as (stable, candidate):
        slots = {"blue": stable.addresses, "green": candidate.addresses}
        with haproxy(HaproxyConfig(slots=slots, check_ms=50)) as front:
            balancer = HaproxyBalancer(front.runtime)
            async with Steady(front.url).running() as steady:
                for percent in (1, 5, 25, 50, 100, 0):
                    await set_slot_weights(balancer, {"blue": 100 - percent, "green": percent})
                    await steady.until_answered(32)  # those that were under way have ended
                    steady.shares()
                    await steady.until_answered(400)
                    assert steady.shares().get("new-2", 0.0) == pytest.approx(percent / 100, abs=0.03)
                for turn in range(100):
                    percent = 100 * (turn % 2)
                    await set_slot_weights(balancer, {"blue": 100 - percent, "green": percent})
            assert steady.failures == []


async def test_names_are_checked_before_anything_is_sent(idle: RunningHaproxy) -> None:
    balancer = HaproxyBalancer(idle.runtime)
    for name in ("blue-1;shutdown sessions", "blue-1\nset weight assay/blue-2 0", "", "a b", "é"):
        with pytest.raises(ConfigurationError, match="is no name of a server"):
            await balancer.set_weights({name: 3})
        with pytest.raises(ConfigurationError, match="is no name of a server"):
            await balancer.set_state([name], "maint")
        with pytest.raises(ConfigurationError, match="is no name of a backend"):
            HaproxyBalancer(idle.runtime, name)
    assert {server.weight for server in (await balancer.servers()).values()} == {0, 100}


async def test_what_haproxy_does_not_know_is_named(idle: RunningHaproxy) -> None:
    with pytest.raises(BalancerError, match="has no server 'red-1'; it has blue-1, blue-2, green-1, green-2"):
        await HaproxyBalancer(idle.runtime).set_weights({"red-1": 3})
    with pytest.raises(BalancerError, match="has no backend 'other'"):
        await HaproxyBalancer(idle.runtime, "other").servers()
    with pytest.raises(BalancerError, match="0 to 256, not 257"):
        await HaproxyBalancer(idle.runtime).set_weights({"blue-1": 257})
    with pytest.raises(BalancerError, match="no server of slot 'red'"):
        await set_slot_weights(HaproxyBalancer(idle.runtime), {"blue": 50, "red": 50})


async def test_states_are_set_and_read_back(idle: RunningHaproxy) -> None:
    balancer = HaproxyBalancer(idle.runtime)
    for state in ("drain", "maint", "ready"):
        await balancer.set_state(["green-1", "green-2"], state)
        servers = await balancer.servers()
        assert [servers[name].state for name in ("blue-1", "green-1", "green-2")] == ["ready", state, state]


async def test_a_socket_without_the_level_is_told_so(idle: RunningHaproxy) -> None:
    lower = str(idle.folder / "lower")
    text = (idle.folder / "haproxy.cfg").read_text()
    text = text.replace("level admin", "level operator").replace(idle.runtime, lower)
    text = text.replace(f":{idle.port}", f":{free_port()}")
    (idle.folder / "lower.cfg").write_text(text)
    command = [program(), "-db", "-f", str(idle.folder / "lower.cfg")]
    with running(Process("lower", command, idle.folder, {})):
        await until_async(lambda: Path(lower).is_socket())
        with pytest.raises(BalancerError, match="permission denied: its socket needs 'level admin'"):
            await HaproxyBalancer(lower).set_weights({"blue-1": 3})


async def test_a_runtime_api_that_is_away_or_silent_is_told_within_the_limit(idle: RunningHaproxy) -> None:
    with pytest.raises(BalancerUnavailable, match=r"cannot be reached \(No such file"):
        await HaproxyBalancer("/nowhere/sock").servers()
    with pytest.raises(BalancerUnavailable, match=r"cannot be reached"):
        await HaproxyBalancer("127.0.0.1:1").servers()
    with FaultProxy(idle.port).running() as proxy:
        proxy.behave(Behaviour(is_silent=True))
        with pytest.raises(BalancerUnavailable, match=r"did not answer within 0.1 s"):
            await HaproxyBalancer(f"127.0.0.1:{proxy.port}", limit_s=0.1).servers()


async def test_weights_that_are_not_taken_are_noticed() -> None:
    """A runtime API that says yes and does nothing, as one behind a stale proxy would."""
    with haproxy(DOWN) as front:
        recorded = front.ask("show servers state;show stat assay 4 -1 typed")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = await reader.readline()
        writer.write(recorded.encode() if command.startswith(b"show") else b"\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        balancer = HaproxyBalancer(f"127.0.0.1:{port}")
        with pytest.raises(BalancerError, match="server assay/blue-1 has weight 100 after it was set to 7"):
            await balancer.set_weights({"blue-1": 7})
        with pytest.raises(BalancerError, match="server assay/blue-1 is 'ready' after it was set to 'drain'"):
            await balancer.set_state(["blue-1"], "drain")


@pytest.mark.parametrize("answer", [b"", b"nonsense\n", b"1\n# be_id be_name\n3 assay\n\n"])
async def test_an_answer_that_is_none_is_an_error_of_ours(answer: bytes) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        with pytest.raises((BalancerError, BalancerUnavailable)):
            await HaproxyBalancer(f"127.0.0.1:{server.sockets[0].getsockname()[1]}").servers()


async def test_weights_survive_a_restart_with_a_state_file() -> None:
    with haproxy(DOWN) as front:
        balancer = HaproxyBalancer(front.runtime)
        await set_slot_weights(balancer, {"blue": 75, "green": 25})
        front.save_state()
        front.process.kill()
        front.process.restart()
        await until_async(front.answers)
        assert [server.weight for server in (await balancer.servers()).values()] == [75, 75, 25, 25]


@pytest.mark.parametrize("address", ["", "haproxy", "host:", ":99", "host:99999", "host:x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="is no address of HAProxy's runtime API"):
        HaproxyBalancer(address)


def test_slots_are_read_from_names() -> None:
    assert [slot_of(name) for name in ("blue-1", "blue-green-12", "remote", "-1")] == [
        "blue",
        "blue-green",
        "remote",
        "-1",
    ]


async def test_the_fake_behaves_like_the_real_one() -> None:
    fake = FakeBalancer([Server("blue-1", "UP", weight=100), Server("green-1", "UP")])
    await set_slot_weights(fake, {"blue": 95, "green": 5})
    await fake.set_state(["blue-1"], "drain")
    servers = await fake.servers()
    assert (servers["blue-1"].weight, servers["blue-1"].takes_traffic) == (95, False)
    assert servers["green-1"].takes_traffic
    fake.failure = BalancerUnavailable("away")
    with pytest.raises(BalancerUnavailable):
        await fake.servers()
    fake.failure = None
    with pytest.raises(BalancerError, match="no server red-1"):
        await fake.set_weights({"red-1": 1})
