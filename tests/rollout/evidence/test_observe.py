"""What HAProxy logs, from a real one and from hostile datagrams."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from assay.clock import FakeClock, SystemClock
from assay.errors import ConfigurationError
from assay.rollout.evidence.observe import (
    COPY_HEADER,
    CopyOptions,
    Damaged,
    Observer,
    is_for_scores,
    parse,
)
from assay.rollout.samples import CLIENT_GAVE_UP, Observed
from assay.rollout.traffic.haproxy_config import HaproxyConfig
from rollout.small_arms import ID, Arm, two_arms
from servers.haproxy import RunningHaproxy, haproxy
from servers.redis import free_port
from waiting import until_async

GOOD = {
    "dc": "one",
    "at": 1_470_000_000_123,
    "server": "blue-2",
    "status": 200,
    "end": "--",
    "ms": 12,
    "method": "GET",
    "target": "/v3/scores/enwiki/1/damaging/",
    "release": "old-1",
    "cache": "hit",
    "copy": "",
}


@asynccontextmanager
async def observed_arms(**stable: Any) -> AsyncIterator[tuple[Observer, RunningHaproxy, Arm]]:
    """An observer of a real HAProxy before two arms; all traffic goes to blue."""
    address = f"127.0.0.1:{free_port()}"
    observer = Observer(["one"], CopyOptions(share=1.0, per_s=1000), SystemClock())
    async with two_arms() as (blue, green), observer.listening(address):
        for name, value in stable.items():
            setattr(blue, name, value)
        slots = {"blue": blue.addresses, "green": green.addresses}
        with haproxy(HaproxyConfig(slots=slots, check_ms=50, log_address=address)) as front:
            yield observer, front, blue


async def seen(observer: Observer, count: int) -> list[Observed]:
    """So many observations, in the order of their arrival."""
    found: list[Observed] = []

    def all_there() -> bool:
        found.extend(observer.take())
        return len(found) >= count

    await until_async(all_there)
    assert observer.counts.damaged == 0
    return found


async def send_raw(front: RunningHaproxy, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_request_is_told_with_all_that_matters() -> None:
    async with observed_arms() as (observer, front, _), aiohttp.ClientSession() as session:
        async with session.get(front.url + ID.format(7) + "?features&models=a%7Cb") as response:
            assert response.status == 200
        (one,) = await seen(observer, 1)
        assert abs(one.at_s - SystemClock().now().timestamp()) < 60
        assert (one.data_centre, one.slot, one.release) == ("one", "blue", "old-1")
        assert (one.status, one.is_cached, one.method) == (200, False, "GET")
        assert one.target == "/v3/scores/testwiki/7/revid/?features&models=a%7Cb"
        assert (await asyncio.wait_for(observer.next_copy(), 30)) == one


@pytest.mark.parametrize(
    "target",
    [
        b'/v3/scores/a/1/?x="};{"dc":"two"',
        rb"/v3/scores/a/1/?x=\\\"\u0000\n",
        b"/v3/scores/a/1/?x='%22%0a%00%ff",
        b"/v3/scores/a/1/?x=%[src]%d{}${HOME}",
        b"/v3/scores/a/1/?x=" + b'"' * 9000,
        b"/v3/scores/a/1/?" + b"0123456789" * 1500,
    ],
)
async def test_a_hostile_target_is_told_letter_for_letter(target: bytes) -> None:
    async with observed_arms() as (observer, front, _):
        request = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert b" 200 OK\r\n" in (await send_raw(front, request))[:40]
        (one,) = await seen(observer, 1)
        assert one.target.encode() == target


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /\xff\xfe\xc3( HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\x01\x02 HTTP/1.1\r\nHost: x\r\n\r\n",
        b'G"E"T / HTTP/1.1\r\nHost: x\r\n\r\n',
        b"\x00\x16\x03\x01 rubbish\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_told_without_a_target(request_bytes: bytes) -> None:
    async with observed_arms() as (observer, front, _):
        answer = await send_raw(front, request_bytes)
        assert b" 400 Bad" in answer
        (one,) = await seen(observer, 1)
        assert (one.slot, one.release, one.target, one.status) == ("", "", "", 400)
        assert not one.is_failed


async def test_headers_that_a_server_sends_cannot_end_the_line() -> None:
    async def respond(request: web.Request) -> web.Response:
        return web.Response(headers={"X-Cache": '"},{\\"\udcff\udcc3('})

    async with observed_arms(respond=respond) as (observer, front, _), aiohttp.ClientSession() as session:
        async with session.get(front.url + "/v3/scores/"):
            pass
        (one,) = await seen(observer, 1)
        assert (one.is_cached, one.slot) == (None, "blue")


async def test_whose_fault_an_ending_is() -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async def fail(request: web.Request) -> web.Response:
        return web.Response(status=500)

    async with observed_arms() as (observer, front, blue), aiohttp.ClientSession() as session:
        blue.respond = fail
        async with session.get(front.url + ID.format(1)) as response:
            assert response.status == 500
        blue.respond = cut
        with pytest.raises(aiohttp.ClientPayloadError):
            async with session.get(front.url + ID.format(2)) as response:
                await response.read()
        blue.free.clear()
        asking = asyncio.create_task(session.get(front.url + ID.format(3)))
        await until_async(lambda: blue.in_flight == 1)
        asking.cancel()
        failed, broken, left = await seen(observer, 3)
        assert [one.status for one in (failed, broken, left)] == [500, 0, CLIENT_GAVE_UP]
        assert [one.is_failed for one in (failed, broken, left)] == [True, True, False]
        assert {one.slot for one in (failed, broken, left)} == {"blue"}
        blue.free.set()


async def test_nobody_to_answer_is_a_failure_of_no_slot() -> None:
    observer = Observer(["one"], CopyOptions(), SystemClock())
    address = f"127.0.0.1:{free_port()}"
    async with observer.listening(address):
        with haproxy(
            HaproxyConfig(log_address=address, slots={"blue": ("127.0.0.1:1",)}, check_ms=50)
        ) as front:
            answer = await send_raw(front, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "server overloaded"
            (one,) = await seen(observer, 1)
            assert (one.status, one.is_failed, one.release) == (503, True, "")


async def test_the_controllers_own_requests_are_counted_but_not_offered() -> None:
    async with observed_arms() as (observer, front, _), aiohttp.ClientSession() as session:
        async with session.get(front.url + ID.format(1), headers={COPY_HEADER: "1"}):
            pass
        assert len(await seen(observer, 1)) == 1
        assert observer.counts.offered == 0


async def test_what_clients_say_of_their_address_is_not_passed_on() -> None:
    forged = {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1", "X-Client-IP": "192.0.2.1"}
    async with observed_arms() as (_, front, blue), aiohttp.ClientSession() as session:
        async with session.get(front.url + ID.format(1), headers=forged):
            pass
        (_, _, headers) = blue.asked[-1]
        assert headers["X-Forwarded-For"] == "127.0.0.1"
        assert "192.0.2.1" not in str(headers)
        async with session.get(front.url + "/metrics") as response:
            assert response.status == 404
        assert len(blue.asked) == 1


# -- datagrams ---------------------------------------------------------------------------------------


@given(
    st.binary(max_size=300) | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(orjson.dumps)
)
def test_rubbish_is_counted_and_never_raises(datagram: bytes) -> None:
    observer = Observer(["one"], CopyOptions(), FakeClock())
    observer.receive(datagram)
    assert observer.counts.damaged == 1
    assert observer.take() == ()


@given(
    st.sampled_from(sorted(GOOD)),
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.lists(st.text()),
)
def test_a_field_of_another_type_is_damage(name: str, value: object) -> None:
    with pytest.raises(Damaged):
        parse(orjson.dumps({**GOOD, name: value}))
    with pytest.raises(Damaged):
        parse(orjson.dumps({key: given for key, given in GOOD.items() if key != name}))


@pytest.mark.parametrize(
    ("status", "end", "told"),
    [
        (200, "--", 200),
        (404, "--", 404),
        (200, "SD", 0),
        (502, "SH", 502),
        (504, "sH", 504),
        (503, "SC", 503),
        (503, "sQ", 503),
        (-1, "IH", 0),
        (-1, "CR", CLIENT_GAVE_UP),
        (-1, "CH", CLIENT_GAVE_UP),
        (200, "CD", CLIENT_GAVE_UP),
        (200, "cD", CLIENT_GAVE_UP),
        (408, "cR", 408),
        (400, "PR", 400),
        (302, "LR", 302),
    ],
)
def test_statuses_follow_from_the_termination_state(status: int, end: str, told: int) -> None:
    assert parse(orjson.dumps({**GOOD, "status": status, "end": end})).observed.status == told


@given(st.text() | st.sampled_from(["//[", "http://[::1/v3", "/v3/scores/a/?" + "revids&" * 2000]))
def test_no_target_raises(target: str) -> None:
    observer = Observer(["one"], CopyOptions(share=1.0), FakeClock())
    observer.receive(orjson.dumps({**GOOD, "target": target}))
    (one,) = observer.take()
    assert one.target in (target, "")


def test_lines_of_strangers_and_lines_too_many_are_counted() -> None:
    observer = Observer(["one"], CopyOptions(), FakeClock(), capacity=3)
    observer.receive(orjson.dumps({**GOOD, "dc": "elsewhere"}))
    for at in range(5):
        observer.receive(orjson.dumps({**GOOD, "at": at * 1000}))
    assert [one.at_s for one in observer.take()] == [2, 3, 4]
    assert (observer.counts.foreign, observer.counts.dropped) == (1, 2)
    assert observer.take() == ()


# -- copies ------------------------------------------------------------------------------------------


def line(target: str, **other: object) -> bytes:
    return orjson.dumps({**GOOD, "target": target, **other})


def offered(observer: Observer, clock: FakeClock, targets: list[str], step_s: float) -> int:
    before = observer.counts.offered
    for target in targets:
        observer.receive(line(target))
        clock.advance(step_s)
    return observer.counts.offered - before


@pytest.mark.parametrize("target", ["/readyz", "/readyz?degraded", "/livez", "/metrics"])
def test_what_a_load_balancer_asks_is_no_users_request(target: str) -> None:
    """Another data centre's HAProxy asks for `/readyz` through the front door all the time."""
    observer = Observer(["one"], CopyOptions(share=1.0), FakeClock())
    observer.receive(line(target))
    observer.receive(line("/v3/scores/w/1/"))
    assert [one.target for one in observer.take()] == ["/v3/scores/w/1/"]


