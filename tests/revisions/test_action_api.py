"""How often a wiki is asked again, and how long one waits before it; answers themselves: `test_mediawiki`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio

from assay import __version__
from assay.clock import Deadline, FakeClock
from assay.errors import SourceUnavailable
from assay.revisions.action_api import ActionApi
from assay.revisions.options import ApiOptions
from servers.mediawiki import Fault, StandInMediaWiki, api_error, recorded, status

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
