"""Against real servers: what networks and servers do comes out as the ending that it is."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from threading import Event
from typing import Any

import orjson
import pytest

from assay.load import LoadPlan, LoadReport, Tally, run
from load.answering import Answering, document
from servers.asgi import Served, serving
from servers.faulty_http import faulty_server, head
from servers.proxy import Behaviour, FaultProxy
from small_app import SmallApp
from waiting import until_async


@pytest.fixture
def proxy(answered: Served) -> Iterator[FaultProxy]:
    with FaultProxy(answered.port).running() as proxy:
        yield proxy


def _plan(*ports: int, **given: Any) -> LoadPlan:
    defaults: dict[str, Any] = {
        "urls": tuple(f"http://127.0.0.1:{port}" for port in ports),
        "wiki": "testwiki",
        "revisions": range(100, 200),
        "rate_per_s": 100,
        "duration_s": 0.2,
        "arrivals": "constant",
    }
    return LoadPlan(**{**defaults, **given})


async def test_right_answers(answered: Served, answering: Answering) -> None:
    report = await run(_plan(answered.port, revisions_per_request=3))
    assert (report.tally.sent, report.tally.ok, report.lost, report.wrong) == (20, 20, 0, 0)
    assert answering.targets[0].startswith("/v3/scores/testwiki/?revids=100%7C101%7C102")


async def test_a_path_before_the_api_is_kept(answered: Served, answering: Answering) -> None:
    await run(_plan(answered.port, urls=(f"{answered.url}/ores/",)))
    assert answering.targets[0].startswith("/ores/v3/scores/testwiki/")


async def test_wrong_answers(answered: Served, answering: Answering) -> None:
    answering.wrong = {105, 106}
    report = await run(_plan(answered.port))
    assert (report.wrong, report.lost) == (2, 0)


async def test_a_body_that_is_no_json_is_lost(answered: Served, answering: Answering) -> None:
    answering.body = b"<html>It works!</html>"
    report = await run(_plan(answered.port))
    assert report.tally.lost_by == Counter(malformed=20)


@pytest.mark.parametrize(("retry", "ok"), [(True, 20), (False, 17)])
async def test_retry_after_over_http(answered: Served, answering: Answering, retry: bool, ok: int) -> None:
    answering.refusals = [503, 429, 503]
    report = await run(_plan(answered.port, retry=retry))
    assert report.tally.ok == ok
    assert report.tally.told_to_wait == Counter({503: 2, 429: 1})
    assert report.lost == 0


async def test_a_stall_is_measured_from_when_requests_were_due(
    answered: Served, answering: Answering
) -> None:
    """Only lower bounds are asserted: a busy machine makes latencies longer, never shorter."""
    answering.held.set()
    tally = Tally()
    load = asyncio.create_task(run(_plan(answered.port, duration_s=1.0), tally=tally))
    await until_async(lambda: tally.in_flight == 100)  # the last was due 0.99 s after the first
    answering.held.clear()
    answering.released.set()
    report = await load
    assert (report.tally.ok, report.lost, report.tally.skipped) == (100, 0, 0)
    assert sum(latency_s >= 0.49 for latency_s in report.tally.ok_s) >= 50
    assert max(report.tally.ok_s) >= 0.99


@pytest.mark.parametrize("keep_alive", [True, False])
async def test_a_reset_before_the_answer_is_lost_and_nothing_hides_it(
    proxy: FaultProxy, keep_alive: bool
) -> None:
    proxy.behave(Behaviour(reset_after_bytes=0))
    report = await run(_plan(proxy.port, keep_alive=keep_alive))
    assert report.tally.lost_by == Counter(reset=20)


async def test_a_reset_that_the_http_client_makes_good_is_told_all_the_same(
    proxy: FaultProxy, answering: Answering
) -> None:
    """The requests are held on connections that are cut; sent again on new ones, they are answered."""
    report = await _cut_in_the_middle(proxy, answering, retry=False)
    assert report.tally.lost_by == Counter(reset=20)


async def test_with_retry_it_is_sent_again(proxy: FaultProxy, answering: Answering) -> None:
    report = await _cut_in_the_middle(proxy, answering, retry=True)
    assert (report.tally.ok, report.lost) == (20, 0)
    assert report.tally.retries["reset"] >= 20


async def _cut_in_the_middle(proxy: FaultProxy, answering: Answering, *, retry: bool) -> LoadReport:
    answering.held.set()
    load = asyncio.create_task(run(_plan(proxy.port, retry=retry)))
    await until_async(lambda: len(answering.targets) == 20)
    answering.held.clear()
    await asyncio.to_thread(proxy.cut)
    try:
        return await load
    finally:
        answering.released.set()


async def test_an_answer_that_breaks_off_is_truncated_and_not_sent_again(
    proxy: FaultProxy, answering: Answering
) -> None:
    answering.body = b'{"testwiki": {' + b" " * 5000
    proxy.behave(Behaviour(reset_after_bytes=1000))
    report = await run(_plan(proxy.port, retry=True))
    assert report.tally.lost_by == Counter(truncated=20)
    assert not report.tally.retries


async def test_silence_is_a_time_out(proxy: FaultProxy) -> None:
    proxy.behave(Behaviour(is_silent=True))
    report = await run(_plan(proxy.port, timeout_s=0.1, retry=True))
    assert report.tally.lost_by == Counter(timeout=20)
    assert report.all_latency is not None
    assert report.all_latency.p50_s >= 0.1


async def test_nobody_there_is_refused_and_another_node_is_asked_with_retry(
    proxy: FaultProxy, answered: Served
) -> None:
    proxy.behave(Behaviour(is_refusing=True))
    report = await run(_plan(proxy.port, answered.port))
    assert (report.tally.ok, report.tally.lost_by) == (10, Counter(refused=10))
    report = await run(_plan(proxy.port, answered.port, retry=True))
    assert (report.tally.ok, report.lost) == (20, 0)
    assert report.tally.retries == Counter(refused=10)


async def test_no_request_waits_for_a_connection_that_another_has(
    answered: Served, answering: Answering
) -> None:
    """A queue in the generator would hide what the server does, and nobody would see it."""
    answering.held.set()
    load = asyncio.create_task(run(_plan(answered.port, rate_per_s=600)))
    try:
        await until_async(lambda: len(answering.targets) == 120)
    finally:
        answering.held.clear()
        answering.released.set()
    assert (await load).tally.ok == 120


async def test_an_answer_without_end_is_no_answer(
    answered: Served, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.load.client.MAX_BODY_BYTES", 999)
    whole = orjson.dumps(document([100]))
    for size, ok in ((999, 20), (1000, 0)):
        answering.body = whole + b" " * (size - len(whole))
        report = await run(_plan(answered.port, revisions=[100]))
        assert (report.tally.ok, report.tally.lost_by["malformed"]) == (ok, 20 - ok)


async def test_an_answer_that_stops_in_the_middle_is_a_time_out() -> None:
    """Not one that broke off: the server may still be at it."""

    def begin(connection: socket.socket, ended: Event) -> None:
        connection.sendall(head("200 OK", 1000) + b'{"testwiki": {')
        ended.wait(60)

    with faulty_server(begin) as url:
        report = await run(_plan(0, urls=(url,), timeout_s=1.0))
    assert report.tally.lost_by == Counter(timeout=20)


async def test_a_redirect_is_not_followed_to_wherever_it_leads() -> None:
    async def elsewhere(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = [(b"location", b"http://192.0.2.1/"), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 302, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    with serving(elsewhere) as served:
        report = await run(_plan(served.port))
    assert report.tally.statuses == Counter({302: 20})


async def test_assay_itself_is_right_in_every_kind_of_request() -> None:
    with serving(SmallApp().build().asgi) as served:
        mix = dict.fromkeys(("scores", "revision", "cell", "bulk", "models", "wikis"), 1.0)
        report = await run(_plan(served.port, mix=mix, models=("revid",), revisions_per_request=5))
    assert (report.tally.ok, report.lost, report.wrong) == (20, 0, 0)
    assert not report.tally.cell_errors
