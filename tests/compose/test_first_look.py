"""The first question to live wikis."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from assay.clock import SystemClock
from assay.compose.first_look import look, tell_silent
from assay.errors import SourceError
from assay.settings import WikiSettings
from servers.mediawiki import Fault, StandInMediaWiki, api_error, recorded, status
from waiting import until_async


async def test_a_wiki_is_known_and_what_is_none_is_told_with_what_to_do() -> None:
    async with StandInMediaWiki(recorded()).serving() as wiki:
        await look(wiki.url, "", SystemClock())
        wiki.faults.append(status(404))
        with pytest.raises(SourceError, match=r"HTTP 404: check the wiki's address\..*Special:Version"):
            await look(wiki.url, "", SystemClock())


async def test_files_are_not_asked_and_no_wiki_stops_a_server() -> None:
    wikis = {
        "dumped": WikiSettings(source="dump.xml"),
        "gone": WikiSettings(source="http://127.0.0.1:9/w/api.php"),
    }
    with capture_logs() as told:
        await tell_silent(wikis, "", SystemClock())
    (warning,) = told
    assert (warning["log_level"], warning["wiki"]) == ("warning", "gone")
    assert "http://127.0.0.1:9/w/api.php: the connection failed" in warning["reason"]


async def test_a_wiki_that_lags_is_one() -> None:
    async with StandInMediaWiki(recorded()).serving() as wiki:
        lagged = api_error("maxlag", retry_after_s=0).respond
        wiki.faults += [Fault(lagged, lambda query: int(query["maxlag"]) < 3600)] * 2
        await look(wiki.url, "", SystemClock())


async def test_hundreds_of_wikis_are_asked_few_at_a_time() -> None:
    asked, may_answer = 0, asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        await may_answer.wait()
        return web.Response(status=404)

    async with StandInMediaWiki().serving() as front:
        front.faults += [Fault(wait)] * 20
        wikis = {f"wiki{number}": WikiSettings(source=front.url) for number in range(20)}
        with capture_logs() as told:
            telling = asyncio.create_task(tell_silent(wikis, "", SystemClock()))
            await until_async(lambda: asked >= 4)
            most = asked
            may_answer.set()
            await telling
        assert most <= 4
        assert {warning["wiki"] for warning in told} == set(wikis)
