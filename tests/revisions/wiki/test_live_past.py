"""Pasts over real HTTP: what training counts from the whole history, or UNKNOWN; never a failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from assay.clock import Deadline, FakeClock
from assay.revisions.index.source import IndexedSource
from assay.revisions.open import open_indexed, open_source
from assay.revisions.options import ApiOptions
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, PageHistory, Revision
from assay.revisions.wiki.action_api import ActionApi
from assay.revisions.wiki.live_past import LivePasts, PastOptions
from assay.revisions.wiki.mediawiki import MediaWikiSource
from assay.revisions.wiki.window import ACTOR_PAGES
from servers import mediawiki as stand_in
from servers.mediawiki import Recording, StandInMediaWiki, of_history
from shared_data import shared
from waiting import soon

WIKI = "data/histories/crwiki/revisions.jsonl.xz"
EDITS = 200
FATES = {"reverted", "reverts", "last_reverted_at"}
"""Fields that ask what became of edits, on the pages that are looked at."""
QUICK = ApiOptions(backoff_s=0.001, attempts=1)
PATIENT = PastOptions(timeout_s=60, queries=10_000)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexedSource]:
    source = open_indexed(shared(WIKI), cache_dir=tmp_path_factory.mktemp("index"))
    yield source
    source.close()


@pytest.fixture(scope="module")
def recording() -> Recording:
    return of_history(shared(WIKI), wiki_id="crwiki")


@pytest_asyncio.fixture
async def wiki(recording: Recording) -> AsyncIterator[StandInMediaWiki]:
    own = replace(recording, revisions=dict(recording.revisions))
    async with StandInMediaWiki(own).serving() as server:
        yield server


def of_wiki(wiki: StandInMediaWiki, options: PastOptions = PATIENT) -> MediaWikiSource:
    api = ActionApi(wiki.url, QUICK)
    return MediaWikiSource(api, pasts=LivePasts(api, options))


async def told(
    source: MediaWikiSource, rev_ids: list[int], deadline: Deadline | None = None
) -> list[Revision]:
    deadline = deadline or soon()
    found = await source.fetch(rev_ids, deadline)
    revisions = [revision for revision in found.values() if isinstance(revision, Revision)]
    assert len(revisions) == len(rev_ids)
    told = await source.with_pasts(revisions, deadline)
    return [told.revisions[rev_id] for rev_id in rev_ids]


def some(history: IndexedSource, count: int) -> list[int]:
    """Edits from all of the wiki's years."""
    ids = list(history.ids("time"))
    return ids[:: len(ids) // count][:count]


def different(ours: Any, theirs: Any) -> set[str]:
    assert type(ours) is type(theirs)
    return {f.name for f in fields(ours) if getattr(ours, f.name) != getattr(theirs, f.name)}


async def test_real_edits_have_the_pasts_that_models_learned_from(
    wiki: StandInMediaWiki, history: IndexedSource
) -> None:
    """Every page agrees, and every actor, but for two things that the window and the file make: the fates of
    edits to more pages than are looked at, and the order of edits that one bot saved in one second, which a
    live wiki tells by their ids and the file by its pages."""
    saved = Counter((it["user"], it["timestamp"]) for _, it in wiki.recording.revisions.values())
    source, rev_ids = of_wiki(wiki), some(history, EDITS)
    found = [it for start in range(0, EDITS, 50) for it in await told(source, rev_ids[start : start + 50])]
    exact = 0
    for live in found:
        whole = history.get(live.id)
        assert isinstance(whole, Revision)
        assert isinstance(live.page_history, PageHistory)
        assert live.page_history == whole.page_history
        if live.actor_history is UNKNOWN:
            assert whole.actor_history is UNKNOWN
            continue
        assert isinstance(live.actor_history, ActorHistory)
        left = different(live.actor_history, whole.actor_history)
        assert isinstance(live.timestamp, datetime)
        second = live.timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert isinstance(live.actor, Actor)
        if saved[live.actor.name, second] > 1:
            continue
        assert left <= (FATES if live.actor_history.pages > ACTOR_PAGES else set())
        exact += not left
    assert exact > EDITS / 2
    await source.aclose()


async def test_no_text_is_asked_for_and_nothing_twice(wiki: StandInMediaWiki, history: IndexedSource) -> None:
    source, rev_ids = of_wiki(wiki), some(history, 20)
    await told(source, rev_ids)
    asked = [query for query, _ in wiki.requests if "pageids" in query or query.get("list") == "usercontribs"]
    assert all("content" not in query.get("rvprop", "") for query in asked)
    assert len({tuple(sorted(query.items())) for query in asked}) == len(asked)
    wiki.requests.clear()
    await told(source, rev_ids)
    again = [query for query, _ in wiki.requests if "pageids" in query or query.get("list") == "usercontribs"]
    assert again == []
    await source.aclose()


async def test_what_was_asked_is_forgotten_after_a_while(
    wiki: StandInMediaWiki, history: IndexedSource
) -> None:
    clock = FakeClock()
    source, rev_ids = of_wiki(wiki, replace(PATIENT, kept_s=30)), some(history, 1)
    await told(source, rev_ids, Deadline.after(60, clock))
    before = len(wiki.requests)
    clock.advance(31)
    await told(source, rev_ids, Deadline.after(60, clock))
    assert len(wiki.requests) >= 2 * before
    await source.aclose()


def contributions_only(query: Mapping[str, str]) -> bool:
    return query.get("list") == "usercontribs"


@pytest.mark.parametrize(
    "fault",
    [
        stand_in.status(503, matches=contributions_only),
        stand_in.reset(matches=contributions_only),
        stand_in.body(b"{}", matches=contributions_only),
        stand_in.body(b'{"query": {"usercontribs": [{"revid": "x"}]}}', matches=contributions_only),
        stand_in.body(b'{"error": {"code": "baduser", "info": "?"}}', matches=contributions_only),
    ],
)
async def test_what_the_wiki_does_not_tell_is_unknown(
    wiki: StandInMediaWiki, history: IndexedSource, fault: stand_in.Fault
) -> None:
    wiki.faults.append(fault)
    source = of_wiki(wiki)
    (live,) = await told(source, some(history, 1))
    assert live.actor_history is UNKNOWN
    assert isinstance(live.page_history, PageHistory)
    await source.aclose()


async def test_a_deadline_that_passes_leaves_pasts_unknown(
    wiki: StandInMediaWiki, history: IndexedSource
) -> None:
    wiki.faults.append(stand_in.silent(matches=contributions_only))
    source = of_wiki(wiki, replace(PATIENT, timeout_s=1))
    (live,) = await told(source, some(history, 1))
    assert live.actor_history is UNKNOWN
    await source.aclose()


async def test_a_batch_may_ask_so_often_and_no_more(wiki: StandInMediaWiki, history: IndexedSource) -> None:
    source = of_wiki(wiki, replace(PATIENT, queries=7))
    found = await told(source, some(history, 20))
    asked = [query for query, _ in wiki.requests if "pageids" in query or query.get("list") == "usercontribs"]
    assert len(asked) == 7
    assert 0 < sum(it.page_history is not UNKNOWN for it in found) < 20
    await source.aclose()


async def test_a_hidden_author_has_no_past(wiki: StandInMediaWiki, history: IndexedSource) -> None:
    (rev_id,) = some(history, 1)
    page_id, entry = wiki.recording.revisions[rev_id]
    wiki.recording.revisions[rev_id] = (page_id, {**entry, "userhidden": True})
    source = of_wiki(wiki)
    (live,) = await told(source, [rev_id])
    assert not isinstance(live.actor, Actor)
    assert live.actor_history is UNKNOWN
    assert isinstance(live.page_history, PageHistory)
    await source.aclose()


async def test_an_operator_can_switch_them_off(wiki: StandInMediaWiki, history: IndexedSource) -> None:
    source = open_source("crwiki", wiki.url, api=replace(QUICK, pasts=False))
    assert isinstance(source, MediaWikiSource)
    (live,) = await told(source, some(history, 1))
    assert live.page_history is live.actor_history is UNKNOWN
    assert all("pageids" not in query for query, _ in wiki.requests)
    await source.aclose()


def long_page() -> StandInMediaWiki:
    """A wiki of one page with 600 edits, all of one actor."""
    wiki = StandInMediaWiki()
    wiki.recording.siteinfo = {}
    page = {"pageid": 7, "ns": 0, "title": "Long"}
    for i in range(1, 601):
        slot = {"contentmodel": "wikitext", "content": str(i)}
        wiki.add(
            page,
            {
                "revid": i,
                "parentid": i - 1,
                "user": "192.0.2.1",
                "anon": True,
                "userid": 0,
                "timestamp": f"2020-01-01T{i // 60:02}:{i % 60:02}:00Z",
                "comment": "",
                "size": 1,
                "slots": {"main": slot},
            },
        )
    return wiki


async def test_pages_longer_than_the_window_still_know_their_beginning() -> None:
    async with long_page().serving() as wiki:
        source = of_wiki(wiki)
        late, early = await told(source, [600, 50])
        assert isinstance(late.page_history, PageHistory)
        assert isinstance(early.page_history, PageHistory)
        assert (late.page_history.edits, early.page_history.edits) == (499, 49)
        assert late.page_history.created_at == early.page_history.created_at
        assert late.page_history.created_at.minute == 1
        assert isinstance(late.actor_history, ActorHistory)
        assert late.actor_history.first_edit_at == late.page_history.created_at
        await source.aclose()


async def test_many_edits_without_a_first_one_are_no_past() -> None:
    """Everything may be hidden between the two queries."""
    async with long_page().serving() as wiki:
        wiki.faults.append(
            stand_in.body(b'{"query": {"usercontribs": []}}', matches=lambda it: it.get("ucdir") == "newer")
        )
        source = of_wiki(wiki)
        (late,) = await told(source, [600])
        assert late.actor_history is UNKNOWN
        assert isinstance(late.page_history, PageHistory)
        await source.aclose()


async def test_what_is_forgotten_is_not_kept_in_memory(
    wiki: StandInMediaWiki, history: IndexedSource
) -> None:
    clock, api = FakeClock(), ActionApi(wiki.url, QUICK)
    pasts = LivePasts(api, replace(PATIENT, kept_s=30))
    source, (first, last) = MediaWikiSource(api, pasts=pasts), some(history, 2)
    await told(source, [last], Deadline.after(60, clock))
    alone = pasts.remembered
    await told(source, [first], Deadline.after(60, clock))
    assert pasts.remembered > alone
    clock.advance(31)
    await told(source, [last], Deadline.after(60, clock))
    assert pasts.remembered == alone
    await source.aclose()
