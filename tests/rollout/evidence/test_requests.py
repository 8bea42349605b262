"""The table of all requests: against a real application, and as a function of what there is to ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.events import Rules
from assay.rollout.evidence.asker import Ask, HttpAsker, ask_arm
from assay.rollout.evidence.requests import FEED_EDITS, Case, Ground, cases
from assay.rollout.evidence.told import explore
from assay.scoring.synthetic import TEST_WIKI
from servers.asgi import Served, serving
from small_app import SmallApp

RULES = Rules(
    {
        "smallwiki": {"damaging": ("nonbot_edit",), "articlequality": ("main_edit",)},
        "awaywiki": {"reverted": ("edit",)},
        TEST_WIKI: {"revid": ("edit",)},
    }
)
FRESH = 10**12
GROUND = Ground(
    {"w": ("m", "n"), TEST_WIKI: ("revid",)},
    {"w": (7, 5, 3)},
    {("w", "m"): ("true",)},
    {("w", "m"): ("feature.a", "feature.b")},
    FRESH,
)
NAMES = st.text(min_size=1, max_size=6)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(SmallApp(rules=RULES).build().asgi) as started:
        yield started


@pytest.fixture
async def asker() -> AsyncIterator[HttpAsker]:
    async with HttpAsker() as asking:
        yield asking


async def test_it_has_every_route_and_the_application_answers_as_it_says(
    served: Served, asker: HttpAsker
) -> None:
    paths = SmallApp(rules=RULES).build().fastapi.openapi()["paths"]
    known = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    ground = await explore(asker, served.url, FRESH)
    assert set(ground.models) == {"smallwiki", "awaywiki", TEST_WIKI}
    assert ground.revisions["smallwiki"] == [1000, 999, 998]
    assert ground.routes is not None
    assert set(ground.routes) == known
    table = cases(ground)
    assert {case.route for case in table} == known
    asked = {(wiki, model) for wiki, models in ground.models.items() for model in models}
    for wiki, model in asked:
        assert any(f"/v3/scores/{wiki}/{ground.rev_id(wiki)}/{model}/" in case.ask.target for case in table)
    for case in table:
        if case.ask.target.startswith(("/api/awaywiki/recent", "/api/awaywiki/feed")):
            continue  # a wiki that is away
        answer = await ask_arm(asker, served.url, case.ask)
        assert answer.status == case.status, (case, answer.body)


async def test_the_second_answer_comes_from_the_cache_where_it_says_so(
    served: Served, asker: HttpAsker
) -> None:
    ground = await explore(asker, served.url, FRESH + 1)
    cacheable = [it for it in cases(ground) if it.is_cacheable and "awaywiki" not in it.ask.target]
    assert {it.route for it in cacheable} == {
        f"GET /v3/scores/{{wiki}}/{rest}" for rest in ("", "{rev_id}/", "{rev_id}/{model}/")
    }
    for case in cacheable:
        if "fragile" in case.ask.target or "parented" in case.ask.target:
            continue  # whose errors are not kept
        await asker.ask(served.url, case.ask)
        answer = await asker.ask(served.url, case.ask)
        if b'"error"' not in answer.body:
            assert answer.headers["x-cache"] == "hit", case


async def test_a_wanted_event_is_computed(served: Served, asker: HttpAsker) -> None:
    """Of the test wiki, whose revision nobody can have asked for: by rules, bulk lane and engine."""
    fresh = FRESH + 2
    (case,) = [
        case
        for case in cases(await explore(asker, served.url, fresh))
        if case.ask.target == "/v3/precache/" and case.status == 200 and TEST_WIKI in str(case.ask.json)
    ]
    answer = await asker.ask(served.url, case.ask)
    document = orjson.loads(answer.body)
    assert document[TEST_WIKI]["scores"][str(fresh)]["revid"]["score"]["prediction"] is not None
    assert answer.headers["x-cache"] == "miss"


def targets(table: list[Case], part: str) -> set[str]:
    return {unquote(case.ask.target) for case in table if part in unquote(case.ask.target)}


def test_nothing_is_asked_twice() -> None:
    repeated = {ask: count for ask, count in Counter(case.ask for case in cases(GROUND)).items() if count > 1}
    assert repeated == {}


def test_only_what_the_stable_arm_has_is_asked() -> None:
    routes = frozenset({"GET /livez", "POST /api/{wiki}/text"})
    assert {case.route for case in cases(replace(GROUND, routes=routes))} == routes
    assert cases(replace(GROUND, routes=frozenset())) == []


def test_revisions_are_fresh_recent_or_missing() -> None:
    assert [GROUND.rev_id(wiki) for wiki in (TEST_WIKI, "w", "other")] == [FRESH, 7, 1]
    assert replace(GROUND, fresh=0).rev_id(TEST_WIKI) == 1
    table = cases(GROUND)
    assert "/v3/scores/w/?revids=7|5|3" in targets(table, "/v3/scores/w/")
    assert f"/v3/scores/{TEST_WIKI}/{FRESH}/" in targets(table, TEST_WIKI)
    assert f"/api/w/feed?limit={FEED_EDITS}" in targets(table, "/feed")


def test_thresholds_are_asked_for_where_something_was_measured() -> None:
    table = cases(GROUND)
    found = {it.ask.target: it.status for it in table if it.ask.target.endswith("/thresholds")}
    assert found == {
        "/api/w/models/m/thresholds": 200,
        "/api/w/models/n/thresholds": 404,
        f"/api/{TEST_WIKI}/models/revid/thresholds": 404,
    }
    told = targets(table, "statistics.thresholds.")
    assert len(told) == 2
    assert all(".true.'maximum " in target for target in told)


def test_one_feature_of_each_model_is_injected_in_every_way() -> None:
    table = cases(GROUND)
    assert targets(table, "feature.a=1") == {"/v3/scores/w/7/m/?feature.a=1&features"}
    (injected,) = targets(table, 'inject={"7"')
    assert '{"7":+{"feature.a":+1}}' in injected
    bodies = [orjson.loads(it.ask.json) for it in table if it.ask.json and "injection" in it.ask.json]
    assert bodies == [{"models": ["m"], "injection": {"feature.a": 1}}]
    assert targets(table, "feature.b") == set()


def test_an_unsaved_text_is_not_asked_of_the_test_wiki() -> None:
    assert targets(cases(GROUND), "/text") == {"/api/w/text"}


@given(NAMES, NAMES)
def test_a_name_stays_one_part_of_a_path_whatever_it_is(wiki: str, model: str) -> None:
    (case,) = [
        it
        for it in cases(Ground({wiki: (model,)}))
        if it.route == "GET /api/{wiki}/models/{model}" and it.status == 200
    ]
    assert [unquote(part) for part in urlsplit(case.ask.target).path.split("/")] == [
        *("", "api", wiki, "models", model)
    ]
    assert case.ask == Ask(case.ask.target)
