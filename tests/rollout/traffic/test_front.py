"""What HAProxy does with users' requests under the configuration that Assay ships."""

from __future__ import annotations

import asyncio
import csv
import json

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from assay.clock import SystemClock
from assay.rollout.evidence.observe import CopyOptions, Observer
from assay.rollout.traffic.haproxy import HaproxyBalancer
from assay.rollout.traffic.haproxy_config import HaproxyConfig
from assay.rollout.traffic.shares import set_slot_weights
from rollout.small_arms import ID, Steady, two_arms
from servers.haproxy import haproxy
from servers.redis import free_port
from waiting import until_async


async def _hang_up(request: web.Request) -> web.StreamResponse:
    """As a process that dies over a request."""
    await request.read()
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def test_a_get_that_was_cut_off_is_asked_again_and_a_post_never() -> None:
    async with two_arms() as (stable, candidate):
        candidate.respond = _hang_up
        slots = {"blue": stable.addresses, "green": candidate.addresses}
        with haproxy(HaproxyConfig(slots=slots, stable_slot="green", check_ms=50)) as front:
            await set_slot_weights(HaproxyBalancer(front.runtime), {"blue": 50, "green": 50})
            async with aiohttp.ClientSession() as session:
                for number in range(8):
                    async with session.get(front.url + ID.format(number)) as response:
                        assert response.status in (200, 502)
                gets = len(candidate.asked)
                assert len(stable.asked) + gets > 8, "some were asked twice"
                endings = set()
                for number in range(8):
                    before = len(stable.asked) + len(candidate.asked)
                    endings.add(await _posted(session, front.url + ID.format(number)))
                    assert len(stable.asked) + len(candidate.asked) == before + 1
                assert 200 in endings
                assert endings & {502, None}


async def _posted(session: aiohttp.ClientSession, url: str) -> int | None:
    """The status; None when HAProxy closed the connection without one, as it does when a server hangs up on
    a connection that was used before."""
    try:
        async with session.post(url, data=b"models=revid") as response:
            await response.json()
            return response.status
    except aiohttp.ServerDisconnectedError:
        return None


async def test_a_request_that_no_server_took_goes_to_another_whatever_its_method() -> None:
    async with two_arms() as (stable, _):
        slots = {"blue": [stable.addresses[0], f"127.0.0.1:{free_port()}"], "green": stable.addresses}
        with haproxy(HaproxyConfig(slots=slots, check_ms=60_000)) as front:
            async with Steady(front.url).running(clients=4) as steady:
                await steady.until_answered(100)
            assert steady.failures == []
            servers = csv.DictReader(front.ask("show stat").splitlines())
            (gone,) = (row for row in servers if row["svname"] == "blue-2" and row["# pxname"] == "assay")
            assert int(gone["wredis"]) > 0, "the log names the other server only; this tells of it"


async def test_a_server_that_is_not_ready_gets_nothing_until_it_is() -> None:
    async with two_arms() as (stable, candidate):
        slots = {"blue": stable.addresses, "green": candidate.addresses}
        with haproxy(HaproxyConfig(slots=slots, check_ms=50)) as front:
            balancer = HaproxyBalancer(front.runtime)
            await set_slot_weights(balancer, {"blue": 50, "green": 50})
            async with Steady(front.url).running(clients=4) as steady:
                candidate.is_ready = False
                await _until_up(balancer, "green", is_up=False)
                await steady.until_answered(20)
                steady.shares()
                await steady.until_answered(50)
                assert steady.shares() == {"old-1": 1.0}
                candidate.is_ready = True
                await _until_up(balancer, "green", is_up=True)
                await steady.until_answered(20, "new-2")
            assert steady.failures == []


async def _until_up(balancer: HaproxyBalancer, slot: str, *, is_up: bool) -> None:
    async with asyncio.timeout(30):
        while any(  # noqa: ASYNC110 - HAProxy's state, not ours
            server.is_up != is_up for server in (await balancer.servers()).values() if server.slot == slot
        ):
            await asyncio.sleep(0.02)


