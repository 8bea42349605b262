"""A follower as `assay precache` plugs it together, on every kind of stream and sink, all of them real."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from assay.compose.follower import build_follower, check_precache, precache_metrics
from assay.errors import ConfigurationError
from assay.events import Rules
from assay.precache.cursor import Cursor
from assay.precache.options import PrecacheOptions, SinkOptions, StreamOptions
from assay.precache.patience import Patience
from assay.settings import Settings, WikiSettings
from assay.stores.redis_options import RedisOptions
from precache.edits import append, created, rev_ids, told
from precache.feeding import CHANNEL, EDITS, subscribed
from precache.test_recentchanges import row
from servers.aiohttp_site import site
from servers.asgi import Served, serving
from servers.event_stream import EventStream
from servers.mediawiki import Recording, StandInMediaWiki
from servers.redis import RedisServer, free_port
from small_app import SmallApp
from waiting import until_async

WIKI, DATABASE = "smallwiki", "clubdb"
RULES = Rules({WIKI: {"damaging": ("edit",)}}, {DATABASE: WIKI})
NOWHERE = RedisOptions("redis://127.0.0.1:9/0")


@pytest.fixture(scope="module")
def assay() -> Iterator[Served]:
    with serving(SmallApp().build().asgi) as served:
        yield served


@pytest.fixture
async def wiki() -> AsyncIterator[StandInMediaWiki]:
    async with StandInMediaWiki(Recording(changes=[row(21, 0)])).serving() as serving_:
        yield serving_


def settings(wiki: StandInMediaWiki, options: PrecacheOptions, redis: RedisOptions = NOWHERE) -> Settings:
    wikis = {WIKI: WikiSettings(wiki.url, database=DATABASE)}
    return Settings(wikis=wikis, redis=redis, precache=options)


@asynccontextmanager
async def followed(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """Told to end afterwards, so that its positions are kept."""
    patience = Patience()
    follower = build_follower(settings, RULES, patience, precache_metrics(settings))
    running = asyncio.create_task(follower.run())
    try:
        yield running
    finally:
        patience.stop()
        async with asyncio.timeout(30):
            await asyncio.wait([running])
    running.result()


def fed(rev_id: int) -> bytes:
    """An edit as RCFeed tells it."""
    return orjson.dumps({**EDITS[0], "wiki": DATABASE, "revision": {"new": rev_id, "old": rev_id - 1}})


def send(port: int, rev_id: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(fed(rev_id), ("127.0.0.1", port))


async def test_each_kind_of_stream_is_followed_and_each_kind_of_sink_told(
    assay: Served,
    wiki: StandInMediaWiki,
    shared_redis: RedisServer,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    posted: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        posted.extend(json.loads(await request.read()))
        return web.Response(status=201)

    application = EventStream(stream := tmp_path / "stream.jsonl").application()
    application.router.add_post("/v1/events", take)
    udp = free_port()
    async with site(application) as port:
        options = PrecacheOptions(
            assay=assay.url,
            folder=str(tmp_path),
            redis=RedisOptions(shared_redis.url),
            streams={
                "events": StreamOptions("eventstreams", url=f"http://127.0.0.1:{port}/v2/stream/x"),
                "changes": StreamOptions("recentchanges", wiki=WIKI),
                "datagrams": StreamOptions("udp", address=f"127.0.0.1:{udp}"),
                "channel": StreamOptions("redis", channel=CHANNEL),
            },
            sinks={
                "file": SinkOptions("file", path=str(tmp_path / "scores")),
                "http": SinkOptions("http", url=f"http://127.0.0.1:{port}/v1/events"),
                "redis": SinkOptions("redis", stream="told"),
                "stdout": SinkOptions("stdout"),
            },
        )
        async with followed(settings(wiki, options)):
            now = datetime.now(UTC).isoformat()
            event = created(11, DATABASE)
            append(stream, [{**event, "meta": {**event["meta"], "dt": now}}])
            send(udp, 12)
            await subscribed(shared_redis)
            with shared_redis.client() as client:
                client.publish(CHANNEL, fed(13))
            await until_async(lambda: len(told(tmp_path / "scores")) == 4)
            await until_async(lambda: len(posted) == 4)
    expected = [11, 12, 13, 21]
    with shared_redis.client() as client:
        entries: Any = client.xrange("told")
    printed = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
    found = [told(tmp_path / "scores"), posted, [json.loads(it[b"event"]) for _, it in entries], printed]
    assert [sorted(rev_ids(events)) for events in found] == [expected] * 4
    assert Cursor(tmp_path / "changes.json", f"recent changes of {WIKI}").load().position is not None


async def test_a_feed_is_exchanged_for_another_of_the_same_wiki_and_for_nothing_else(
    assay: Served, wiki: StandInMediaWiki, shared_redis: RedisServer, tmp_path: Path
) -> None:
    """What both have in common is the wiki's recent changes, and the position in them."""
    options = PrecacheOptions(
        assay=assay.url,
        folder=str(tmp_path),
        streams={"feed": StreamOptions("udp", address="127.0.0.1:0", wiki=WIKI)},
        sinks={"file": SinkOptions("file", path=str(tmp_path / "scores"))},
    )
    redis = RedisOptions(shared_redis.url)
    async with followed(settings(wiki, options)):
        await until_async(lambda: len(told(tmp_path / "scores")) == 1)
    wiki.recording.changes.append(row(22, 1))
    feed = StreamOptions("redis", channel=CHANNEL, wiki=WIKI)
    sinks = {**options.sinks, "entries": SinkOptions("redis", stream="later")}
    async with followed(settings(wiki, replace(options, streams={"feed": feed}, sinks=sinks), redis)):
        await until_async(lambda: len(told(tmp_path / "scores")) == 2)
    with shared_redis.client() as client:
        assert client.xlen("later") == 1
    changes = StreamOptions("recentchanges", wiki=WIKI)
    wiki.recording.changes.append(row(23, 2))
    async with followed(settings(wiki, replace(options, streams={"feed": changes}))):
        await until_async(lambda: len(told(tmp_path / "scores")) == 3)
    assert rev_ids(told(tmp_path / "scores")) == [21, 22, 23]
    events = StreamOptions("eventstreams", url="http://127.0.0.1:9/")
    alone = StreamOptions("redis", channel=CHANNEL)
    for other in (events, alone):
        with pytest.raises(ConfigurationError, match=r"feed\.json"):
            async with followed(settings(wiki, replace(options, streams={"feed": other}), redis)) as running:
                await running


