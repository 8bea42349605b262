"""The live API over real HTTP: recorded answers, and everything a wiki can do wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from assay import __version__
from assay.errors import SourceUnavailable
from assay.revisions.digest import sha1_base36
from assay.revisions.options import ApiOptions
from assay.revisions.problem import Problem
from assay.revisions.types import UNKNOWN, Actor, Revision
from assay.revisions.wiki.action_api import ActionApi
from assay.revisions.wiki.api_document import read_revisions, read_users
from assay.revisions.wiki.mediawiki import MediaWikiSource
from revisions.fetched import code, one
from servers import mediawiki as stand_in
from servers.mediawiki import Fault, StandInMediaWiki, recorded, revisions_only, users_only
from waiting import soon

QUICK = ApiOptions(contact="mailto:operator@example.org", backoff_s=0.001, attempt_timeout_s=10)
RECORDED_50 = range(250, 300)
FIELDS = [
    "revid",
    "parentid",
    "user",
    "anon",
    "userid",
    "timestamp",
    "comment",
    "slots",
    "main",
    "content",
    "contentmodel",
    "size",
    "sha1",
    "minor",
    "tags",
    "pages",
    "revisions",
    "badrevids",
    "users",
    "name",
    "groups",
    "registration",
    "editcount",
    "title",
]


@pytest_asyncio.fixture
async def wiki() -> AsyncIterator[StandInMediaWiki]:
    async with StandInMediaWiki(recorded()).serving() as server:
        yield server


@pytest_asyncio.fixture
async def source(wiki: StandInMediaWiki) -> AsyncIterator[MediaWikiSource]:
    opened = MediaWikiSource(ActionApi(wiki.url, QUICK))
    yield opened
    await opened.aclose()


# Recorded answers


async def test_a_recorded_edit_comes_whole(source: MediaWikiSource) -> None:
    revision = await one(source, 262)
    assert (revision.page.title, revision.page.id, revision.page.namespace) == ("Acid", 136, 0)
    assert revision.timestamp == datetime(2026, 11, 23, 9, 36, 18, tzinfo=UTC)
    assert revision.is_minor is True
    assert revision.tags == ("mw-rollback",)
    assert isinstance(revision.text, str)
    assert revision.size_bytes == len(revision.text.encode()) == 37393
    assert revision.sha1 == sha1_base36(revision.text.encode())
    assert isinstance(revision.actor, Actor)
    assert (revision.actor.name, revision.actor.id) == ("Patrolla", 122)
    assert revision.page_history is revision.actor_history is UNKNOWN
    assert isinstance(revision.parent, Revision)
    assert revision.parent.id == 261


async def test_fifty_edits_take_three_calls(source: MediaWikiSource, wiki: StandInMediaWiki) -> None:
    found = await source.fetch(RECORDED_50, soon())
    assert all(isinstance(it, Revision) for it in found.values())
    asked = [query.get("prop") or query.get("list") for query, _ in wiki.requests]
    assert sorted(map(str, asked)) == ["revisions", "revisions", "users"]
    for revision in found.values():
        assert isinstance(revision, Revision)
        assert isinstance(revision.text, str)
        assert revision.sha1 == sha1_base36(revision.text.encode())


async def test_no_call_has_more_than_fifty_ids(source: MediaWikiSource, wiki: StandInMediaWiki) -> None:
    wiki.invent_parents()
    found = await source.fetch([*range(1, 400)], soon())
    assert len(found) == 399
    assert {it for it in range(1, 400) if isinstance(found[it], Revision)} == {
        it for it in wiki.recording.revisions if it < 400
    }
    for query, _ in wiki.requests:
        assert len(query.get("revids", query.get("ususerids", "")).split("|")) <= 50


async def test_accounts_of_bots_and_people(source: MediaWikiSource) -> None:
    actors = {
        it.actor.name: it.actor
        for it in (await source.fetch(RECORDED_50, soon())).values()
        if isinstance(it, Revision) and isinstance(it.actor, Actor)
    }
    bot = actors["TidyBot"]
    assert bot.groups == frozenset({"bot", "*", "user", "autoconfirmed"})
    assert bot.registered_at == datetime(2026, 11, 23, 9, 36, 13, tzinfo=UTC)
    assert bot.edit_count == 35
    address = actors["203.0.113.7"]
    assert (address.is_anonymous, address.id, address.groups) == (True, None, frozenset({"*"}))
    assert "田中太郎" in actors


@pytest.mark.parametrize(
    ("rev_id", "hidden", "its_code"),
    [(610, "text", "text_deleted"), (613, "actor", "user_deleted"), (616, "comment", "comment_deleted")],
)
async def test_recorded_hidden_parts(
    source: MediaWikiSource, rev_id: int, hidden: str, its_code: str
) -> None:
    revision = await one(source, rev_id)
    for field in ("text", "actor", "comment"):
        value = getattr(revision, field)
        assert code(value) == its_code if field == hidden else not isinstance(value, Problem)
    assert (revision.sha1 is UNKNOWN) == (hidden == "text")


async def test_recorded_odd_revisions(source: MediaWikiSource) -> None:
    found = await source.fetch([608, 999_999, 618, 619, 622], soon())
    assert code(found[608]) == code(found[999_999]) == "revision_not_found"
    css, json, creation = found[618], found[619], found[622]
    assert isinstance(css, Revision)
    assert (css.content_model, css.page.namespace) == ("css", 8)
    assert isinstance(json, Revision)
    assert (json.content_model, json.text) == ("json", '{\n\t"a": 1\n}')
    assert isinstance(creation, Revision)
    assert creation.parent is None


async def test_a_parent_that_was_deleted_is_a_problem_in_its_field(source: MediaWikiSource) -> None:
    revision = await one(source, 298)
    assert revision.parent_id == 68
    assert code(revision.parent) == "parent_not_found"
    assert isinstance(revision.text, str)


async def test_recent_edits_of_articles(source: MediaWikiSource) -> None:
    assert list(await source.recent(4, soon())) == [625, 622, 617, 616]


# Courtesy


async def test_it_names_itself_and_asks_politely(source: MediaWikiSource, wiki: StandInMediaWiki) -> None:
    await one(source, 262)
    for query, headers in wiki.requests:
        assert headers["User-Agent"].startswith(f"Assay/{__version__} (mailto:operator@example.org) aiohttp/")
        assert headers["Accept-Encoding"] == "gzip"
        assert (query["maxlag"], query["formatversion"], query["format"]) == ("5", "2", "json")


async def test_retry_after_is_obeyed(wiki: StandInMediaWiki) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    wiki.faults += [
        stand_in.status(429, retry_after_s=7),
        stand_in.api_error("maxlag", retry_after_s=5),
        stand_in.status(503),
    ]
    source = MediaWikiSource(ActionApi(wiki.url, replace(QUICK, backoff_s=2), sleep=sleep))
    await one(source, 262)
    await source.aclose()
    assert slept[:2] == [7, 5]
    assert 4 <= slept[2] <= 8, "the third wait is half to all of 2 s doubled twice"


async def test_a_wait_beyond_the_deadline_is_not_begun(wiki: StandInMediaWiki) -> None:
    async def sleep(seconds: float) -> None:
        raise AssertionError("must not wait")

    wiki.faults.append(stand_in.status(503, retry_after_s=3600))
    source = MediaWikiSource(ActionApi(wiki.url, QUICK, sleep=sleep))
    problem = (await source.fetch([262], soon()))[262]
    await source.aclose()
    assert isinstance(problem, Problem)
    assert problem.retryable
    assert "HTTP 503" in problem.message
    assert len(wiki.requests) == 1


# Failures


@pytest.mark.parametrize(
    "fault",
    [
        stand_in.status(429, retry_after_s=0),
        stand_in.status(503, retry_after_s=0),
        stand_in.status(500),
        stand_in.status(502),
        stand_in.api_error("maxlag", retry_after_s=0),
        stand_in.api_error("ratelimited"),
        stand_in.api_error("internal_api_error_DBQueryError"),
        stand_in.body(b"<!DOCTYPE html><html>Sorry</html>"),
        stand_in.body(b""),
        stand_in.body(b"[1, 2]"),
        stand_in.body(b"\xff\xfe{"),
        stand_in.reset(),
        stand_in.truncated(),
    ],
    ids=lambda fault: "fault",
)
async def test_one_failure_is_survived(source: MediaWikiSource, wiki: StandInMediaWiki, fault: Fault) -> None:
    wiki.faults.append(fault)
    assert (await one(source, 262)).page.title == "Acid"
    assert not wiki.faults


@pytest.mark.parametrize(
    "fault",
    [stand_in.status(500), stand_in.body(b"<html>"), stand_in.reset(), stand_in.api_error("readonly")],
    ids=["500", "html", "reset", "readonly"],
)
async def test_lasting_failure_is_a_retryable_problem(
    source: MediaWikiSource, wiki: StandInMediaWiki, fault: Fault
) -> None:
    wiki.faults += [fault] * 20
    found = await source.fetch([262, 270], soon())
    assert [(code(it), getattr(it, "retryable", None)) for it in found.values()] == [
        ("source_unavailable", True)
    ] * 2
    assert len(wiki.requests) in (QUICK.attempts, 2 * QUICK.attempts), "aiohttp itself repeats a cut GET once"
    with pytest.raises(SourceUnavailable):
        await source.recent(5, soon())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (stand_in.status(404), "HTTP 404: check the wiki's address"),
        (stand_in.api_error("readapidenied"), "readapidenied: About readapidenied."),
        (stand_in.redirect("http://elsewhere.example/w/api.php"), "redirects to 'http://elsewhere.example"),
    ],
    ids=["404", "denied", "redirect"],
)
async def test_what_cannot_pass_is_not_tried_again(
    source: MediaWikiSource, wiki: StandInMediaWiki, fault: Fault, reason: str
) -> None:
    wiki.faults.append(fault)
    problem = (await source.fetch([262], soon()))[262]
    assert isinstance(problem, Problem)
    assert reason in problem.message
    assert len(wiki.requests) == 1


async def test_a_redirect_within_the_host_is_followed(
    source: MediaWikiSource, wiki: StandInMediaWiki
) -> None:
    query = "action=query&prop=revisions&revids=262&formatversion=2&rvprop=ids|content"
    wiki.faults.append(stand_in.redirect(f"/w/api.php?{query}"))
    await source.fetch([262], soon())
    assert "maxlag" not in wiki.requests[1][0], "the redirect's own query was asked"


async def test_a_redirect_without_end_is_given_up(source: MediaWikiSource, wiki: StandInMediaWiki) -> None:
    wiki.faults += [stand_in.redirect("/w/api.php")] * 10
    assert code((await source.fetch([262], soon()))[262]) == "source_unavailable"
    assert len(wiki.requests) == 4


async def test_a_silent_wiki_costs_no_more_than_the_deadline(
    source: MediaWikiSource, wiki: StandInMediaWiki
) -> None:
    wiki.faults += [stand_in.silent()] * 10
    async with asyncio.timeout(20):
        found = await source.fetch([262], soon(0.2))
    assert code(found[262]) == "source_unavailable"


async def test_a_silent_attempt_is_tried_again(wiki: StandInMediaWiki) -> None:
    wiki.faults.append(stand_in.silent())
    source = MediaWikiSource(ActionApi(wiki.url, replace(QUICK, attempt_timeout_s=0.2)))
    await one(source, 262)
    await source.aclose()


async def test_an_answer_beyond_the_limit_is_not_read(wiki: StandInMediaWiki) -> None:
    source = MediaWikiSource(ActionApi(wiki.url, replace(QUICK, max_response_bytes=10_000)))
    problem = (await source.fetch([262], soon()))[262]
    assert isinstance(problem, Problem)
    assert "larger than 10000 bytes" in problem.message
    await source.aclose()


async def test_accounts_that_cannot_be_had_are_a_problem_of_the_author_alone(
    source: MediaWikiSource, wiki: StandInMediaWiki
) -> None:
    wiki.faults += [stand_in.status(500, matches=users_only)] * QUICK.attempts
    found = await source.fetch([262, 298], soon())
    named, address = found[262], found[298]
    assert isinstance(named, Revision)
    assert isinstance(named.actor, Problem)
    assert named.actor.retryable
    assert "Revision 262" in named.actor.message
    assert isinstance(named.text, str)
    assert isinstance(address, Revision)
    assert isinstance(address.actor, Actor), "an address needs no account"


async def test_parents_that_cannot_be_had_are_a_problem_of_the_parent_alone(
    source: MediaWikiSource, wiki: StandInMediaWiki
) -> None:
    def parents_only(query: Any) -> bool:
        return revisions_only(query) and query["revids"] == "261"

    wiki.faults += [stand_in.reset(matches=parents_only)] * QUICK.attempts * 2
    revision = await one(source, 262)
    assert isinstance(revision.parent, Problem)
    assert revision.parent.retryable
    assert isinstance(revision.text, str)


async def test_continued_answers_are_put_together(source: MediaWikiSource, wiki: StandInMediaWiki) -> None:
    wiki.revisions_per_answer = 7
    found = await source.fetch([*RECORDED_50, 608], soon())
    assert sum(isinstance(it, Revision) for it in found.values()) == 50
    assert sum(query.get("prop") == "revisions" for query, _ in wiki.requests) >= 8


async def test_what_came_before_a_failure_is_kept(source: MediaWikiSource, wiki: StandInMediaWiki) -> None:
    wiki.revisions_per_answer = 30
    wiki.faults += [stand_in.status(500, matches=lambda query: "rvcontinue" in query)] * QUICK.attempts
    found = await source.fetch(RECORDED_50, soon())
    assert sum(isinstance(it, Revision) for it in found.values()) == 30
    assert {code(it) for it in found.values() if isinstance(it, Problem)} == {"source_unavailable"}


async def test_a_continuation_that_leads_to_itself_is_not_followed_on(
    source: MediaWikiSource, wiki: StandInMediaWiki
) -> None:
    """So MediaWiki answers when the next text is too large. Each stands alone before it is given up."""
    wiki.revisions_per_answer = 0
    found = await source.fetch([262, 263, 264], soon())
    assert [code(it) for it in found.values()] == ["text_too_large"] * 3
    assert max(len(query["revids"].split("|")) for query, _ in wiki.requests[-2:]) == 1


def answer(*entries: dict[str, Any]) -> bytes:
    page = {"pageid": 1, "ns": 0, "title": "T", "revisions": entries}
    return orjson.dumps({"batchcomplete": True, "query": {"pages": [page]}})


GOOD: dict[str, Any] = {
    "revid": 5,
    "parentid": 0,
    "user": "192.0.2.1",
    "anon": True,
    "userid": 0,
    "timestamp": "2020-01-01T00:00:00Z",
    "comment": "",
    "slots": {"main": {"contentmodel": "wikitext", "content": "t"}},
}


@pytest.mark.parametrize(
    "spoiled",
    [
        {"revid": 6},
        {**GOOD, "revid": 6, "timestamp": "yesterday"},
        {**GOOD, "revid": 6, "timestamp": None},
        {**GOOD, "revid": 6, "slots": {"main": {}}},
        {**GOOD, "revid": 6, "slots": None},
        {**GOOD, "revid": 6, "parentid": "none"},
        {**GOOD, "revid": 6, "user": 7, "anon": False},
        None,
    ],
)
async def test_a_half_answer_spoils_no_other_revision(
    source: MediaWikiSource, wiki: StandInMediaWiki, spoiled: dict[str, Any] | None
) -> None:
    wiki.faults.append(stand_in.body(answer(GOOD, *([spoiled] if spoiled else []))))
    found = await source.fetch([5, 6], soon())
    assert isinstance(found[5], Revision)
    problem = found[6]
    assert isinstance(problem, Problem)
    assert (problem.code, problem.retryable) == ("source_unavailable", True)


@pytest.mark.parametrize(
    "document", [b"{}", b'{"query": 5}', b'{"query": {"pages": {"1": null}}}', b'{"query":{"pages":[7]}}']
)
async def test_an_empty_answer_is_a_retryable_problem(
    source: MediaWikiSource, wiki: StandInMediaWiki, document: bytes
) -> None:
    wiki.faults.append(stand_in.body(document))
    assert code((await source.fetch([5], soon()))[5]) == "source_unavailable"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=40,
)


@given(JSON)
def test_whatever_a_wiki_answers_is_read_or_a_problem(document: Any) -> None:
    wrapped = {"query": {"pages": [{"pageid": 1, "ns": 0, "title": "T", "revisions": [document]}]}}
    for answered in (wrapped, {"query": document}, {"query": {"users": [document], "pages": [document]}}):
        for value in read_revisions(answered, 1000).values():
            assert isinstance(value, Revision | Problem)
        assert all(isinstance(actor, Actor) for actor in read_users(answered).values())


async def test_odd_authors_and_texts(source: MediaWikiSource, wiki: StandInMediaWiki) -> None:
    imported = {**GOOD, "user": "en>Alice", "anon": True, "userid": 0}
    temporary = {**GOOD, "revid": 6, "user": "~2026-12", "anon": False, "temp": True, "userid": 77}
    surrogate = {**GOOD, "revid": 7, "slots": {"main": {"contentmodel": "wikitext", "content": "X"}}}
    data = answer(imported, temporary, surrogate).replace(b'"X"', b'"a\\ud800b"')
    wiki.faults.append(stand_in.body(data))
    found = await source.fetch([5, 6, 7], soon())
    revisions = [it for it in found.values() if isinstance(it, Revision)]
    assert [it.actor.is_anonymous for it in revisions if isinstance(it.actor, Actor)] == [False, True, True]
    assert [it.actor.id for it in revisions if isinstance(it.actor, Actor)] == [UNKNOWN, 77, None]
    assert revisions[2].text == "a\ufffdb"


async def test_a_text_beyond_the_limit_is_a_problem(wiki: StandInMediaWiki) -> None:
    source = MediaWikiSource(ActionApi(wiki.url, QUICK), max_text_bytes=37_000)
    assert code((await one(source, 262)).text) == "text_too_large"
    assert isinstance((await one(source, 288)).text, str)
    await source.aclose()


async def test_a_wiki_that_is_not_there(unused_tcp_port: int) -> None:
    source = MediaWikiSource(ActionApi(f"http://127.0.0.1:{unused_tcp_port}/w/api.php", QUICK))
    assert code((await source.fetch([1], soon()))[1]) == "source_unavailable"
    await source.aclose()


def test_the_stand_in_also_answers_from_a_thread() -> None:
    async def ask(url: str) -> Revision:
        source = MediaWikiSource(ActionApi(url, QUICK))
        try:
            return await one(source, 262)
        finally:
            await source.aclose()

    with StandInMediaWiki(recorded()).in_thread() as server:
        assert asyncio.run(ask(server.url)).page.title == "Acid"