async def test_every_request_is_told_once() -> None:
    address = f"127.0.0.1:{free_port()}"
    observer = Observer(["one"], CopyOptions(share=0.0), SystemClock())
    async with two_arms() as (stable, candidate), observer.listening(address):
        slots = {"blue": stable.addresses, "green": candidate.addresses}
        with haproxy(HaproxyConfig(slots=slots, check_ms=50, log_address=address)) as front:
            balancer = HaproxyBalancer(front.runtime)
            await set_slot_weights(balancer, {"blue": 70, "green": 30})
            async with Steady(front.url).running() as steady:
                await steady.until_answered(500)
            await until_async(lambda: observer.counts.received >= steady.answers.total())
            seen = observer.take()
            assert len(seen) == steady.answers.total() == len(stable.asked) + len(candidate.asked)
            for slot, arm in (("blue", stable), ("green", candidate)):
                ours = [one for one in seen if one.slot == slot]
                assert {one.release for one in ours} == {arm.release}
                assert sorted(one.target for one in ours) == sorted(path for _, path, _ in arm.asked)


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/%6detrics", "/%6D%65trics/?x", "/metrics%2F"])
async def test_metrics_are_not_for_users_however_they_are_spelt(path: str) -> None:
    async with two_arms() as (stable, candidate):
        slots = {"blue": stable.addresses, "green": candidate.addresses}
        with haproxy(HaproxyConfig(slots=slots)) as front:
            async with (
                aiohttp.ClientSession() as session,
                session.get(URL(front.url + path, encoded=True)) as answer,
            ):
                assert answer.status == 404
        assert not [target for _, target, _ in (*stable.asked, *candidate.asked) if "trics" in target]


@pytest.mark.parametrize(("peers", "told"), [(("127.0.0.1",), "192.0.2.7"), ((), "127.0.0.1")])
async def test_only_another_data_centres_word_on_the_client_is_believed(
    peers: tuple[str, ...], told: str
) -> None:
    async with two_arms() as (stable, candidate):
        slots = {"blue": stable.addresses, "green": candidate.addresses}
        with haproxy(HaproxyConfig(slots=slots, peers=peers)) as front:
            forged = {"X-Forwarded-For": "192.0.2.7"}
            async with (
                aiohttp.ClientSession() as session,
                session.get(front.url + ID.format(1), headers=forged),
            ):
                pass
            assert stable.asked[-1][2]["X-Forwarded-For"] == told


async def test_what_haproxy_says_itself_has_the_shape_of_assays_errors() -> None:
    slots = {"blue": ("127.0.0.1:1",), "green": ("127.0.0.1:2",)}
    with haproxy(HaproxyConfig(slots=slots, check_ms=50)) as front:
        async with aiohttp.ClientSession() as session, session.get(front.url + ID.format(1)) as response:
            assert (response.status, response.content_type) == (503, "application/json")
            assert response.headers["Retry-After"] == "1"
            assert set(json.loads(await response.text())["error"]) == {"code", "message"}


async def test_with_nobody_ready_those_that_know_scores_answer_with_the_same_weights() -> None:
    async with two_arms() as (stable, candidate):
        slots = {"blue": stable.addresses, "green": candidate.addresses}
        with haproxy(HaproxyConfig(slots=slots, check_ms=50)) as front:
            balancer = HaproxyBalancer(front.runtime)
            await set_slot_weights(balancer, {"blue": 0, "green": 100})
            async with Steady(front.url).running(clients=4) as steady:
                for arm in (stable, candidate):
                    arm.is_degraded, arm.is_ready = True, False
                await _until_up(balancer, "green", is_up=False)
                await steady.until_answered(50)
                assert set(steady.answers) == {"new-2"}
                await set_slot_weights(balancer, {"blue": 100, "green": 0})
                await steady.until_answered(20)
                steady.shares()
                await steady.until_answered(50)
                assert steady.shares() == {"old-1": 1.0}
                stable.is_degraded = False
                await balancer.set_state(["green-1", "green-2"], "drain")
                candidate.is_ready = stable.is_ready = True
                await _until_up(balancer, "blue", is_up=True)
            assert steady.failures == []
