"""The client against a real server, and against servers that fail in every way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web

from assay.client import (
    AsyncClient,
    Away,
    Client,
    ClientError,
    Cut,
    Interrupted,
    Optimum,
    Patience,
    Refused,
    Score,
    ScoreError,
    TooLarge,
)
from assay.serving.options import AppOptions, GuardOptions, StreamOptions
from assay.telemetry import HTTP_REQUESTS
from servers.aiohttp_site import site
from servers.asgi import Served, serving
from servers.small_web import SmallWeb, small_web
from small_app import AWAY, GONE, ask, post_json

QUICK = Patience(retries=2, backoff_s=0.0)
NO_PATIENCE = Patience(retries=0, backoff_s=0.0)


@pytest.fixture(scope="module")
def small() -> Iterator[SmallWeb]:
    with small_web() as started:
        yield started


@pytest.fixture(scope="module")
def live(small: SmallWeb) -> Served:
    return small.live("inline")[1]


@pytest.fixture
async def client(live: Served) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(live.url, patience=QUICK) as made:
        yield made


# -- what a server answers ---------------------------------------------------------------------------


async def test_scores_of_many_revisions_are_those_of_the_api(client: AsyncClient, live: Served) -> None:
    table = await client.score("smallwiki", [*range(1, 121), GONE], ["damaging"], features=True, explain=True)
    assert list(table) == [*range(1, 121), GONE]
    cell = table[7]["damaging"]
    told = ask(live, "/v3/scores/smallwiki/7/damaging?features&explain").json
    expected = told["smallwiki"]["scores"]["7"]["damaging"]
    assert isinstance(cell, Score)
    assert cell.probability == expected["score"]["probability"]
    assert cell.features == expected["features"]
    assert cell.explanation is not None
    assert cell.explanation["true"].contributions == expected["explanation"]["true"]["contributions"]
    assert table[GONE]["damaging"] == ScoreError(
        "revision_not_found", "RevisionNotFound", f"Could not find revision {GONE}.", False
    )


async def test_cells_that_may_be_had_later_are_told_when_patience_ends(client: AsyncClient) -> None:
    cell = (await client.score("smallwiki", [1, AWAY], ["damaging"]))[AWAY]["damaging"]
    assert isinstance(cell, ScoreError)
    assert (cell.code, cell.retryable) == ("source_unavailable", True)


async def test_a_stream_tells_what_single_requests_tell(client: AsyncClient) -> None:
    ids = list(range(1, 201))
    streamed = {rev_id: cells async for rev_id, cells in client.stream("smallwiki", ids, ["damaging"])}
    assert streamed == await client.score("smallwiki", ids, ["damaging"])


async def test_an_edit_is_explained_and_what_if_moves_it(client: AsyncClient) -> None:
    told = await client.explain("smallwiki", 12)
    assert told.revision["id"] == 12
    assert told.diff is not None
    before = told.scores["damaging"]
    after = (await client.what_if("smallwiki", 12, {"feature.test.chars": 300}, ["damaging"]))["damaging"]
    assert isinstance(before, Score)
    assert isinstance(after, Score)
    assert after.probability["true"] > before.probability["true"]
    assert after.features is not None
    assert after.features["feature.test.chars"] == 300


async def test_all_that_is_told_of_a_text_is_sent_and_nothing_else() -> None:
    answer = {"wiki": "w", "revision": {"id": None}, "diff": None, "scores": {}}
    told = {
        "text": "Hello!",
        "parent_rev_id": 0,
        "parent_text": "",
        "title": "A page",
        "comment": "begin",
        "is_minor": False,
        "actor": {"is_anonymous": True},
        "models": ["damaging"],
    }
    async with failing((200, answer, {})) as (handler, client):
        await client.score_text("w", **told)  # type: ignore[arg-type]
        await client.score_text("w", "Hello!", models=[])
    assert [orjson.loads(body) for _, body in handler.asked] == [told, {"text": "Hello!", "models": []}]


async def test_a_threshold_is_asked_for_by_label_and_query() -> None:
    cut: dict[str, Any] = {"threshold": 0.5, "statistics": {}, "intervals_95": {}, "counts": {}}
    answer = {"query": "q", "label": "true", "cut": cut, "nearest": None}
    async with failing((200, answer, {})) as (handler, client):
        best = await client.best_threshold("w", "a/b", "maximum recall @ precision >= 0.9", "true")
        await client.best_threshold("w", "a/b", "q")
        with pytest.raises(Away, match="shape"):
            await client.thresholds("w", "a/b", "true")
    assert best == Optimum("q", "true", Cut(0.5, {}, {}, {}), None)
    path = "/api/w/models/a%2Fb/thresholds"
    query = "query=maximum+recall+@+precision+%3E%3D+0.9"
    assert handler.paths == [f"{path}?label=true&{query}", f"{path}?query=q", f"{path}?label=true"]


async def test_a_text_is_scored_before_it_is_saved(client: AsyncClient) -> None:
    told = await client.score_text("smallwiki", "Hello!", title="A page", comment="begin")
    assert told.revision["id"] is None
    assert isinstance(told.scores["damaging"], Score)


async def test_wikis_and_models_are_told(client: AsyncClient) -> None:
    wikis = await client.wikis()
    assert wikis["smallwiki"].models["damaging"].version == "1.2.3"
    assert (await client.recent("smallwiki", 3)) == [1000, 999, 998]
    described = await client.model_info("smallwiki", "damaging")
    assert (described.labels, described.statistics) == (["true", "false"], None)
    with pytest.raises(Refused, match="Nothing was measured") as refused:
        await client.thresholds("smallwiki", "damaging")
    assert (refused.value.status, refused.value.code) == (404, "no_statistics")


async def test_a_refusal_has_its_code(client: AsyncClient) -> None:
    with pytest.raises(Refused) as refused:
        await client.explain("nowiki", 1)
    assert (refused.value.status, refused.value.code, refused.value.retryable) == (404, "unknown_wiki", False)


async def test_odd_names_stay_one_part_of_a_path(client: AsyncClient) -> None:
    with pytest.raises(Refused) as refused:
        await client.model_info("smallwiki", "../../wikis?x#y")
    assert refused.value.code in ("unknown_model", "not_found")


# -- servers that fail -------------------------------------------------------------------------------


class Failing:
    """Answers what it is told to, one after the other, then the last of them for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []
        self.paths: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.headers["User-Agent"], await request.read()))
        self.paths.append(request.path_qs)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, list):
            return await self._lines(request, answer)
        status, document, headers = answer
        return web.Response(status=status, body=orjson.dumps(document), headers=headers)

    async def _lines(self, request: web.Request, ids: list[Any]) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for rev_id in ids:
            await response.write(_line(rev_id) + b"\n")
        if "done" not in ids:
            await response.write(b'{"revision": 9')
            assert request.transport is not None
            request.transport.abort()
        return response


