"""A feed that forgets with recent changes behind it: at work, at their pauses, and at the end of either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from assay.clock import SystemClock
from assay.precache.recentchanges import RecentChanges
from assay.precache.refilled import Refilled, Wake
from assay.precache.stream import Malformed, Told
from assay.revisions.options import ApiOptions
from assay.revisions.wiki.action_api import ActionApi
from assay.tasks import end
from events.recorded import rows
from precache.feeding import EDITS, FAR_S, feed, publish, subscribed
from precache.following import following
from servers.mediawiki import Recording, StandInMediaWiki
from servers.redis import RedisServer


async def test_a_pause_ends_by_itself_or_when_there_is_a_reason() -> None:
    async with asyncio.timeout(30):
        await Wake(0.001).pause()
        wake = Wake(FAR_S)
        wake.now()
        await wake.pause()
        pausing = asyncio.create_task(wake.pause())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not pausing.done(), "one reason ends one pause"
        wake.now()
        await pausing


class Short:
    """A feed that tells some things, and then breaks or ends."""

    def __init__(self, told: list[Told], error: Exception | None = None) -> None:
        self.told, self.error = told, error
        self.is_closed = False

    async def listen(self, connected: Callable[[], None]) -> AsyncGenerator[Told]:
        connected()
        for item in self.told:
            yield item
        if self.error:
            raise self.error

    async def aclose(self) -> None:
        self.is_closed = True


async def test_what_was_told_before_the_feed_broke_comes_before_its_error() -> None:
    heard: list[Told | None] = []
    told: list[Told] = [Malformed("a"), Malformed("b")]
    feed, wake = Short(told, ArithmeticError("broken")), Wake(FAR_S)
    stream = Refilled(feed, None, wake)

    async def hear() -> None:
        async for item in stream.follow(None):
            heard.append(item.told)
            assert item.position is None

    with pytest.raises(ArithmeticError, match="broken"):
        await hear()
    assert heard == told
    await stream.aclose()
    assert feed.is_closed
    async with asyncio.timeout(30):
        await wake.pause()  # it had begun to hear, which is a reason to look


async def test_a_feed_that_ends_ends_the_stream() -> None:
    stream = Refilled(Short([]), None, Wake(FAR_S))
    async with asyncio.timeout(30):
        assert [item async for item in stream.follow(None)] == []


class Quiet:
    """A feed on which nothing happens. `is_heard`: somebody listens."""

    def __init__(self) -> None:
        self.is_heard = asyncio.Event()

    async def listen(self, connected: Callable[[], None]) -> AsyncGenerator[Told]:
        connected()
        self.is_heard.set()
        await asyncio.Event().wait()
        yield Malformed("never")

    async def aclose(self) -> None:
        """Nothing to close."""


async def test_a_stream_that_is_given_up_leaves_nothing_that_waits() -> None:
    feed, before = Quiet(), asyncio.all_tasks()
    stream = Refilled(feed, None, Wake(FAR_S)).follow(None)

    async def hear() -> None:
        async with aclosing(stream):
            await anext(stream)

    hearing = asyncio.create_task(hear())
    await feed.is_heard.wait()
    await end([hearing])
    assert asyncio.all_tasks() == before


def changes(wiki: StandInMediaWiki, wake: Wake) -> RecentChanges:
    api = ActionApi(wiki.url, ApiOptions(backoff_s=0.0))
    return RecentChanges(api, wiki.url, "enwiki", SystemClock(), overlap_s=FAR_S, pause=wake.pause)


async def test_what_redis_forgot_is_asked_of_the_wiki(redis: RedisServer) -> None:
    recorded = [row for row in rows() if row["type"] != "log"]
    told = {event["revision"]["new"]: event for event in EDITS}
    both = [row for row in recorded if row["revid"] in told]
    before, missed, after = both[:20], both[20:60], both[60:80]
    recording, wake = Recording(changes=list(before[:1])), Wake(FAR_S)
    async with StandInMediaWiki(recording).serving() as wiki:

        def happen(some: list[dict[str, Any]]) -> None:
            recording.changes.extend(some)
            publish(redis, [told[row["revid"]] for row in some])

        async with following(Refilled(feed(redis), changes(wiki, wake), wake)) as heard:
            await subscribed(redis)
            await heard.until(lambda h: h.ledger.mark().position is not None)
            await asyncio.to_thread(happen, before)
            await heard.until(lambda h: len(h.edits) == 20)
            redis.kill()
            recording.changes.extend(missed)  # nobody could hear of these
            redis.start()
            await heard.until(lambda h: len(h.edits) == 60)
            await subscribed(redis)
            await asyncio.to_thread(happen, after)
            await heard.until(lambda h: len(h.edits) == 80)
        assert set(heard.edits) == {row["revid"] for row in (*before, *missed, *after)}
        recording.changes.extend(both[80:100])  # while no follower ran
        later_wake = Wake(FAR_S)
        later = Refilled(feed(redis), changes(wiki, later_wake), later_wake)
        async with following(later, heard.ledger.mark()) as again:
            await again.until(lambda h: len(h.edits) == 20)
        assert set(again.edits) == {row["revid"] for row in both[80:100]}
