"""Server-sent events over real HTTP, from a server that cuts, babbles and refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from assay.clock import FakeClock
from assay.precache.eventstreams import EventStreams
from precache.edits import append, created
from precache.following import following
from servers.aiohttp_site import site
from servers.event_stream import EventStream

CLOCK = FakeClock(datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC))
BEFORE, BEHIND, AFTER = "2026-11-26T11:58:00Z", "2026-11-26T11:59:55Z", "2026-11-26T12:00:01Z"
"""The follower's start is at 12:00; the second of these is within the difference that clocks may have."""


def at(rev_id: int, moment: str) -> dict[str, Any]:
    event = created(rev_id)
    return {**event, "meta": {**event["meta"], "dt": moment}}


@asynccontextmanager
async def streaming(file: Path, cut_after: int = 0) -> AsyncIterator[tuple[EventStream, str]]:
    stream = EventStream(file, cut_after)
    async with site(stream.application()) as port:
        yield stream, f"http://127.0.0.1:{port}/v2/stream/mediawiki.revision-create"


async def at_once(seconds: float) -> None:
    await asyncio.sleep(0)


async def test_it_goes_on_where_a_connection_was_cut(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    async with streaming(file, cut_after=3) as (server, url):
        async with following(EventStreams(url, CLOCK, "ops@example.org", sleep=at_once)) as heard:
            await heard.until(lambda h: bool(h.malformed))
            append(file, map(created, range(1, 21)))
            await heard.until(lambda h: len(h.edits) == 20)
        assert heard.edits == list(range(1, 21))
        assert heard.repeated == 0
        first, *others = server.requests
        assert "Last-Event-ID" not in first
        assert len(others) == 6
        assert '"offset": 3' in others[0]["Last-Event-ID"]
        assert "ops@example.org" in first["User-Agent"]
        assert first["Accept"] == "text/event-stream"
    assert all(reason.startswith("It is no JSON: ") for reason in heard.malformed)
    assert len(heard.malformed) == 2 * 7


async def test_it_goes_on_in_another_process(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    async with streaming(file) as (_, url):
        async with following(EventStreams(url, CLOCK, sleep=at_once)) as heard:
            await heard.until(lambda h: bool(h.malformed))
            append(file, map(created, range(1, 6)))
            await heard.until(lambda h: len(h.edits) == 5)
        append(file, map(created, range(6, 11)))
        async with following(EventStreams(url, CLOCK, sleep=at_once), heard.ledger.mark()) as later:
            await later.until(lambda h: len(h.edits) == 5)
    assert later.edits == [6, 7, 8, 9, 10]


async def test_an_edit_before_the_first_connection_is_heard(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    append(file, [at(1, BEFORE), at(2, BEHIND), at(3, AFTER)])
    async with (
        streaming(file) as (server, url),
        following(EventStreams(url, CLOCK, sleep=at_once)) as heard,
    ):
        await heard.until(lambda h: len(h.edits) == 2)
    assert heard.edits == [2, 3]
    assert server.since == ["2026-11-26T11:59:50.000Z"]


async def test_an_edit_before_a_reconnection_without_any_event_is_heard(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    stream, refusals = EventStream(file), 3

    async def refuse_first(request: web.Request) -> web.StreamResponse:
        nonlocal refusals
        refusals -= 1
        if refusals == 1:  # this one is a stream, and ends before it told anything
            ended = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await ended.prepare(request)
            await ended.write(b":ok\n\n")
            append(file, [at(1, AFTER)])
            return ended
        return web.Response(status=503) if refusals >= 0 else await stream.answer(request)

    application = web.Application()
    application.router.add_get("/", refuse_first)
    async with site(application) as port:
        url = f"http://127.0.0.1:{port}/"
        async with following(EventStreams(url, CLOCK, sleep=at_once)) as heard:
            await heard.until(lambda h: h.edits == [1])


async def test_an_edit_before_another_process_began_is_heard(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    async with streaming(file) as (_, url):
        async with following(EventStreams(url, CLOCK, sleep=at_once)) as heard:
            await heard.until(lambda h: bool(h.malformed))
        append(file, [at(1, AFTER)])
        later = FakeClock(CLOCK.now() + timedelta(hours=1))
        async with following(EventStreams(url, later, sleep=at_once), heard.ledger.mark()) as again:
            await again.until(lambda h: h.edits == [1])


async def test_a_time_in_the_address_stands(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    append(file, [at(1, BEFORE)])
    async with streaming(file) as (server, url):
        stream = EventStreams(f"{url}?since=2026-11-26T11:00:00Z", CLOCK, sleep=at_once)
        async with following(stream) as heard:
            await heard.until(lambda h: h.edits == [1])
    assert server.since == ["2026-11-26T11:00:00Z"]


@pytest.mark.parametrize(
    ("status", "headers", "least_s"),
    [
        (503, {"Retry-After": "7"}, 7.0),
        (429, {}, 0.0),
        (404, {}, 0.0),
        (200, {"Content-Type": "text/html"}, 0.0),
    ],
)
async def test_what_is_no_stream_is_asked_again(status: int, headers: dict[str, str], least_s: float) -> None:
    waits: list[float] = []
    enough = asyncio.Event()

    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 4:
            enough.set()
        await asyncio.sleep(0)

    application = web.Application()
    application.router.add_get("/", refuse)
    async with (
        site(application) as port,
        following(EventStreams(f"http://127.0.0.1:{port}/", CLOCK, sleep=sleep)),
    ):
        async with asyncio.timeout(30):
            await enough.wait()
    assert all(wait >= least_s for wait in waits)
    assert least_s or waits[3] > waits[0], "each failure is followed by a longer pause"


async def test_a_silent_connection_counts_as_dead(tmp_path: Path) -> None:
    connections = 0

    async def silent(request: web.Request) -> web.StreamResponse:
        nonlocal connections
        connections += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if connections > 1:
            await response.write(b"data: {\n\n")
        await asyncio.Event().wait()
        return response

    application = web.Application()
    application.router.add_get("/", silent)
    async with site(application) as port:
        stream = EventStreams(f"http://127.0.0.1:{port}/", CLOCK, silence_limit_s=0.2, sleep=at_once)
        async with following(stream) as heard:
            await heard.until(lambda h: bool(h.malformed))
    assert connections >= 2


async def test_ids_too_long_to_go_back_are_not_kept_and_told_once(tmp_path: Path) -> None:
    """A megabyte with each event would be stored with each position, and no server takes it as a header."""
    asked: list[str | None] = []

    async def babble(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Last-Event-ID"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for rev_id in (1, 2, 3):
            identity = "7" if rev_id == 1 else "x" * 2**20
            await response.write(f"id: {identity}\ndata: {json.dumps(created(rev_id))}\n\n".encode())
        return response

    application = web.Application()
    application.router.add_get("/", babble)
    with capture_logs() as logs:
        async with site(application) as port:
            url = f"http://127.0.0.1:{port}/"
            async with following(EventStreams(url, CLOCK, sleep=at_once)) as heard:
                await heard.until(lambda h: h.repeated >= 3)
    assert heard.edits == [1, 2, 3]
    assert heard.ledger.mark().position == "7"
    assert asked[:2] == [None, "7"]
    told = [line["event"] for line in logs if line["event"] in {"stream begun", "ids too long"}]
    assert told[:4] == ["stream begun", "ids too long"] * 2