async def test_a_feed_without_a_wiki_to_ask_is_warned_of(wiki: StandInMediaWiki, tmp_path: Path) -> None:
    for of, warned in ((WIKI, False), ("", True)):
        options = PrecacheOptions(
            folder=str(tmp_path), streams={"feed": StreamOptions("udp", address="127.0.0.1:0", wiki=of)}
        )
        with capture_logs() as logs:
            async with followed(settings(wiki, options)):
                pass
        told_of = [line["kind"] for line in logs if line["event"] == "feed without a wiki to ask"]
        assert told_of == (["udp"] if warned else [])


def test_the_rules_are_those_of_the_models_that_each_wiki_has(tmp_path: Path) -> None:
    streams = {"events": StreamOptions("eventstreams", url="http://127.0.0.1:9/")}
    sinks = {
        "new": SinkOptions("file", path=str(tmp_path / "new")),
        "post": SinkOptions("http", url="http://127.0.0.1:9/"),
    }
    given = Settings(
        wikis={"clubwiki": WikiSettings("https://c.example/api.php", bundles="ruwiki", database="club")},
        precache=PrecacheOptions(streams=streams, sinks=sinks),
    )
    rules = check_precache(given)
    assert rules.models == {"clubwiki": ("articlequality", "reverted")}
    assert rules.called("club") == "clubwiki"
    with pytest.raises(ConfigurationError, match="there is no stream to follow: give --follow"):
        check_precache(replace(given, precache=PrecacheOptions()))


def test_its_metrics_are_told_from_those_of_a_server_of_the_same_release() -> None:
    told = precache_metrics(Settings(release="r1")).exposition().decode()
    assert 'release="r1",role="precache"' in told


def test_lines_cannot_be_appended_to_everything(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    streams = {"events": StreamOptions("eventstreams", url="http://127.0.0.1:9/")}
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    for name, is_fine in (
        ("file", True),
        ("new", True),
        ("pipe", False),
        ("socket", False),
        (".", False),
        ("no/file", None),
    ):
        sinks = {"one": SinkOptions("file", path=str(tmp_path / name))}
        given = Settings(precache=PrecacheOptions(streams=streams, sinks=sinks))
        if is_fine:
            check_precache(given)
        else:
            saying = "there is no folder" if is_fine is None else f"{name} is no file"
            with pytest.raises(ConfigurationError, match=rf"^precache\.sinks\.one\.path: .*{saying}"):
                check_precache(given)
