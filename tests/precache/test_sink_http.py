"""Scores posted over HTTP, through all that the other side may answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from assay.precache.sink import Unwritten
from assay.precache.sink_http import HttpSink
from precache.edits import scored
from servers.aiohttp_site import site


class Gate:
    """Takes lists of events as EventGate does; answers with the statuses that it is told to, then 201."""

    def __init__(self) -> None:
        self.answers: list[web.Response] = []
        self.bad: set[int] = set()
        self.taken: list[int] = []

    async def answer(self, request: web.Request) -> web.Response:
        if self.answers:
            return self.answers.pop(0)
        assert request.content_type == "application/json"
        revs = [item["rev_id"] for item in json.loads(await request.read())]
        if self.bad & set(revs):
            return web.Response(status=400, text="schema says no")
        self.taken += revs
        return web.Response(status=201)


@asynccontextmanager
async def gate() -> AsyncIterator[tuple[Gate, HttpSink]]:
    server = Gate()
    application = web.Application()
    application.router.add_post("/v1/events", server.answer)
    async with site(application) as port:
        sink = HttpSink(f"http://127.0.0.1:{port}/v1/events")
        try:
            yield server, sink
        finally:
            await sink.aclose()


async def test_events_are_posted_as_a_list() -> None:
    async with gate() as (server, sink):
        assert await sink.write([scored(1), scored(2)]) == ()
    assert server.taken == [1, 2]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_may_pass_is_to_be_tried_again(status: int) -> None:
    async with gate() as (server, sink):
        server.answers.append(web.Response(status=status, headers={"Retry-After": "9"}))
        with pytest.raises(Unwritten) as unwritten:
            await sink.write([scored(1)])
    assert unwritten.value.delay_s == 9.0


async def test_a_refused_event_takes_no_others_with_it() -> None:
    async with gate() as (server, sink):
        server.bad = {2}
        refused = await sink.write([scored(1), scored(2), scored(3)])
    assert server.taken == [1, 3]
    assert [(item["rev_id"], str(reason).endswith("400: schema says no")) for item, reason in refused] == [
        (2, True)
    ]


@pytest.mark.parametrize("status", [300, 302, 307])
async def test_partial_success_and_redirects_are_none(status: int) -> None:
    """Nor is the event posted where the redirect leads to, which would take it."""
    async with gate() as (server, sink):
        elsewhere = web.Response(status=status, headers={"Location": "/v1/events"})
        server.answers += [web.Response(status=207), elsewhere]
        refused = await sink.write([scored(1), scored(2)])
    assert [item["rev_id"] for item, _ in refused] == [1]
    assert server.taken == [2]


async def test_a_server_that_is_away_is_to_be_tried_again() -> None:
    sink = HttpSink("http://127.0.0.1:9/v1/events")
    with pytest.raises(Unwritten):
        await sink.write([scored(1)])
    await sink.aclose()


async def test_a_server_that_breaks_off_or_is_silent_is_to_be_tried_again() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    application = web.Application()
    application.router.add_post("/", answer)
    async with site(application) as port:
        url = f"http://127.0.0.1:{port}/"
        for sink, reason in ((HttpSink(url), "."), (HttpSink(url, 1e-9), "did not answer in time")):
            with pytest.raises(Unwritten, match=rf"127\.0\.0\.1:{port}/:? {reason}"):
                await sink.write([scored(1)])
            await sink.aclose()


async def test_those_that_were_posted_singly_are_told_again_when_one_of_them_must_be() -> None:
    """Each has an id, and the other side knows what it had."""
    async with gate() as (server, sink):
        server.answers += [web.Response(status=400), web.Response(status=201), web.Response(status=503)]
        with pytest.raises(Unwritten, match="answers 503"):
            await sink.write([scored(1), scored(2)])
        assert await sink.write([scored(1), scored(2)]) == ()
    assert server.taken == [1, 2]
