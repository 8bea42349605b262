"""What each answer of an Assay means to the follower: a score, a refusal, or a reason to ask again."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from assay.errors import ConfigurationError
from assay.precache.asking import Answer, Assay, Away, Failed, Refused
from servers.aiohttp_site import site
from servers.redis import free_port

CELL = {"damaging": {"score": {"prediction": True, "probability": {"true": 0.9, "false": 0.1}}}}
TOLD: dict[str, Any] = {
    "smallwiki": {"scores": {"7": CELL, "8": CELL}, "models": {"damaging": {"version": "1.2"}}}
}

NO_CELLS: list[Any] = [
    *(5, None, {}, {"error": "no"}, {"error": {"type": "X"}}, {"error": {"message": "x"}}),
    *({"score": 5}, {"score": {}}, {"score": {"prediction": True}}, {"score": {"probability": {}}}),
    {"score": {"prediction": True, "probability": 1}},
]


class Answering:
    """Answers everything alike, and keeps what it was asked."""

    def __init__(self, body: str | Mapping[str, Any], status: int, headers: Mapping[str, str]) -> None:
        self.body, self.status, self.headers = body, status, headers
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["User-Agent"].startswith("assay-precache/")
        self.asked.append((request.method, request.path, dict(await request.post())))
        if isinstance(self.body, str):
            return web.Response(text=self.body, status=self.status, headers=self.headers)
        return web.json_response(self.body, status=self.status, headers=self.headers)


@asynccontextmanager
async def answering(
    body: str | Mapping[str, Any], status: int = 200, *, timeout_s: float = 20.0, **headers: str
) -> AsyncIterator[tuple[Assay, Answering]]:
    server = Answering(body, status, {name.replace("_", "-"): value for name, value in headers.items()})
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    async with site(application) as port:
        assay = Assay(f"http://127.0.0.1:{port}/", timeout_s)
        try:
            yield assay, server
        finally:
            await assay.aclose()


async def scores(assay: Assay) -> Answer:
    return await assay.scores("smallwiki", ["damaging", "goodfaith"], [7, 8])


async def test_many_revisions_are_asked_for_together_as_for_the_cache() -> None:
    async with answering(TOLD) as (assay, server):
        assert await scores(assay) == Answer({7: CELL, 8: CELL}, {"damaging": "1.2"})
    form = {"revids": "7|8", "models": "damaging|goodfaith", "precache": "true", "error_codes": "true"}
    assert server.asked == [("POST", "/v3/scores/smallwiki/", form)]


async def test_what_is_to_be_computed_anew_is_asked_for_with_what_no_cache_keeps() -> None:
    async with answering(TOLD) as (assay, server):
        await assay.scores("smallwiki", ["damaging"], [7], anew=True)
    form = {"revids": "7", "models": "damaging", "precache": "true", "error_codes": "true"}
    assert [asked for _, _, asked in server.asked] == [{**form, "features": "true"}]


@pytest.mark.parametrize("status", [408, 425, 429, 503])
async def test_whoever_says_wait_is_away_for_that_long(status: int) -> None:
    async with answering("busy", status, Retry_After="7") as (assay, _):
        with pytest.raises(Away, match=f"answers {status}: busy") as away:
            await scores(assay)
        assert away.value.delay_s == 7.0


async def test_whoever_does_not_say_how_long_is_away() -> None:
    async with answering("busy", 503) as (assay, _):
        with pytest.raises(Away) as away:
            await scores(assay)
        assert away.value.delay_s is None


@pytest.mark.parametrize("status", [500, 501, 502, 504, 599])
async def test_an_error_that_the_request_may_have_caused_has_failed(status: int) -> None:
    async with answering({"error": {"message": "broken"}}, status) as (assay, _):
        with pytest.raises(Failed) as failed:
            await scores(assay)
    assert failed.value.error == {
        "type": "RequestFailed",
        "message": f"HTTP {status}: broken",
        "retryable": True,
    }
    assert failed.value.delay_s is None


async def test_whoever_failed_may_say_how_long_to_wait() -> None:
    async with answering("broken", 500, Retry_After="7") as (assay, _):
        with pytest.raises(Failed) as failed:
            await scores(assay)
        assert failed.value.delay_s == 7.0


@pytest.mark.parametrize("status", [302, 400, 403, 404, 499])
@pytest.mark.parametrize("body", ["no\N{SNOWMAN}", '{"error": "no"}', '["no"]', '{"error": {"code": 1}}'])
async def test_all_else_is_refused_with_the_beginning_of_what_was_said(status: int, body: str) -> None:
    async with answering(body + " " * 500 + "end", status, Location="/elsewhere") as (assay, server):
        with pytest.raises(Refused) as refused:
            await scores(assay)
    assert refused.value.error["type"] == "RequestRefused"
    assert refused.value.error["message"].startswith(f"HTTP {status}: {body}")
    assert "end" not in str(refused.value.error) + str(refused.value)
    assert len(server.asked) == 1, "it goes nowhere else"


@pytest.mark.parametrize(("status", "kind"), [(503, Away), (500, Failed), (400, Refused)])
async def test_what_was_said_in_no_known_letters_is_still_an_answer(
    status: int, kind: type[Exception]
) -> None:
    async with answering("\N{SNOWMAN}" * 100, status) as (assay, _):  # the cut is within one
        with pytest.raises(kind, match=f"{status}: \N{SNOWMAN}"):
            await scores(assay)


@pytest.mark.parametrize(
    "body",
    [
        "<html>",
        "[]",
        {},
        {"otherwiki": TOLD["smallwiki"]},
        {"smallwiki": None},
        {"smallwiki": {"scores": {}}},
        {"smallwiki": {"models": {}}},
        {"smallwiki": {"scores": {"x": CELL}, "models": {}}},
        {"smallwiki": {"scores": {"7": 5}, "models": {}}},
        {"smallwiki": {"scores": [], "models": {}}},
        {"smallwiki": {"scores": {}, "models": {"damaging": {}}}},
        *({"smallwiki": {"scores": {"7": {"damaging": cell}}, "models": {}}} for cell in NO_CELLS),
    ],
)
async def test_an_answer_that_is_none_is_no_answer_to_go_by(body: Any) -> None:
    async with answering(body) as (assay, _):
        with pytest.raises(Failed, match=r"gave (no JSON|an answer without scores)") as failed:
            await scores(assay)
    assert failed.value.error["type"] == "RequestFailed"
    assert failed.value.error["message"].startswith("Assay gave ")
    assert failed.value.error["retryable"] is True


async def test_cells_that_are_errors_are_an_answer() -> None:
    cell = {"damaging": {"error": {"type": "TextDeleted", "message": "gone"}}}
    told = {"smallwiki": {"scores": {"7": cell}, "models": {}}}
    async with answering(told) as (assay, _):
        assert await scores(assay) == Answer({7: cell}, {})


async def test_nobody_there_is_away_and_may_come() -> None:
    assay = Assay(f"http://127.0.0.1:{free_port()}", 20.0)
    with pytest.raises(Away, match=r"127\.0\.0\.1"):
        await scores(assay)
    await assay.aclose()
    await assay.aclose()


async def test_a_silent_assay_has_failed_when_the_time_is_over() -> None:
    async with answering(TOLD, timeout_s=1e-9) as (assay, server):
        with pytest.raises(Failed, match="did not answer in time"):
            await scores(assay)
        assert server.asked == []


async def test_whoever_takes_no_connection_is_away() -> None:
    """Its queue of connections is full, so that the system lets further ones wait."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with ExitStack() as waiting:
            for _ in range(8):
                one = waiting.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            assay = Assay(f"http://127.0.0.1:{full.getsockname()[1]}", 20.0, connect_limit_s=0.05)
            with pytest.raises(Away, match="timeout"):
                await scores(assay)
            await assay.aclose()