def _line(what: Any) -> bytes:
    """Of an id, of the end ("done"), or as it is given."""
    if isinstance(what, bytes):
        return what
    if what == "done":
        return orjson.dumps({"done": True})
    return orjson.dumps(what if isinstance(what, dict) else {"revision": what, "scores": {}})


@asynccontextmanager
async def failing(*answers: Any, **options: Any) -> AsyncIterator[tuple[Failing, AsyncClient]]:
    handler = Failing(*answers)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler.answer)
    async with (
        site(application) as port,
        AsyncClient(
            f"http://127.0.0.1:{port}/", patience=QUICK, user_agent="bot/1 (me)", **options
        ) as client,
    ):
        yield handler, client


def refusal(status: int, *, retryable: bool | None = None, after: str = "0") -> tuple[int, Any, Any]:
    error = {"code": "x", "message": "no"} | ({} if retryable is None else {"retryable": retryable})
    return status, {"error": error}, {"Retry-After": after}


GOOD: tuple[int, Any, Any] = (200, {"revisions": [3]}, {})


@pytest.mark.parametrize("first", [refusal(503), refusal(429), refusal(500, retryable=True), refusal(504)])
async def test_what_may_succeed_later_is_asked_again(first: Any) -> None:
    async with failing(first, first, GOOD) as (handler, client):
        assert await client.recent("w") == [3]
        assert [agent for agent, _ in handler.asked] == ["bot/1 (me)"] * 3


@pytest.mark.parametrize("first", [refusal(400), refusal(404), refusal(500), refusal(503, retryable=False)])
async def test_what_cannot_succeed_is_asked_once(first: Any) -> None:
    async with failing(first, GOOD) as (handler, client):
        with pytest.raises(Refused, match="no"):
            await client.recent("w")
        assert len(handler.asked) == 1


async def test_patience_ends() -> None:
    async with failing(refusal(503)) as (handler, client):
        with pytest.raises(Refused):
            await client.recent("w")
        assert len(handler.asked) == 3


@pytest.mark.parametrize("body", [{"nothing": 1}, [], "text", None])
async def test_what_is_not_an_answer_of_assays_is_said_to_be_so(body: Any) -> None:
    async with failing((200, body, {})) as (_, client):
        with pytest.raises(Away, match="shape"):
            await client.explain("w", 1)


@pytest.mark.parametrize("scores", [{"1": {}}, {"1": {}, "3": {}}, {"1": {}, "2": 5}])
async def test_a_table_without_a_revision_is_said_to_be_of_another_shape(scores: Any) -> None:
    async with failing((200, {"w": {"scores": scores}}, {})) as (_, client):
        with pytest.raises(Away, match="shape"):
            await client.score("w", [1, 2])


