"""An Assay that refuses: for good, which is told, counted and let go; or for now, which is asked again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from assay.errors import ConfigurationError
from assay.events import Rules
from assay.precache.cursor import Cursor
from assay.telemetry import PRECACHE_EDITS, PRECACHE_REJECTED, PRECACHE_RETRIES
from precache.running import Given, following
from servers.aiohttp_site import site

WIKI = "smallwiki"
RULES = Rules({WIKI: {"damaging": ("edit",)}})
SCORE = {"prediction": False, "probability": {"false": 0.9, "true": 0.1}}
BAD = 3

Statuses = Callable[[list[int]], int]
"""From the revisions of a request to what is answered."""


@asynccontextmanager
async def assay(statuses: Statuses) -> AsyncIterator[str]:
    async def models(request: web.Request) -> web.Response:
        return web.json_response({WIKI: {"models": {"damaging": {"version": "1"}}}})

    async def scores(request: web.Request) -> web.Response:
        rev_ids = str((await request.post())["revids"]).split("|")
        if (status := statuses([int(rev_id) for rev_id in rev_ids])) != 200:
            error = {"code": "any", "message": "No scorer here."}
            return web.json_response({"error": error}, status=status)
        told = {rev_id: {"damaging": {"score": SCORE}} for rev_id in rev_ids}
        return web.json_response({WIKI: {"models": {"damaging": {"version": "1"}}, "scores": told}})

    application = web.Application()
    application.router.add_get("/v3/scores/", models)
    application.router.add_post(f"/v3/scores/{WIKI}/", scores)
    async with site(application) as port:
        yield f"http://127.0.0.1:{port}"


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


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
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


@pytest.mark.parametrize("status", [500, 501, 507])
async def test_an_edit_that_assay_fails_on_is_given_up_and_holds_up_no_other(
    tmp_path: Path, status: int
) -> None:
    asked: list[list[int]] = []

    def statuses(rev_ids: list[int]) -> int:
        asked.append(rev_ids)
        return status if BAD in rev_ids else 200

    with capture_logs() as logs:
        async with (
            assay(statuses) as url,
            following(url, tmp_path, Given(*range(1, 41)), RULES, give_up_s=1.5, parallel=1) as running,
        ):
            await running.until(lambda: len(running.sink.events) == 39)
            assert BAD not in running.sink.rev_ids, "all others are told before it is given up"
            await running.until(lambda: len(running.sink.events) == 40)
            assert running.metrics.value(PRECACHE_EDITS, WIKI, "damaging", "failed") == 1
            assert running.metrics.value(PRECACHE_RETRIES, "cell") == 1
    error = running.sink.events[-1]["errors"]["damaging"]
    assert (error["type"], error["message"]) == ("RequestFailed", f"HTTP {status}: No scorer here.")
    assert asked.count([BAD]) == 2, "at once, and once more within give_up_s"
    assert [line["event"] for line in logs] == ["Assay fails on an edit", "edit without score"]
    assert Cursor(tmp_path / "given.json", "given").load().position == "40"


async def test_an_assay_that_fails_on_everything_for_a_while_loses_nothing(tmp_path: Path) -> None:
    failures = iter([500] * 20)
    async with (
        assay(lambda _: next(failures, 200)) as url,
        following(url, tmp_path, Given(*range(1, 6)), RULES) as running,
    ):
        await running.until(lambda: len(running.sink.events) == 5)
        assert running.metrics.value(PRECACHE_RETRIES, "failed") >= 4
    assert not any("errors" in event for event in running.sink.events)


async def test_nothing_is_given_up_while_assay_fails_on_everything(tmp_path: Path) -> None:
    asked: list[list[int]] = []
    is_mended = False

    def statuses(rev_ids: list[int]) -> int:
        asked.append(rev_ids)
        return 200 if is_mended else 500

    async with (
        assay(statuses) as url,
        following(url, tmp_path, Given(1, 2, 3), RULES, give_up_s=0.5, parallel=1) as running,
    ):
        await running.until(lambda: all(asked.count([rev_id]) >= 2 for rev_id in (1, 2, 3)))
        is_mended = True
        await running.until(lambda: len(running.sink.events) == 3)
    assert not any("errors" in event for event in running.sink.events)


async def test_the_time_while_assay_was_away_does_not_count(tmp_path: Path) -> None:
    """1 waits behind the others' outage for longer than it may be tried, and is yet tried again."""
    statuses = iter([503, 503, 500, 200, 500])
    async with (
        assay(lambda _: next(statuses, 200)) as url,
        following(url, tmp_path, Given(1, 2), RULES, give_up_s=1.3, parallel=1, batch=2) as running,
    ):
        await running.until(lambda: len(running.sink.events) == 2)
        assert running.metrics.value(PRECACHE_RETRIES, "cell") == 1
    assert not any("errors" in event for event in running.sink.events)


async def test_an_address_that_is_no_assay_is_an_error_at_the_start(tmp_path: Path) -> None:
    async with site(web.Application()) as port:
        with pytest.raises(ConfigurationError, match=r"answers 404.*precache\.assay"):
            async with following(f"http://127.0.0.1:{port}", tmp_path, Given(1), RULES) as running:
                await running.until(lambda: False)
