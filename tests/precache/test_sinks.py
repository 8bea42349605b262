"""Every place that scores are told to, through what can go wrong there."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import resource
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import FileIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from assay.precache.patience import Patience, Stopping
from assay.precache.sink import Event, FileSink, Refused, Sink, StdoutSink, Unwritten
from assay.precache.sink_http import HttpSink
from assay.precache.sink_redis import RedisSink
from assay.precache.telling import Telling
from assay.stores.redis_options import RedisOptions
from assay.telemetry import PRECACHE_REFUSED, PRECACHE_RETRIES, Metrics
from precache.edits import told
from servers.aiohttp_site import site
from servers.redis import running


def event(rev_id: int) -> dict[str, Any]:
    return {"database": "clubwiki", "rev_id": rev_id, "meta": {"id": str(rev_id)}, "comment": "naïve\n✓"}


# -- standard output ---------------------------------------------------------------------------------


async def test_standard_output_gets_a_line_for_each(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    await StdoutSink().write([event(1), event(2)])
    assert [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()] == [event(1), event(2)]


async def test_batches_told_to_standard_output_at_once_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container, where PYTHONUNBUFFERED is set, and longer than a pipe takes at once."""
    reading, writing = os.pipe()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(FileIO(writing, "wb"), write_through=True))
    sinks = [StdoutSink(), StdoutSink()]
    long = {"comment": "x" * 100_000}
    with os.fdopen(reading, "rb") as pipe:
        got = asyncio.create_task(asyncio.to_thread(pipe.readlines))
        await asyncio.gather(*(sinks[number % 2].write([event(number) | long]) for number in range(100)))
        sys.stdout.close()
        lines = await got
    assert sorted(json.loads(line)["rev_id"] for line in lines) == list(range(100))


# -- files -------------------------------------------------------------------------------------------


async def test_a_file_gets_a_line_for_each_and_can_be_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    sink = FileSink(path)
    await sink.write([event(1), event(2)])
    path.rename(tmp_path / "scores.1.jsonl")
    await sink.write([event(3)])
    assert told(tmp_path / "scores.1.jsonl") == [event(1), event(2)]
    assert told(path) == [event(3)]


@pytest.mark.parametrize("torn", ['{"rev_id": 9, "comm', "x" * 200_000, "{"])
async def test_what_a_crash_left_of_a_line_is_cut_off(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "scores.jsonl"
    await FileSink(path).write([event(1)])
    with path.open("a") as file:
        file.write(torn)
    await FileSink(path).write([event(2)])
    assert told(path) == [event(1), event(2)]
    path.write_text(torn)
    await FileSink(path).write([event(3)])
    assert told(path) == [event(3)]


async def test_batches_written_at_once_do_not_cut_each_other_off(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    sinks = [FileSink(path, fsync=False) for _ in range(4)]  # as of several followers
    await asyncio.gather(*(sinks[number % 4].write([event(number)]) for number in range(2000)))
    assert sorted(each["rev_id"] for each in told(path)) == list(range(2000))


async def test_a_file_that_is_moved_away_while_a_batch_waits_for_its_turn_gets_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever moves it may pack it and remove it at once."""
    path, moved, lock = tmp_path / "scores.jsonl", tmp_path / "scores.1.jsonl", fcntl.flock

    def move_then_lock(file: Any, how: int) -> None:
        if not moved.exists():
            path.rename(moved)
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", move_then_lock)
    await FileSink(path).write([event(1)])
    assert moved.read_bytes() == b""
    assert told(path) == [event(1)]


async def test_a_file_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(Unwritten, match="No such file or directory"):
        await FileSink(tmp_path / "missing" / "scores.jsonl").write([event(1)])


async def test_a_full_disk_leaves_no_half_batch(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    await FileSink(path).write([event(1)])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(Unwritten, match="File too large"):
            await FileSink(path).write([event(number) for number in range(2, 3000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes().endswith(b"}\n")
    assert told(path) == [event(1)]
    with pytest.raises(Unwritten, match="No space left on device"):
        await FileSink(Path("/dev/full")).write([event(1)])


# -- HTTP --------------------------------------------------------------------------------------------


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
        assert await sink.write([event(1), event(2)]) == ()
    assert server.taken == [1, 2]


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_what_may_pass_is_to_be_tried_again(status: int) -> None:
    async with gate() as (server, sink):
        server.answers.append(web.Response(status=status, headers={"Retry-After": "9"}))
        with pytest.raises(Unwritten) as unwritten:
            await sink.write([event(1)])
    assert unwritten.value.delay_s == 9.0


async def test_a_refused_event_takes_no_others_with_it() -> None:
    async with gate() as (server, sink):
        server.bad = {2}
        refused = await sink.write([event(1), event(2), event(3)])
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
        refused = await sink.write([event(1), event(2)])
    assert [item["rev_id"] for item, _ in refused] == [1]
    assert server.taken == [2]


async def test_a_server_that_is_away_is_to_be_tried_again() -> None:
    sink = HttpSink("http://127.0.0.1:9/v1/events")
    with pytest.raises(Unwritten):
        await sink.write([event(1)])
    await sink.aclose()


# -- Redis -------------------------------------------------------------------------------------------


async def test_a_redis_stream_keeps_the_newest() -> None:
    with running() as redis:
        sink = RedisSink(RedisOptions(redis.url), "scores", 100)
        for begin in range(0, 1000, 50):
            await sink.write([event(number) for number in range(begin, begin + 50)])
        with redis.client() as client:
            entries: Any = client.xrange("scores")
        redis.kill()
        with pytest.raises(Unwritten):
            await sink.write([event(1000)])
        redis.start()
        await sink.write([event(1001)])
        with redis.client() as client:
            assert client.xlen("scores") == 1
        await sink.aclose()
    revs = [json.loads(fields[b"event"])["rev_id"] for _, fields in entries]
    assert revs == list(range(1000 - len(revs), 1000))
    assert 100 <= len(revs) < 300


# -- all of them -------------------------------------------------------------------------------------


class Flaky:
    """Fails so often, then takes; refuses one revision for good."""

    def __init__(self, failures: int, bad: int | None = None) -> None:
        self.failures = failures
        self.bad = bad
        self.taken: list[int] = []

    async def write(self, events: Sequence[Event]) -> Sequence[tuple[Event, Refused]]:
        if self.failures:
            self.failures -= 1
            raise Unwritten("not now", 0.0)
        self.taken += [item["rev_id"] for item in events]
        return [(item, Refused("never")) for item in events if item["rev_id"] == self.bad]

    async def aclose(self) -> None:
        pass


class Quick(Patience):
    """Waits for nothing."""

    async def wait(self, seconds: float) -> None:
        await super().wait(0)


async def test_everybody_is_told_for_as_long_as_it_takes() -> None:
    metrics, first, second = Metrics(), Flaky(0, bad=2), Flaky(3)
    sinks: dict[str, Sink] = {"first": first, "second": second}
    await Telling(sinks, Quick(), metrics).tell([event(1), event(2)])
    assert first.taken == second.taken == [1, 2]
    assert metrics.value(PRECACHE_RETRIES, "sink") == 3
    assert metrics.value(PRECACHE_REFUSED, "first") == 1


async def test_the_end_comes_before_a_sink_that_takes_nothing() -> None:
    patience = Quick()
    telling = Telling({"never": Flaky(10**9)}, patience, Metrics())
    task = asyncio.create_task(telling.tell([event(1)]))
    await asyncio.sleep(0.01)
    patience.stop()
    with pytest.raises(Stopping):
        await task
