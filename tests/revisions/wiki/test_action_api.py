"""How often a wiki is asked again, and how long one waits before it; answers themselves: `test_mediawiki`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil

import pytest
import pytest_asyncio
from aiohttp import web

from assay import __version__
from assay.clock import Deadline, FakeClock
from assay.errors import SourceError, SourceUnavailable
from assay.revisions.options import ApiOptions
from assay.revisions.wiki import action_api
from assay.revisions.wiki.action_api import (
    MAX_CONTINUATIONS,
    MAX_REDIRECTS,
    MAX_RETRY_AFTER_S,
    ActionApi,
    AnswerTooLarge,
    ApiRefused,
    attempt_time_s,
    check_api_url,
    retry_after_s,
)
from assay.serving.options import AppOptions
from assay.tasks import end
from servers.mediawiki import (
    Fault,
    StandInMediaWiki,
    api_error,
    body,
    recorded,
    redirect,
    reset,
    silent,
    status,
    truncated,
)
from waiting import soon, until_async

QUERY = {"action": "query", "meta": "siteinfo"}
OPTIONS = ApiOptions(contact="mailto:operator@example.org", backoff_s=8, attempts=4, attempt_timeout_s=30)


class Waiting:
    """Waits by the clock alone, and remembers how long."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.waits_s: list[float] = []

    async def sleep(self, delay_s: float) -> None:
        self.waits_s.append(delay_s)
        self.clock.advance(delay_s)

    def within(self, seconds: float) -> Deadline:
        return Deadline.after(seconds, self.clock)


@pytest_asyncio.fixture
async def wiki() -> AsyncIterator[StandInMediaWiki]:
    async with StandInMediaWiki(recorded()).serving() as server:
        yield server


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest_asyncio.fixture
async def api(wiki: StandInMediaWiki, waiting: Waiting) -> AsyncIterator[ActionApi]:
    api = ActionApi(wiki.url, OPTIONS, sleep=waiting.sleep)
    yield api
    await api.aclose()


