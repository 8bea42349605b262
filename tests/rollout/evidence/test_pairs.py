"""Requests asked of two real arms."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from itertools import pairwise

import pytest
from aiohttp import web

from assay.clock import FakeClock
from assay.rollout.evidence.asker import Ask, HttpAsker
from assay.rollout.evidence.pairs import ArmAddress, Pairs, is_computed_anew, with_features
from assay.rollout.samples import Pair
from rollout.small_arms import ID, Arm, Respond, scored, two_arms

TARGET = ID.format(1234)


def address(slot: str, arm: Arm) -> ArmAddress:
    return ArmAddress(slot, arm.urls, arm.release)


async def asked(
    target: str, respond: Respond, *, stable_respond: Respond = scored, limit_s: float = 30.0, rounds: int = 1
) -> tuple[Pair, Arm, Arm]:
    """The last of some pairs that two arms give, the candidate answering by `respond`."""
    async with two_arms(respond=respond) as (stable, candidate), HttpAsker(limit_s=limit_s) as asker:
        stable.respond = stable_respond
        arms = address("blue", stable), address("green", candidate)
        pairs = Pairs("one", *arms, asker, FakeClock(), chance=random.Random(1))
        for _ in range(rounds):
            pair = await pairs.pair(target)
        return pair, stable, candidate


async def test_equal_arms_give_a_pair_without_faults() -> None:
    pair, stable, candidate = await asked(TARGET, scored)
    assert (pair.data_centre, pair.target, pair.at_s) == ("one", TARGET, FakeClock().now().timestamp())
    assert (pair.stable_status, pair.candidate_status) == (200, 200)
    assert pair.shape_faults == pair.value_faults == ()
    (cell,) = pair.cells
    assert cell.stable == cell.candidate is not None
    assert pair.stable_ms is not None
    assert pair.candidate_ms is not None
    for arm in (stable, candidate):
        assert [path for _, path, _ in arm.asked] == [TARGET, TARGET + "?features"]


async def test_a_revision_that_is_hidden_meanwhile_is_nobodys_loss() -> None:
    """Between the two arms' answers, or between two questions."""
    asked_for: Counter[str] = Counter()

    async def hidden(request: web.Request) -> web.StreamResponse:
        asked_for[request.path] += 1
        cell = {"error": {"type": "TextDeleted", "code": "text_deleted", "message": "x"}}
        scores = {"5": {"revid": cell}}
        return web.json_response({"testwiki": {"models": {"revid": {"version": "1.0.0"}}, "scores": scores}})

    async def hidden_later(request: web.Request) -> web.StreamResponse:
        asked_for["stable"] += 1
        return await (scored if asked_for["stable"] == 1 else hidden)(request)

    pair, _, _ = await asked(ID.format(5) + "?explain", hidden, stable_respond=hidden_later)
    (cell,) = pair.cells
    assert cell.stable == cell.candidate
    pair, stable, candidate = await asked(ID.format(5) + "?explain", hidden)
    (cell,) = pair.cells
    assert cell.stable != cell.candidate
    assert cell.is_repeated
    assert len(stable.asked) == len(candidate.asked) == 2


@pytest.mark.parametrize(("stable", "expected"), [("cpu;dur=4", (4.0, 6.5)), ("", (None, None))])
async def test_processor_time_counts_when_both_arms_tell_it(
    stable: str, expected: tuple[float | None, float | None]
) -> None:
    def telling(cost: str) -> Respond:
        async def respond(request: web.Request) -> web.StreamResponse:
            response = await scored(request)
            if cost and "features" in request.query:
                response.headers["Server-Timing"] = cost
            return response

        return respond

    pair, _, _ = await asked(TARGET, telling("cpu;dur=6.5"), stable_respond=telling(stable))
    assert (pair.stable_cpu_ms, pair.candidate_cpu_ms) == expected


async def test_requests_go_round_an_arms_processes() -> None:
    _, stable, _ = await asked(TARGET, scored, rounds=5)
    hosts = [headers["Host"] for _, _, headers in stable.asked]
    assert len(set(hosts)) == 2
    assert all(one != other for one, other in pairwise(hosts))


async def test_timed_rounds_ask_one_arm_after_the_other_in_an_order_drawn_by_lot() -> None:
    order: list[str] = []

    def noting(name: str) -> Respond:
        async def respond(request: web.Request) -> web.StreamResponse:
            order.append(name)
            await asyncio.sleep(0)
            order.append(name)
            return await scored(request)

        return respond

    await asked(TARGET + "?explain", noting("new"), stable_respond=noting("old"), rounds=40)
    turns = [tuple(order[index : index + 4]) for index in range(0, len(order), 4)]
    assert set(turns) == {("old", "old", "new", "new"), ("new", "new", "old", "old")}


