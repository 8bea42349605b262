"""The synthetic suite against real applications, sound ones and ones with defects."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import orjson
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.clock import FakeClock
from assay.rollout.evidence.asker import Ask, HttpAsker, ask_arm
from assay.rollout.evidence.compare import Answer
from assay.rollout.evidence.pairs import ArmAddress, Pairs
from assay.rollout.evidence.synthetic import Suite, cache_faults
from assay.rollout.samples import Pair
from assay.scoring.synthetic import TEST_WIKI
from rollout.evidence.test_requests import RULES
from servers.asgi import Served, serving
from small_app import SmallApp

Spoil = Callable[[Scope, Any, dict[str, str]], Any]
"""Makes another document from a request and its document; may change the headers."""


class Spoilt:
    """An application whose JSON answers are changed on the way out."""

    def __init__(self, app: ASGIApp, spoil: Spoil) -> None:
        self._app = app
        self._spoil = spoil

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._app(scope, receive, keep)
        start = kept[0]
        body = b"".join(message.get("body", b"") for message in kept[1:])
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        with suppress(orjson.JSONDecodeError):
            body = orjson.dumps(self._spoil(scope, orjson.loads(body), headers))
        headers["content-length"] = str(len(body))
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({**start, "headers": raw})
        await send({"type": "http.response.body", "body": body})


@contextmanager
def two_apps(spoil: Spoil | None = None, spoil_stable: Spoil | None = None) -> Iterator[list[Served]]:
    with ExitStack() as stack:
        served = []
        for change in (spoil_stable, spoil):
            app = SmallApp(rules=RULES).build().asgi
            served.append(stack.enter_context(serving(Spoilt(app, change) if change else app)))
        yield served


async def suite_of(spoil: Spoil | None = None, spoil_stable: Spoil | None = None) -> tuple[Pair, ...]:
    with two_apps(spoil, spoil_stable) as (stable, candidate):
        arms = ArmAddress("blue", [stable.url], "dev"), ArmAddress("green", [candidate.url], "dev")
        async with HttpAsker() as asker:
            pairs = Pairs("one", *arms, asker, FakeClock(), chance=random.Random(1))
            return await Suite(pairs, *arms, asker, chance=random.Random(1)).run()


def faults(pairs: tuple[Pair, ...]) -> list[str]:
    return [f"{pair.target} {fault}" for pair in pairs for fault in (*pair.shape_faults, *pair.value_faults)]


async def test_equal_arms_have_no_faults() -> None:
    pairs = await suite_of()
    assert faults(pairs) == []
    assert all(pair.stable_status == pair.candidate_status != 0 for pair in pairs)
    assert {400, 404, 405, 415} <= {pair.stable_status for pair in pairs}
    assert {(cell.wiki, cell.model) for pair in pairs for cell in pair.cells} >= {
        ("smallwiki", "damaging"),
        (TEST_WIKI, "revid"),
    }


def scores(document: Any) -> Iterator[dict[str, Any]]:
    for wiki in document.values() if isinstance(document, dict) else ():
        yield from wiki.get("scores", {}).values() if isinstance(wiki, dict) else ()


def _cached_in_another_shape(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    if headers.get("x-cache") == "hit":
        for cells in scores(document):
            for name, cell in cells.items():
                cells[name] = {"score": cell}
    return document


def _cached_for_another_model(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    if headers.get("x-cache") == "hit":
        for cells in scores(document):
            for cell in cells.values():
                if "score" in cell:
                    cell["score"]["probability"] = {k: v / 2 for k, v in cell["score"]["probability"].items()}
    return document


def _never_cached(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    if "x-cache" in headers:
        headers["x-cache"] = "miss"
    return document


def _claims_to_be_cached(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    if "x-cache" in headers:
        headers["x-cache"] = "hit"
    return document


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_cached_in_another_shape, "cache: smallwiki.scores.*.damaging.score.score: is new"),
        (_cached_for_another_model, "cache: smallwiki.scores.*.damaging: revision 1000 has"),
        (_never_cached, "cache: second.x-cache: the same request again is told as miss, not as hit"),
        (
            _claims_to_be_cached,
            "cache: first.x-cache: a revision that nobody asked for before is told as hit",
        ),
    ],
)
async def test_a_cache_that_contradicts_what_is_computed_is_found(spoil: Spoil, told: str) -> None:
    assert any(told in fault for fault in faults(await suite_of(spoil)))


@pytest.mark.parametrize("spoil", [_never_cached, _claims_to_be_cached, _cached_for_another_model])
async def test_a_fault_that_the_stable_arms_cache_has_too_is_no_news(spoil: Spoil) -> None:
    assert [fault for fault in faults(await suite_of(spoil, spoil)) if " cache: " in fault] == []


def _null_for_an_object(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    """As in the incident of 2017-11-20: thresholds that cannot be met."""
    return (
        {wiki: {**part, "models": None} for wiki, part in document.items()}
        if "/v3/" in scope["path"]
        else document
    )


def _one_key_more(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    return {**document, "warnings": []} if scope["path"] == "/api/wikis" else document


def _other_features(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    for cells in scores(document):
        for cell in cells.values():
            if "feature.test.chars" in cell.get("features", {}):
                cell["features"]["feature.test.chars"] += 1
    return document


def _precached_without_scores(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    if scope["path"] == "/v3/precache/" and "smallwiki" in document:
        del document["smallwiki"]["scores"]
    return document


def _feed_without_an_author(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    if scope["path"].endswith("/feed") and "edits" in document:
        document["edits"][0]["revision"]["actor"] = None
    return document


def _feed_cut_short(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    if scope["path"].endswith("/feed") and "edits" in document:
        del document["edits"][0]
    return document


def _other_tensors(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    if scope["path"].endswith("/infer"):
        document["outputs"][3]["data"].reverse()
    return document


def _no_version(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    if scope["path"].startswith("/v2/models/"):
        document.pop("versions", None)
    return document


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_null_for_an_object, "models: null null, not an object"),
        (_one_key_more, "warnings: is new, with []"),
        (_other_features, "features.feature.test.chars: "),
        (_precached_without_scores, "/precache/ smallwiki.scores: is missing"),
        (_feed_without_an_author, "/feed?limit=5 edits.1000.revision.actor: null null, not an object"),
        (_feed_cut_short, "/feed?limit=5 edits: 4 values, not 5"),
        (_other_tensors, "/infer outputs.3.data.0: "),
        (_no_version, "/v2/models/smallwiki-damaging versions: is missing"),
    ],
)
async def test_other_answers_are_found(spoil: Spoil, told: str) -> None:
    assert any(told in fault for fault in faults(await suite_of(spoil)))


def _another_version(scope: Scope, document: Any, headers: dict[str, str]) -> Any:
    """As of a model that was trained again; its own routes keep to it."""
    if "/versions/" not in scope["path"] and "versions" in document:
        document["versions"] = ["9.9.9"]
    return document


async def test_each_arm_is_asked_for_its_own_version() -> None:
    routes = ("", "/ready", "/infer")
    pairs = {pair.target: pair for pair in await suite_of()}
    found = [pairs[f"/v2/models/smallwiki-damaging/versions/arms-version{route}"] for route in routes]
    assert {(pair.stable_status, pair.candidate_status) for pair in found} == {(200, 200)}
    (cell,) = found[2].cells
    assert (cell.wiki, cell.model, cell.rev_id) == ("smallwiki", "damaging", 1000)
    assert cell.stable is not None
    assert cell.stable == cell.candidate
    assert cell.stable.probability.keys() == {"true", "false"}

    pairs = {pair.target: pair for pair in await suite_of(_another_version)}
    pair = pairs["/v2/models/smallwiki-damaging/versions/arms-version"]
    assert (pair.stable_status, pair.candidate_status) == (200, 404)  # it says one that it has not
    assert pairs["/v2/models/smallwiki-damaging"].shape_faults == ()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"versions": []}', b'{"versions": [1]}'])
async def test_an_arm_that_tells_no_version_is_not_asked_for_any(body: bytes) -> None:
    asked = []

    class Silent:
        async def ask(self, url: str, ask: Ask) -> Answer:
            asked.append(ask.target)
            return Answer(200, {}, body)

    answer = await ask_arm(Silent(), "", Ask("/v2/models/a-b/versions/arms-version", version_of="a-b"))
    assert (answer.status, answer.lost) == (0, "no version of a-b is told")
    assert asked == ["/v2/models/a-b"]


async def test_arms_that_are_away_give_pairs_without_a_status() -> None:
    away = ArmAddress("green", ["http://127.0.0.1:1"], "dev")
    with serving(SmallApp().build().asgi) as served:
        here = ArmAddress("blue", [served.url], "dev")
        async with HttpAsker() as asker:
            suite = Suite(Pairs("one", here, away, asker, FakeClock()), here, away, asker)
            pairs = await suite.run()
            assert {pair.candidate_status for pair in pairs} == {0}
            assert len(pairs) > 20
            suite = Suite(Pairs("one", away, here, asker, FakeClock()), away, here, asker)
            (pair,) = await suite.run()
            assert (pair.stable_status, pair.candidate_status) == (0, 200)


def test_overload_is_not_the_caches_fault() -> None:
    assert list(cache_faults("/v3/scores/a/1/", Answer(503), Answer(200), Answer(200))) == []