@pytest.mark.parametrize("line", [{"revision": 1}, {"revision": 1, "scores": 5}])
async def test_a_streams_line_of_another_shape_is_said_to_be_so(line: Any) -> None:
    async with failing([line, "done"]) as (_, client):
        with pytest.raises(Away, match="shape"):
            await anext(client.stream("w", [1]))


@pytest.mark.parametrize("line", [b"5", b"null", b'["revision"]'])
async def test_a_streams_line_that_is_no_object_is_said_to_be_so(line: bytes) -> None:
    async with failing([line, "done"]) as (_, client):
        with pytest.raises(Away, match="a line is no object"):
            await anext(client.stream("w", [1]))


async def test_an_error_page_of_a_proxy_has_its_status() -> None:
    async with failing((502, "<html>", {}), (502, "<html>", {}), GOOD) as (_, client):
        assert await client.recent("w") == [3]


@pytest.mark.parametrize("host", ["127.0.0.1:9", "127.0.0.1:x"])
async def test_a_password_in_the_address_is_not_told(host: str) -> None:
    async with AsyncClient(f"http://me:hunter2@{host}", patience=QUICK) as client:
        with pytest.raises(Away) as told:
            await client.recent("w")
    assert "hunter2" not in str(told.value)
    assert host in str(told.value)


async def test_nobody_there_is_said_in_a_sentence() -> None:
    async with AsyncClient("http://127.0.0.1:9", patience=QUICK) as client:
        with pytest.raises(Away, match="did not answer"):
            await client.recent("w")


async def test_a_stream_that_is_cut_off_goes_on_with_what_is_left() -> None:
    async with failing([3, 1], [4], [], refusal(503), [2, "done"]) as (handler, client):
        found = [rev_id async for rev_id, _ in client.stream("w", [1, 2, 3, 4])]
        assert found == [3, 1, 4, 2]
        asked = [orjson.loads(body)["revisions"] for _, body in handler.asked]
        assert asked == [[1, 2, 3, 4], [2, 4], [2], [2], [2]]


async def test_a_stream_that_brings_nothing_new_is_given_up() -> None:
    async with failing([1], []) as (handler, client):
        with pytest.raises(Interrupted, match="1 are left"):
            assert [rev_id async for rev_id, _ in client.stream("w", [1, 2])] == [1]
        assert len(handler.asked) == 4


async def test_a_refused_stream_is_asked_once() -> None:
    async with failing(refusal(404)) as (handler, client):
        with pytest.raises(ClientError):
            await anext(client.stream("w", [1, 2, 3]))
        assert len(handler.asked) == 1


@pytest.mark.parametrize(("streams", "parts"), [(1, [700]), (2, [500, 200])])
async def test_several_streams_share_out_what_one_takes_at_once(streams: int, parts: list[int]) -> None:
    lines: list[Any] = [*range(1, 701), "done"]
    async with failing(lines, streams=streams) as (handler, client):
        found = [rev_id async for rev_id, _ in client.stream("w", range(1, 701))]
    assert set(found) == set(range(1, 701))
    assert sorted([len(orjson.loads(body)["revisions"]) for _, body in handler.asked], reverse=True) == parts


async def test_what_json_has_no_word_for_is_not_sent() -> None:
    async with failing(GOOD) as (handler, client):
        with pytest.raises(ValueError, match="not JSON compliant"):
            await client.score("w", [1], injection={1: {"feature.x": float("nan")}})
        assert handler.asked == []


async def test_a_server_that_takes_fewer_revisions_in_a_stream_is_obeyed(small: SmallWeb) -> None:
    app = small.app("inline", AppOptions(stream=StreamOptions(max_revisions=30, chunk=10)))
    with serving(app.build().asgi) as served:
        async with AsyncClient(served.url, patience=NO_PATIENCE) as client:
            for _ in range(2):
                found = [
                    rev_id async for rev_id, _ in client.stream("smallwiki", range(1, 101), ["damaging"])
                ]
                assert sorted(found) == list(range(1, 101))
        with Client(served.url, patience=NO_PATIENCE) as blocking:
            assert len(dict(blocking.stream("smallwiki", range(1, 101), ["damaging"]))) == 100
        told = post_json(served, "/api/smallwiki/scores", {"revisions": list(range(1, 101))})
    assert told.error == (400, "too_many_revisions", "Too many revisions: 100; at most 30 in one request.")
    assert told.json["error"]["limit"] == 30
    streams = app.metrics.value(HTTP_REQUESTS, "/api/{wiki}/scores", "POST", "200")
    refused = app.metrics.value(HTTP_REQUESTS, "/api/{wiki}/scores", "POST", "400")
    assert (streams, refused) == (4 + 4 + 4, 1 + 1 + 1), "each client is refused once, and then knows"