async def test_each_wait_is_longer_and_none_follows_the_last_attempt(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    wiki.faults += [status(500)] * 10
    with pytest.raises(SourceUnavailable, match="HTTP 500") as refusal:
        await api.query(QUERY, waiting.within(1000))
    assert len(wiki.requests) == OPTIONS.attempts
    waits_s = [*waiting.waits_s, refusal.value.delay_s]
    assert len(waiting.waits_s) == OPTIONS.attempts - 1
    for number, wait_s in enumerate(waits_s):
        assert wait_s is not None
        assert 4 * 2**number <= wait_s <= 8 * 2**number
    assert all(a <= b for a, b in pairwise(waiting.waits_s))


async def test_waits_differ_so_that_clients_do_not_come_back_together(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    wiki.faults += [status(500)] * 8
    for _ in range(2):
        with pytest.raises(SourceUnavailable):
            await api.query(QUERY, waiting.within(1000))
    assert waiting.waits_s[:3] != waiting.waits_s[3:]


@pytest.mark.parametrize("fault", [status(503, retry_after_s=7), api_error("maxlag", retry_after_s=7)])
async def test_what_the_wiki_asks_for_is_waited(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, fault: Fault
) -> None:
    wiki.faults.append(fault)
    assert "general" in (await api.query(QUERY, waiting.within(1000)))["query"]
    assert waiting.waits_s == [7]


async def test_a_wait_beyond_the_deadline_is_told_and_not_begun(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    wiki.faults.append(status(503, retry_after_s=60))
    with pytest.raises(SourceUnavailable, match="HTTP 503") as refusal:
        await api.query(QUERY, waiting.within(60))
    assert (refusal.value.delay_s, waiting.waits_s, len(wiki.requests)) == (60, [], 1)


async def test_after_the_deadline_nothing_is_asked(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    for seconds in (0, -1):
        with pytest.raises(SourceUnavailable, match="the deadline passed"):
            await api.query(QUERY, waiting.within(seconds))
    assert (wiki.requests, waiting.waits_s) == ([], [])


async def test_the_wiki_learns_who_asks_and_may_refuse_when_it_lags(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    await api.query(QUERY, waiting.within(10))
    ((query, headers),) = wiki.requests
    assert query == {**QUERY, "format": "json", "formatversion": "2", "maxlag": "5"}
    assert headers["User-Agent"].startswith(f"Assay/{__version__} (mailto:operator@example.org) ")
    assert headers["Accept-Encoding"] == "gzip"


# Which failures pass


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
async def test_a_server_in_trouble_is_asked_again(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, code: int
) -> None:
    wiki.faults.append(status(code))
    assert "general" in (await api.query(QUERY, waiting.within(1000)))["query"]
    assert len(wiki.requests) == 2


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 501])
async def test_a_server_that_means_it_is_not(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, code: int
) -> None:
    wiki.faults.append(status(code))
    with pytest.raises(SourceUnavailable, match=f"HTTP {code}: check the wiki's address") as refusal:
        await api.query(QUERY, waiting.within(1000))
    assert not isinstance(refusal.value, ApiRefused)
    assert len(wiki.requests) == 1


@pytest.mark.parametrize(
    "code", ["maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryError", "failed-save"]
)
async def test_an_error_of_mediawikis_that_passes_is_asked_again(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, code: str
) -> None:
    wiki.faults += [api_error(code)] * 3
    assert "general" in (await api.query(QUERY, waiting.within(1000)))["query"]
    wiki.faults += [api_error(code)] * OPTIONS.attempts
    with pytest.raises(SourceUnavailable, match=f"{code}: About {code}") as refusal:
        await api.query(QUERY, waiting.within(1000))
    assert not isinstance(refusal.value, ApiRefused)


@pytest.mark.parametrize("code", ["readapidenied", "badvalue", "lag", "unknown_internal_api_error"])
async def test_one_that_does_not_pass_is_told_by_its_code(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, code: str
) -> None:
    wiki.faults.append(api_error(code))
    with pytest.raises(ApiRefused, match=f"{code}: About {code}") as refusal:
        await api.query(QUERY, waiting.within(1000))
    assert refusal.value.api_code == code
    assert wiki.url in str(refusal.value)
    assert (len(wiki.requests), waiting.waits_s) == (1, [])


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("120", 120.0),
        ("Fri, 27 Nov 2026 12:00:30 GMT", 30.0),
        ("Fri, 27 Nov 2026 11:00:00 GMT", 0.0),
        ("9" * 400, MAX_RETRY_AFTER_S),
        ("Fri, 27 Nov 9999 12:00:00 GMT", MAX_RETRY_AFTER_S),
        ("Fri, 27 Nov 2026 12:00:30 +99999999999999", None),
        ("soon", None),
        ("", None),
        ("0", 0.0),
        ("Fri, 27 Nov 2026 12:00:30 +0100", 0.0),
        ("Fri, 27 Nov 2026 12:00:30 -0000", 30.0),
        ("-1", None),
    ],
)
def test_whatever_stands_in_retry_after_is_a_wait_or_none(header: str | None, wait_s: float | None) -> None:
    assert retry_after_s(header, datetime(2026, 11, 27, 12, tzinfo=UTC)) == wait_s


# Answers


@pytest.mark.parametrize(("data", "found"), [(b'{"a": "x\\ud800"}', "x\ud800"), (b'{"a": NaN}', None)])
async def test_what_only_lenient_readers_read_is_read(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, data: bytes, found: str | None
) -> None:
    """PHP writes lone surrogates as they stand in its database."""
    wiki.faults.append(body(data))
    value = (await api.query(QUERY, waiting.within(10)))["a"]
    assert value == found if found else value != value


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is not JSON"),
        (b"<html>" + b"x" * 100, r"is not JSON \(it begins b'<html>x{34}'\)"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "is not a JSON object"),
    ],
)
async def test_what_is_no_document_is_a_failure_that_may_pass(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, data: bytes, reason: str
) -> None:
    wiki.faults += [body(data)] * OPTIONS.attempts
    with pytest.raises(SourceUnavailable, match=reason):
        await api.query(QUERY, waiting.within(1000))
    assert len(wiki.requests) == OPTIONS.attempts