@pytest.mark.parametrize(
    "target", [TARGET + "?explain", TARGET + "?feature.delay=0", "/api/testwiki/revisions/5"]
)
async def test_what_is_computed_anyway_is_asked_once(target: str) -> None:
    pair, stable, _ = await asked(target, scored)
    assert [path for _, path, _ in stable.asked] == [target]
    assert pair.stable_ms is not None


async def test_a_key_more_is_a_fault_of_shape() -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        return web.json_response({"testwiki": {"models": {}, "scores": {}, "more": 1}})

    pair, stable, _ = await asked(TARGET, respond)
    assert "testwiki.more: is new, with 1" in pair.shape_faults
    assert len(set(pair.shape_faults)) == len(pair.shape_faults)
    assert len(stable.asked) == 4, "the stable arm is asked again before the candidate is blamed"


async def test_a_score_that_only_the_cache_has_wrong_is_seen() -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        if "features" in request.query:
            return await scored(request)
        cell = {"score": {"prediction": 1, "probability": {"1": 0.9, "2": 0.1}}}
        models = {"revid": {"version": "1.0.0"}}
        return web.json_response({"testwiki": {"models": models, "scores": {"1234": {"revid": cell}}}})

    pair, _, _ = await asked(TARGET, respond)
    (cell,) = pair.cells
    assert cell.stable != cell.candidate


async def test_an_arm_that_is_another_release_is_told() -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        answer = await scored(request)
        assert isinstance(answer, web.Response)
        response = web.StreamResponse(
            headers={"Content-Type": answer.headers["Content-Type"], "X-Assay-Release": "old-1"}
        )
        await response.prepare(request)
        assert isinstance(answer.body, bytes)
        await response.write(answer.body)
        return response

    pair, _, _ = await asked(TARGET, respond)
    assert len(pair.value_faults) == 1
    assert 'the candidate arm, which is new-2, answered as "old-1"' in pair.value_faults[0]


@pytest.mark.parametrize("kind", ["silent", "cut", "refused", "500"])
async def test_an_arm_that_fails_is_a_status_and_never_an_exception(kind: str) -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        if kind == "silent":
            await asyncio.Event().wait()
        if kind == "500":
            return web.Response(status=500)
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        assert request.transport is not None
        request.transport.close()
        return response

    if kind == "refused":
        async with Arm("old-1").serving() as stable, HttpAsker() as asker:
            away = ArmAddress("green", ["http://127.0.0.1:1"], "new-2")
            pair = await Pairs("one", address("blue", stable), away, asker, FakeClock()).pair(TARGET)
    else:
        pair, _, _ = await asked(TARGET, respond, limit_s=0.5)
    assert pair.stable_status == 200
    assert pair.candidate_status == (500 if kind == "500" else 0)
    assert pair.candidate_ms is None


async def test_hostile_targets_are_sent_as_they_came_or_are_a_status() -> None:
    for target in (
        '/v3/scores/a/1/?x="};%ff',
        "/v3/scores/a/1/?" + "&" * 5000,
        "//evil.example/",
        "*",
        "",
        "\x00",
    ):
        pair, _, candidate = await asked(target, scored)
        assert all(path.startswith(("/", "*")) for _, path, _ in candidate.asked)
        assert pair.target == target


async def test_posts_carry_their_bodies() -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        return web.json_response([request.content_type, await request.text()])

    async with two_arms() as (stable, _), HttpAsker() as asker:
        stable.respond = respond
        form = await asker.ask(stable.urls[0], Ask("/", "POST", form="revids=1%7C2"))
        assert form.body == b'["application/x-www-form-urlencoded", "revids=1%7C2"]'
        what_if = await asker.ask(stable.urls[0], Ask("/", "POST", json="{}"))
        assert what_if.body == b'["application/json", "{}"]'
        assert (what_if.status, what_if.headers["x-assay-release"]) == (200, "old-1")


def test_features_are_added_to_any_query() -> None:
    assert with_features("/a") == "/a?features"
    assert with_features("/a?b=1") == "/a?b=1&features"
    assert is_computed_anew(with_features("/a"))
    assert not is_computed_anew("/a?models=features")
    assert is_computed_anew("/a?datasource.revision.text=%22x%22")