# -- requests with too many bytes --------------------------------------------------------------------


@pytest.fixture(scope="module")
def narrow(small: SmallWeb) -> Iterator[Served]:
    """A server that takes a kilobyte."""
    guard = GuardOptions(max_body_bytes=1000)
    with serving(small.app("inline", AppOptions(guard=guard)).build().asgi) as served:
        yield served


@pytest.mark.parametrize("streams", [1, 2])
async def test_a_stream_with_too_many_bytes_is_asked_for_in_halves(narrow: Served, streams: int) -> None:
    async with AsyncClient(narrow.url, patience=NO_PATIENCE, streams=streams) as client:
        lines = client.stream("smallwiki", range(1, 1001), ["damaging"])
        assert sorted([rev_id async for rev_id, _ in lines]) == list(range(1, 1001))


async def test_of_texts_that_are_too_much_together_none_is_lost(narrow: Served, live: Served) -> None:
    """One is too much alone: it has its own error."""
    injection = {n: {"datasource.revision.text": f"text {n} " + "é" * n} for n in range(1, 51)}
    injection[7] = {"datasource.revision.text": "x" * 2000}
    async with AsyncClient(narrow.url, patience=NO_PATIENCE) as client:
        for models in (["damaging", "goodfaith"], None):
            table = await client.score("smallwiki", range(1, 61), models, injection=injection)
            names = set(models or (await client.wikis())["smallwiki"].models)
            assert list(table) == list(range(1, 61))
            assert all(set(cells) == names for cells in table.values())
            assert set(table[7].values()) == {
                ScoreError(
                    "request_too_large",
                    "RequestTooLarge",
                    "The request's body is too large; at most 1000 bytes are allowed.",
                    False,
                )
            }
            del table[7]
            assert all(isinstance(cells["damaging"], Score) for cells in table.values())
    async with AsyncClient(live.url, patience=NO_PATIENCE) as client:
        whole = await client.score("smallwiki", range(1, 61), ["damaging"], injection=injection)
    assert {n: whole[n]["damaging"] for n in table} == {n: table[n]["damaging"] for n in table}


async def test_too_much_for_a_wiki_that_the_server_does_not_have_is_refused(narrow: Served) -> None:
    injection = {1: {"datasource.revision.text": "x" * 2000}}
    async with AsyncClient(narrow.url, patience=NO_PATIENCE) as client:
        with pytest.raises(Refused) as caught:
            await client.score("nowiki", [1], injection=injection)
    assert caught.value.status == 413


async def test_what_cannot_be_halved_is_refused_once(narrow: Served) -> None:
    async with AsyncClient(narrow.url, patience=QUICK) as client:
        for asking in (
            client.score_text("smallwiki", "x" * 2000, title="A page"),
            client.what_if("smallwiki", 1, {"datasource.revision.text": "x" * 2000}),
            client.score("smallwiki", [1, 2], ["m" * 2000]),
            anext(client.stream("smallwiki", [1, 2], ["m" * 2000])),
        ):
            with pytest.raises(Refused, match="at most 1000 bytes") as refused:
                await asking
            assert (refused.value.status, refused.value.retryable) == (413, False)


LONG = {"revisions": [3] * 1000}


async def test_an_answer_that_is_too_large_is_not_read() -> None:
    async with failing((200, LONG, {})) as (handler, client):
        assert len(await client.recent("w")) == 1000
    async with failing((200, LONG, {}), max_answer_bytes=1000) as (handler, client):
        with pytest.raises(TooLarge, match=r"more than 1000 bytes.*max_answer_bytes"):
            await client.recent("w")
        assert len(handler.asked) == 1, "asking again would not make it smaller"


async def test_a_line_that_is_too_long_is_not_read() -> None:
    async with failing(["x" * 5000], max_answer_bytes=1000) as (handler, client):
        with pytest.raises(TooLarge):
            await anext(client.stream("w", [1]))
        assert len(handler.asked) == 1


async def test_an_endless_error_has_its_status() -> None:
    status, document, headers = refusal(404)
    document["error"]["message"] = "no" * 100_000
    async with failing((status, document, headers)) as (_, client):
        with pytest.raises(Refused, match="HTTP status 404"):
            await client.recent("w")


async def test_an_impatient_server_is_outlived(small: SmallWeb) -> None:
    """A real server that is away, then there."""
    app = small.app("inline")
    with serving(app.build().asgi) as served:
        url = served.url
    async with AsyncClient(url, patience=QUICK) as client:
        with pytest.raises(Away):
            await client.wikis()


def test_it_brings_nothing_of_the_server_along() -> None:
    heavy = ("numpy", "lightgbm", "fastapi", "scipy", "assay.serving", "assay.models", "assay.errors")
    program = "import sys, assay.client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(heavy) & set(loaded.stdout.split())
