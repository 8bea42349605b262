"""The observing controller over HTTP: two small web applications, their verdict asked of the page."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from assay.compose.watch import declared_drift, watch
from assay.errors import ConfigurationError, ReleaseError
from assay.releases.options import ReleaseOptions
from assay.rollout.control.prober import Pace
from assay.rollout.guards import GuardOptions
from assay.rollout.journal import read_journal
from assay.rollout.options import DataCentreSettings, RolloutOptions, SlotSettings, StageOptions
from assay.rollout.reporting.web import PageOptions, build_page
from assay.settings import Settings
from rollout.small_arms import Arm
from servers.asgi import Served, serving

OLD, NEW = "spring-000000000001", "summer-000000000002"
QUICK = Pace(
    look_each_s=0.05,
    judge_each_s=0.1,
    write_each_s=0.3,
    suite_each_s=1.0,
    suite_again_s=0.2,
    memory_each_s=0.05,
)
LIMIT_S = 60.0
WIKI = {"name": "w", "models": [{"name": "damaging", "labels": ["true"], "features": []}]}


@dataclass
class Application:
    """As much of Assay as a watcher asks. `has_nesting`: its scores have a level more than they should."""

    has_nesting: bool = False

    def __post_init__(self) -> None:
        self._served = itertools.count(1)
        self._cached: set[str] = set()

    async def respond(self, request: web.Request) -> web.StreamResponse:
        served, path = next(self._served), request.path
        if path == "/metrics":
            return web.Response(
                text="process_start_time_seconds 1.5\nprocess_resident_memory_bytes 1e+08\n"
                f"assay_http_requests_total {served}\n"
            )
        if path == "/api/wikis":
            return web.json_response({"wikis": [WIKI]})
        if path == "/api/w/recent":
            return web.json_response({"wiki": "w", "revisions": list(range(90, 40, -1))})
        if found := re.fullmatch(r"/v3/scores/w/(\d+)/(?:damaging/)?", path):
            return self._scored([found[1]], request)
        if path == "/v3/scores/w/" and "revids" in request.query:
            return self._scored(request.query["revids"].split("|"), request)
        return web.json_response({"error": {"code": "not found", "message": "no"}}, status=404)

    def _scored(self, rev_ids: list[str], request: web.Request) -> web.Response:
        is_hit = request.raw_path in self._cached and "features" not in request.query
        self._cached.add(request.raw_path)
        scores = {rev_id: {"damaging": self._cell(int(rev_id))} for rev_id in rev_ids}
        document = {"w": {"models": {"damaging": {"version": "1.0"}}, "scores": scores}}
        if is_hit:
            return web.json_response(document, headers={"X-Cache": "hit"})
        return web.json_response(document, headers={"X-Cache": "miss", "Server-Timing": "cpu;dur=2.5"})

    def _cell(self, rev_id: int) -> Mapping[str, Any]:
        probability = {"true": rev_id / 100, "false": 1 - rev_id / 100}
        score: dict[str, Any] = {"prediction": False, "probability": probability}
        return {"score": {"score": score} if self.has_nesting else score}


@asynccontextmanager
async def watched(folder: Path, candidate: Application) -> AsyncIterator[Served]:
    """A page over the journal of a watcher of two applications."""
    async with (
        Arm(OLD, Application().respond).serving(2) as old,
        Arm(NEW, candidate.respond).serving(2) as new,
    ):
        slots = {"canary": SlotSettings(tuple(new.urls)), "stable": SlotSettings(tuple(old.urls))}
        rollout = RolloutOptions(
            {"here": DataCentreSettings("", "", slots)},
            str(folder),
            stages=StageOptions(pairs_per_s=200, shadow_pairs=40),
            # Times of a busy test machine are no part of this.
            guards=GuardOptions(latency_slack_ms=1000.0),
        )
        settings = replace(Settings(), rollout=rollout, releases=ReleaseOptions(root=str(folder / "none")))
        task = asyncio.create_task(watch(settings, stable=None, by="a test", pace=QUICK))
        try:
            with serving(build_page(PageOptions(state_dir=str(folder)))) as page:
                yield page
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def told(page: Served, verdict: str) -> dict[str, Any]:
    """The page's answer about the candidate, once it is this one."""
    document: dict[str, Any] = {"verdict": "no_data"}
    until_s = time.monotonic() + LIMIT_S
    while document["verdict"] != verdict:
        assert document["verdict"] == "no_data", document
        assert time.monotonic() < until_s, document
        await asyncio.sleep(0.1)
        answer = await asyncio.to_thread(page.ask, f"/api/verdict?release={NEW}")
        document = json.loads(answer.body)
    return document


async def test_the_page_says_good_of_an_equal_candidate(tmp_path: Path) -> None:
    async with watched(tmp_path, Application()) as page:
        document = await told(page, "good")
        html = await asyncio.to_thread(page.ask, "/")
    assert set(document["checks"].values()) == {"good"}
    assert (document["data_centre"], document["weight"]) == ("here", None)
    assert "Watching here" in html.text
    kinds = {entry.kind for entry in read_journal(tmp_path)}
    assert kinds - {"unchanged"} == {
        "started",
        "note",
        "verdict",
    }  # looks that change nothing, if there were any


async def test_the_page_says_bad_of_another_shape(tmp_path: Path) -> None:
    async with watched(tmp_path, Application(has_nesting=True)) as page:
        document = await told(page, "bad")
    assert document["checks"]["synthetic"] == "bad"
    assert "score" in document["reason"]


@pytest.mark.parametrize(
    ("slots", "stable", "complaint"),
    [
        ({}, None, "needs the same two"),
        ({"a": ("http://a",)}, None, "needs the same two"),
        ({"a": ("http://a",), "b": ()}, None, r"slots\.b\.urls is empty"),
        ({"a": ("http://a",), "b": ("http://b",)}, "c", "there is no slot c"),
    ],
)
async def test_settings_that_tell_no_two_arms_are_refused(
    tmp_path: Path, slots: Mapping[str, tuple[str, ...]], stable: str | None, complaint: str
) -> None:
    centre = DataCentreSettings("", "", {name: SlotSettings(urls) for name, urls in slots.items()})
    settings = replace(Settings(), rollout=RolloutOptions({"here": centre}, str(tmp_path)))
    with pytest.raises(ConfigurationError, match=complaint):
        await watch(settings, stable=stable, by="a test")
    with pytest.raises(ConfigurationError, match="data_centres is empty"):
        await watch(Settings(), stable=None, by="a test")


def test_what_a_release_declares_is_nowhere_in_the_store_or_damaged(tmp_path: Path) -> None:
    store = tmp_path / "store" / "releases"
    store.mkdir(parents=True)
    root = ReleaseOptions(root=str(tmp_path / "root"))
    assert declared_drift(replace(Settings(), releases=root), NEW) is None
    settings = replace(Settings(), releases=replace(root, store=str(store.parent)))
    assert declared_drift(settings, NEW) is None
    assert declared_drift(settings, "../evil") is None
    (store / f"{NEW}.json").write_text("{}")
    with pytest.raises(ReleaseError):
        declared_drift(settings, NEW)