async def test_each_request_has_a_connection_of_its_own() -> None:
    """One that was kept may be closed just then, and a load balancer may know a better server by now."""
    peers: set[Any] = set()

    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.json_response(TOLD)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with site(application) as port:
        assay = Assay(f"http://127.0.0.1:{port}", 20.0)
        for _ in range(3):
            await scores(assay)
        await assay.aclose()
    assert len(peers) == 3


KNOWN: dict[str, Any] = {
    "smallwiki": {"models": {"damaging": {}, "goodfaith": {}}},
    "barewiki": {},
    "nullwiki": None,
}


async def test_an_assay_with_all_models_of_the_rules_is_right() -> None:
    async with answering(KNOWN) as (assay, server):
        await assay.check({"smallwiki": ["goodfaith", "damaging"], "barewiki": []})
        assert server.asked == [("GET", "/v3/scores/", {})]


@pytest.mark.parametrize("wiki", ["smallwiki", "barewiki", "nullwiki", "otherwiki"])
async def test_what_it_lacks_is_named(wiki: str) -> None:
    async with answering(KNOWN) as (assay, _):
        with pytest.raises(ConfigurationError, match=f"does not score {wiki} with wp10, topic: ") as told:
            await assay.check({wiki: ["wp10", "topic"] + ["damaging"] * (wiki == "smallwiki")})
        assert f"wikis.{wiki}.precache" in str(told.value)


async def test_what_is_no_assay_is_told_and_a_broken_one_is_waited_for() -> None:
    async with answering("no such page", 404) as (assay, _):
        with pytest.raises(ConfigurationError, match=r"404: no such page: is precache\.assay the"):
            await assay.check({})
    async with answering("broken", 500) as (assay, _):
        with pytest.raises(Away, match="500: broken"):
            await assay.check({})