async def test_an_answer_may_be_as_large_as_the_limit_and_a_larger_one_is_not_asked_for_again(
    wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    limit = 200_000
    api = ActionApi(wiki.url, replace(OPTIONS, max_response_bytes=limit), sleep=waiting.sleep)
    just, beyond = (b'{"a": "%s"}' % (b"x" * (size - len('{"a": ""}'))) for size in (limit, limit + 1))
    wiki.faults += [body(just), body(beyond)]
    assert len((await api.query(QUERY, waiting.within(10)))["a"]) > limit - 20
    with pytest.raises(SourceUnavailable, match=f"larger than {limit} bytes"):
        await api.query(QUERY, waiting.within(10))
    assert len(wiki.requests) == 2
    await api.aclose()


REVISIONS = {"action": "query", "prop": "revisions", "rvprop": "ids", "revids": "262|263|264|265|266"}


async def told(api: ActionApi, waiting: Waiting) -> list[int]:
    """Ids of all revisions, of one answer after the other."""
    answers = api.query_all(REVISIONS, waiting.within(1000))
    pages = [page async for document in answers for page in document["query"]["pages"]]
    return [entry["revid"] for page in pages for entry in page["revisions"]]


@pytest.mark.parametrize("each", [1, 2, 5, None])
async def test_an_answer_in_pieces_is_followed_to_its_end(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, each: int | None
) -> None:
    wiki.revisions_per_answer = each
    assert sorted(await told(api, waiting)) == [262, 263, 264, 265, 266]
    assert len(wiki.requests) == ceil(5 / (each or 5))
    assert all(query["revids"] == REVISIONS["revids"] for query, _ in wiki.requests)


async def test_an_answer_that_leads_to_itself_is_told_as_too_large(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    wiki.revisions_per_answer = 0
    with pytest.raises(AnswerTooLarge):
        await told(api, waiting)
    assert len(wiki.requests) == 2


async def test_an_answer_without_end_is_given_up(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    wiki.faults += [body(b'{"query": {"pages": []}, "continue": {"rvcontinue": %d}}' % n) for n in range(200)]
    with pytest.raises(SourceUnavailable, match=f"continued {MAX_CONTINUATIONS} times"):
        await told(api, waiting)
    assert len(wiki.requests) == MAX_CONTINUATIONS


# Connections


@pytest.mark.parametrize(
    "location",
    [
        "",
        "http://localhost:1/w/api.php",
        "//elsewhere.example/w/api.php",
        "https://elsewhere.example/w/api.php",
        "http://127.0.0.1:1/w/api.php",
    ],
)
async def test_a_redirect_that_leads_away_is_not_followed(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, location: str
) -> None:
    wiki.faults.append(redirect(location))
    with pytest.raises(SourceUnavailable, match=re.escape(f"redirects to {location!r}")):
        await api.query(QUERY, waiting.within(1000))
    assert len(wiki.requests) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_of_any_kind_is_followed(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, code: int
) -> None:
    async def moved(request: web.Request) -> web.Response:
        location = f"{request.path}?action=query&meta=siteinfo&formatversion=2"
        return web.Response(status=code, headers={"Location": location})

    wiki.faults.append(Fault(moved))
    assert "general" in (await api.query(QUERY, waiting.within(1000)))["query"]


async def test_a_redirect_to_the_same_host_in_secret_is_followed(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting, unused_tcp_port: int
) -> None:
    """Nobody listens there, and that is what is told."""
    wiki.faults += [redirect(f"https://127.0.0.1:{unused_tcp_port}/w/api.php")] * OPTIONS.attempts
    with pytest.raises(SourceUnavailable, match=f"the connection failed .*{unused_tcp_port}"):
        await api.query(QUERY, waiting.within(1000))


@pytest.mark.parametrize("fault", [truncated(), redirect("http://[half/w/api.php"), reset()])
async def test_a_connection_that_fails_is_tried_again(
    wiki: StandInMediaWiki, waiting: Waiting, fault: Fault
) -> None:
    for options, failures in ((OPTIONS, 1), (replace(OPTIONS, attempts=1), 2)):  # aiohttp itself asks twice
        api = ActionApi(wiki.url, options, sleep=waiting.sleep)
        wiki.faults += [fault] * failures
        if options is OPTIONS:
            assert "general" in (await api.query(QUERY, waiting.within(1000)))["query"]
        else:
            with pytest.raises(SourceUnavailable, match=r"the connection failed \(.+\)"):
                await api.query(QUERY, waiting.within(1000))
        await api.aclose()


async def test_an_attempt_has_its_own_time_and_the_next_one_too(
    wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    api = ActionApi(wiki.url, replace(OPTIONS, attempt_timeout_s=0.1), sleep=waiting.sleep)
    wiki.faults += [silent()] * OPTIONS.attempts
    with pytest.raises(SourceUnavailable, match=r"no answer within 0\.1 s"):
        await api.query(QUERY, waiting.within(1000))
    assert len(waiting.waits_s) == OPTIONS.attempts - 1
    await api.aclose()


@pytest.mark.parametrize(
    ("attempt", "remaining_s", "expected_s"),
    [
        (1, 20, 10),  # of the default deadline of a request
        (2, 10, 5),
        (3, 5, 5),
        (4, 100, 30),
        (4, 20, 20),
        (1, 900, 30),  # whoever works through a list waits as long as is allowed
        (1, 8, 5),
        (1, 2, 2),  # as pasts have: two halves would be too short for a wiki that is well
        (1, 0, 0),
    ],
)
def test_an_attempt_gets_half_of_what_is_left_while_another_may_follow(
    attempt: int, remaining_s: float, expected_s: float
) -> None:
    assert attempt_time_s(OPTIONS, attempt, remaining_s) == expected_s


async def test_a_connection_that_hangs_leaves_time_for_another(
    wiki: StandInMediaWiki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the options that a server has. One attempt got the whole of a request's deadline."""
    assert AppOptions().request_timeout_s <= ApiOptions().attempt_timeout_s
    monkeypatch.setattr(action_api, "HONEST_S", 0.0)
    wiki.faults.append(silent())
    api = ActionApi(wiki.url, ApiOptions(backoff_s=0))
    assert "general" in (await api.query(QUERY, soon(3)))["query"]
    await api.aclose()


async def test_the_next_attempt_is_on_a_connection_of_its_own(
    wiki: StandInMediaWiki, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall that restarts takes all kept connections with it, without a word."""
    go, kept = asyncio.Event(), set()
    limits_s = {1: 10.0, 2: 10.0}
    monkeypatch.setattr(action_api, "attempt_time_s", lambda _, attempt, __: limits_s[attempt])

    async def held(request: web.Request) -> web.Response:
        kept.add(request.transport)
        await go.wait()
        return web.json_response({})

    async def dead(request: web.Request) -> web.StreamResponse:
        if request.transport in kept:
            await asyncio.Event().wait()
        return web.json_response({"is": "fresh"})

    api = ActionApi(wiki.url, replace(OPTIONS, attempts=2), sleep=waiting.sleep)
    wiki.faults += [Fault(held)] * OPTIONS.parallel
    queries = [asyncio.create_task(api.query(QUERY, waiting.within(1000))) for _ in range(OPTIONS.parallel)]
    await until_async(lambda: len(kept) == OPTIONS.parallel)
    go.set()
    await asyncio.gather(*queries)
    limits_s[1] = 0.1  # a kept connection hangs, however long it is given
    wiki.faults += [Fault(dead)] * 2
    assert await api.query(QUERY, waiting.within(1000)) == {"is": "fresh"}
    await api.aclose()


async def test_as_many_redirects_as_wikis_have_are_followed_and_no_more(
    api: ActionApi, wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    again = f"{wiki.url}?action=query&meta=siteinfo&formatversion=2"
    wiki.faults += [redirect(again)] * MAX_REDIRECTS
    assert "general" in (await api.query(QUERY, waiting.within(1000)))["query"]
    wiki.faults += [redirect(again)] * (MAX_REDIRECTS + 1)
    with pytest.raises(SourceUnavailable, match="redirects without end"):
        await api.query(QUERY, waiting.within(1000))
    assert waiting.waits_s == []


async def test_only_so_many_queries_are_under_way_and_one_that_waits_holds_up_no_other(
    wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    go, here = asyncio.Event(), 0

    async def held(request: web.Request) -> web.Response:
        nonlocal here
        here += 1
        await go.wait()
        return web.json_response({"held": True})

    async def wait_for_ever(delay_s: float) -> None:
        await asyncio.Event().wait()

    api = ActionApi(wiki.url, replace(OPTIONS, parallel=2), sleep=wait_for_ever)
    wiki.faults += [status(503, retry_after_s=1), *[Fault(held)] * 3]
    queries = [asyncio.create_task(api.query(QUERY, waiting.within(1000))) for _ in range(4)]
    await until_async(lambda: here == 2)
    assert len(wiki.requests) == 3  # one failed, two are under way, one waits for its turn
    go.set()
    await until_async(lambda: sum(query.done() for query in queries) == 3)
    await end(queries)
    await api.aclose()


async def test_a_closed_connection_is_opened_again_and_cookies_are_nobodys(
    wiki: StandInMediaWiki, waiting: Waiting
) -> None:
    async def with_cookie(request: web.Request) -> web.Response:
        response = web.json_response({})
        response.set_cookie("session", "secret")
        return response

    named = wiki.url.replace("127.0.0.1", "localhost")  # for addresses, no client keeps any
    api = ActionApi(named)
    assert api.url == named
    await api.aclose()
    wiki.faults.append(Fault(with_cookie))
    for _ in range(2):
        await api.query(QUERY, soon())
    await api.aclose()
    await api.aclose()
    await api.query(QUERY, soon())
    await api.aclose()
    assert [headers.get("Cookie") for _, headers in wiki.requests] == [None] * 3
    assert "(" not in wiki.requests[0][1]["User-Agent"]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://me@en.wikipedia.org/w/api.php", "must not hold a user name"),
        ("https://:secret@en.wikipedia.org/w/api.php", "must not hold a user name"),
        ("https://en.wikipedia.org/w/api.php#top", "must end with /api.php"),
        ("https://en.wikipedia.org/w/index.php", "must end with /api.php"),
        ("https://en.wikipedia.org:8443/", "must end with /api.php"),
        ("gopher://en.wikipedia.org/w/api.php", "must begin with http"),
        ("https:///w/api.php", "names no host"),
        ("https://me:secret@en.wikipedia.org:port/w/api.php", "is no address"),
        ("https://en.wikipedia.org/w/api.php?action=query", "must end with /api.php"),
    ],
)
def test_what_is_no_address_of_an_api_is_refused_as_it_stands_but_for_secrets(url: str, fault: str) -> None:
    with pytest.raises(SourceError, match=fault) as refusal:
        check_api_url(url)
    path = url.rpartition("@")[2].removeprefix("https://").partition("#")[0].partition("?")[0]
    assert path.removeprefix("gopher://") in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert "None" not in str(refusal.value)
