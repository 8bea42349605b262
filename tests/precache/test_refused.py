"""An Assay that refuses: for good, which is told, counted and let go; or for now, which is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from assay.errors import ConfigurationError
from assay.precache.cursor import Cursor
from assay.telemetry import PRECACHE_EDITS, PRECACHE_REJECTED, PRECACHE_RETRIES
from precache.answering import RULES, WIKI, assay
from precache.running import Given, following
from servers.aiohttp_site import site

BAD = 3


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
async def test_an_edit_that_is_refused_for_good_is_told_and_let_go(tmp_path: Path, status: int) -> None:
    async with (
        assay(lambda rev_ids: status if BAD in rev_ids else 200) as url,
        following(url, tmp_path, Given(1, 2, BAD, 4, 5), RULES) as running,
    ):
        await running.until(lambda: len(running.sink.events) == 5)
        assert running.metrics.value(PRECACHE_REJECTED, WIKI) == 1
        assert running.metrics.value(PRECACHE_EDITS, WIKI, "damaging", "failed") == 1
        assert running.metrics.value(PRECACHE_EDITS, WIKI, "damaging", "scored") == 4
        assert running.metrics.value(PRECACHE_RETRIES, "away") == 0
    told = {event["rev_id"]: event for event in running.sink.events}
    assert {rev_id for rev_id, event in told.items() if "errors" in event} == {BAD}
    error = told[BAD]["errors"]["damaging"]
    assert (error["type"], error["message"]) == ("RequestRefused", f"HTTP {status}: No scorer here.")
    assert Cursor(tmp_path / "given.json", "given").load().position == "5"


@pytest.mark.parametrize("status", [408, 425, 429, 503])
async def test_what_may_pass_is_asked_again(tmp_path: Path, status: int) -> None:
    statuses = iter([status, status])
    async with (
        assay(lambda _: next(statuses, 200)) as url,
        following(url, tmp_path, Given(1), RULES) as running,
    ):
        await running.until(lambda: len(running.sink.events) == 1)
        assert running.metrics.value(PRECACHE_RETRIES, "away") == 2
        assert running.metrics.value(PRECACHE_REJECTED, WIKI) == 0
    assert "errors" not in running.sink.events[0]


async def test_an_address_that_is_no_assay_is_an_error_at_the_start(tmp_path: Path) -> None:
    async with site(web.Application()) as port:
        with pytest.raises(ConfigurationError, match=r"answers 404.*precache\.assay"):
            async with following(f"http://127.0.0.1:{port}", tmp_path, Given(1), RULES) as running:
                await running.until(lambda: False)