def test_copies_keep_to_the_rate_even_after_a_pause() -> None:
    clock = FakeClock()
    observer = Observer(["one"], CopyOptions(share=1.0, per_s=10.0), clock)
    targets = [f"/v3/scores/enwiki/{n}/" for n in range(1, 20001)]
    assert 99 <= offered(observer, clock, targets[:10000], 0.001) <= 101
    clock.advance(3600)
    assert (
        99 <= offered(observer, clock, targets[10000:], 0.001) <= 111
    )  # and a second's worth that was missed


def test_a_share_is_drawn_by_lot() -> None:
    clock = FakeClock()
    observer = Observer(["one"], CopyOptions(share=0.25, per_s=1e6), clock, chance=random.Random(1))
    targets = [f"/v3/scores/enwiki/{n}/" for n in range(1, 4001)]
    assert 900 <= offered(observer, clock, targets, 0.001) <= 1100


def test_the_same_address_is_offered_once_in_a_window() -> None:
    clock = FakeClock()
    observer = Observer(["one"], CopyOptions(share=1.0, per_s=1000, window_s=60), clock)
    assert offered(observer, clock, ["/v3/scores/enwiki/1/"] * 50, 1.0) == 1
    assert offered(observer, clock, ["/v3/scores/enwiki/1/"] * 20, 1.0) == 1


