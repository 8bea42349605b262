"""A wiki's recent changes, polled over real HTTP."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from aiohttp import web
from structlog.testing import capture_logs

from assay.clock import SystemClock
from assay.precache.recentchanges import RecentChanges
from assay.revisions.options import ApiOptions
from assay.revisions.wiki.action_api import ActionApi
from events.recorded import rows
from precache.following import following
from servers.aiohttp_site import site
from servers.mediawiki import Recording, StandInMediaWiki, api_error, reset, status, truncated

QUICK = ApiOptions(backoff_s=0.0, attempts=2)


class Looks:
    """Pauses between looks that last until the test lets the next one happen."""

    def __init__(self) -> None:
        self._next = asyncio.Semaphore(0)

    async def pause(self) -> None:
        await self._next.acquire()

    def again(self, count: int = 1) -> None:
        for _ in range(count):
            self._next.release()


def polled(wiki: StandInMediaWiki, looks: Looks, overlap_s: float = 30.0) -> RecentChanges:
    api = ActionApi(wiki.url, QUICK)
    return RecentChanges(api, wiki.url, "enwiki", SystemClock(), overlap_s=overlap_s, pause=looks.pause)


@cache
def recorded() -> dict[str, Any]:
    return next(item for item in rows() if item["type"] == "edit")


def row(rev_id: int, second: int, **changed: Any) -> dict[str, Any]:
    """A recorded row with another revision, and rcid, and time."""
    moment = f"2026-11-24T10:{second // 60:02}:{second % 60:02}Z"
    return {**recorded(), "rcid": rev_id, "revid": rev_id, "timestamp": moment, **changed}


async def test_all_pages_of_what_happened_and_nothing_twice() -> None:
    recording = Recording(changes=[row(1, 0)])
    looks = Looks()
    async with StandInMediaWiki(recording).serving() as wiki, following(polled(wiki, looks)) as heard:
        await heard.until(lambda h: h.edits == [1])  # behind the first position, within the overlap
        recording.changes += [row(number, number // 100) for number in range(2, 1203)]
        looks.again()
        await heard.until(lambda h: len(h.edits) == 1202)
        recording.changes += [row(1203, 12)]
        looks.again()
        await heard.until(lambda h: 1203 in h.edits)
        asked = [query for query, _ in wiki.requests if query.get("rcdir") == "newer"]
    assert heard.edits == list(range(1, 1204))
    assert heard.repeated == 0
    assert [("rccontinue" in query) for query in asked[1:4]] == [False, True, True]
    assert {query["rctype"] for query in asked} == {"edit|new"}
    assert {query["maxlag"] for query in asked} == {"5"}


async def test_what_becomes_visible_late_is_found() -> None:
    recording = Recording(changes=[row(1, 0)])
    looks = Looks()
    async with StandInMediaWiki(recording).serving() as wiki, following(polled(wiki, looks)) as heard:
        recording.changes += [row(3, 20)]
        looks.again()
        await heard.until(lambda h: 3 in h.edits)
        recording.changes += [row(2, 10)]
        looks.again()
        await heard.until(lambda h: 2 in h.edits)
    assert heard.edits == [1, 3, 2]


async def test_it_goes_on_in_another_process() -> None:
    recording = Recording(changes=[row(1, 0)])
    async with StandInMediaWiki(recording).serving() as wiki:
        async with following(polled(wiki, Looks())) as heard:
            await heard.until(lambda h: h.edits == [1] and h.ledger.mark().position is not None)
        recording.changes += [row(number, number) for number in range(2, 1000)]
        async with following(polled(wiki, Looks()), heard.ledger.mark()) as later:
            await later.until(lambda h: len(h.edits) == 998)
    assert later.edits == list(range(2, 1000))


async def test_a_first_start_begins_with_what_happens_from_then_on() -> None:
    recording = Recording(changes=[row(number, number) for number in range(1, 1000)])
    looks = Looks()
    async with (
        StandInMediaWiki(recording).serving() as wiki,
        following(polled(wiki, looks, overlap_s=0)) as heard,
    ):
        await heard.until(lambda h: bool(h.edits))
        recording.changes += [row(1000, 1001)]
        looks.again()
        await heard.until(lambda h: 1000 in h.edits)
    assert heard.edits == [999, 1000]


async def test_a_wiki_on_which_nothing_has_happened() -> None:
    recording = Recording()
    looks = Looks()
    async with StandInMediaWiki(recording).serving() as wiki, following(polled(wiki, looks)) as heard:
        await heard.until(lambda h: len(h.all) >= 2)
        recording.changes += [row(1, 0)]
        looks.again()
        await heard.until(lambda h: h.edits == [1])


async def test_through_all_that_a_wiki_may_do() -> None:
    recording = Recording(changes=[row(1, 0)])
    looks = Looks()
    async with StandInMediaWiki(recording).serving() as wiki:
        wiki.faults.extend(
            [
                status(503, retry_after_s=0),
                api_error("maxlag", retry_after_s=0),
                reset(),
                truncated(),
                api_error("readapidenied"),
            ]
        )
        async with following(polled(wiki, looks)) as heard:
            await heard.until(lambda h: h.edits == [1])
            recording.changes += [row(number, number // 100) for number in range(2, 800)]
            wiki.faults.append(reset(matches=lambda query: "rccontinue" in query))
            wiki.faults.append(reset(matches=lambda query: "rccontinue" in query))
            looks.again()
            await heard.until(lambda h: len(h.edits) == 799)
    assert heard.edits == list(range(1, 800))


async def test_rows_that_are_malformed_or_hidden_spoil_no_others() -> None:
    hidden = row(2, 2)
    del hidden["user"]
    recording = Recording(changes=[row(1, 1), {**hidden, "userhidden": True}, row(4, 4)])
    recording.changes.append({**row(3, 3), "revid": "three"})
    async with StandInMediaWiki(recording).serving() as wiki, following(polled(wiki, Looks())) as heard:
        await heard.until(lambda h: len(h.edits) == 3)
        changes = [item.told for item in heard.all]
    assert heard.edits == [1, 2, 4]
    assert len(heard.malformed) == 1
    assert getattr(changes[2], "actor", "") is None


async def test_a_row_of_a_server_with_a_wrong_clock_hides_nothing() -> None:
    """It lies fifty minutes ahead; the position does not go there, and what happens now is found."""
    recording = Recording(changes=[row(1, 0), row(2, 3000)], now="2026-11-24T10:00:05Z")
    looks = Looks()
    async with StandInMediaWiki(recording).serving() as wiki:
        async with following(polled(wiki, looks)) as heard:
            await heard.until(lambda h: h.edits == [1, 2])
            recording.changes += [row(3, 70)]
            recording.now = "2026-11-24T10:01:15Z"
            looks.again()
            await heard.until(lambda h: 3 in h.edits and h.ledger.mark().position == "20261124100115")
            assert heard.repeated == 0
        recording.changes += [row(4, 80)]
        recording.now = "2026-11-24T10:01:25Z"
        async with following(polled(wiki, Looks()), heard.ledger.mark()) as later:
            await later.until(lambda h: 4 in h.edits)
    assert later.edits == [4]


async def test_a_wiki_whose_clock_was_set_back_is_followed_on() -> None:
    recording = Recording(changes=[row(1, 3000)], now="2026-11-24T10:50:00Z")
    looks = Looks()
    async with StandInMediaWiki(recording).serving() as wiki, following(polled(wiki, looks)) as heard:
        await heard.until(lambda h: h.ledger.mark().position == "20261124105000" and h.edits == [1])
        recording.now = "2026-11-24T10:00:00Z"
        with capture_logs() as logs:
            looks.again()
            await heard.until(lambda h: h.ledger.mark().position == "20261124100000")
        recording.changes += [row(2, 1)]
        looks.again()
        await heard.until(lambda h: 2 in h.edits)
    assert [(line["event"], line["before"], line["now"]) for line in logs] == [
        ("the wiki's clock was set back", "20261124105000", "20261124100000")
    ]


async def test_a_continuation_that_leads_nowhere_is_no_reason_to_hurry() -> None:
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        form = {**request.query, **await request.post()}
        told: dict[str, Any] = {"query": {"recentchanges": [row(1, 0)]}}
        if form["rcdir"] == "newer":
            told["continue"] = {"rccontinue": "20261124100000|1", "continue": "-||"}
        return web.json_response(told)

    application = web.Application()
    application.router.add_route("*", "/w/api.php", answer)
    looks = Looks()
    async with site(application) as port:
        url = f"http://127.0.0.1:{port}/w/api.php"
        stream = RecentChanges(
            ActionApi(url, QUICK), url, "enwiki", SystemClock(), overlap_s=30.0, pause=looks.pause
        )
        async with following(stream) as heard:
            await heard.until(lambda h: len(h.all) >= 4)
            assert asked == 3, "for the newest, for a look, and for what follows it"
            looks.again()
            await heard.until(lambda h: len(h.all) >= 6)
            assert asked == 5