async def test_offers_that_nobody_takes_give_way_to_newer_ones() -> None:
    clock = FakeClock()
    observer = Observer(["one"], CopyOptions(share=1.0, per_s=1000, waiting=2), clock)
    offered(observer, clock, [f"/v3/scores/enwiki/{n}/" for n in (1, 2, 3)], 1.0)
    assert [(await observer.next_copy()).target for _ in range(2)] == [
        "/v3/scores/enwiki/2/",
        "/v3/scores/enwiki/3/",
    ]
    waiting = asyncio.create_task(observer.next_copy())
    await asyncio.sleep(0)
    waiting.cancel()
    observer.receive(line("/v3/scores/enwiki/4/"))
    assert (await observer.next_copy()).target == "/v3/scores/enwiki/4/"


@pytest.mark.parametrize(
    ("target", "is_copied"),
    [
        ("/v3/scores/enwiki/1/", True),
        ("/v3/scores/enwiki/1", True),
        ("/v3/scores/enwiki/1/damaging/?features", True),
        ("/v3/scores/enwiki/?revids=1|2", True),
        ("/v3/scores/enwiki/?models=a&revids=1%7C2", True),
        ("/api/enwiki/revisions/1", True),
        ("/v3/scores/enwiki/", False),
        ("/v3/scores/enwiki/?models=damaging", False),
        ("/v3/scores/", False),
        ("/api/enwiki/recent", False),
        ("/metrics", False),
        ("/readyz", False),
        ("/", False),
        ("", False),
        ("*", False),
    ],
)
def test_only_what_gives_scores_is_copied(target: str, is_copied: bool) -> None:
    assert is_for_scores(parse(line(target)).observed) == is_copied
    for other in ({"method": "POST"}, {"method": "HEAD"}, {"status": 429}, {"server": "remote"}):
        assert not is_for_scores(parse(line(target, **other)).observed)


async def test_an_address_that_is_taken_or_none_is_told() -> None:
    observer = Observer(["one"], CopyOptions(), SystemClock())
    with pytest.raises(ConfigurationError, match="give host:port"):
        async with observer.listening("nowhere"):
            pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConfigurationError, match=r"cannot be received at .*: .*in use"):
            async with observer.listening(f"127.0.0.1:{taken.getsockname()[1]}"):
                pass
