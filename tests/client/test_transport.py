"""One request: what an answer, an error and the lack of either are to the client; and when to try again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web

from assay.client.errors import Away, ClientError, Refused, TooLarge
from assay.client.transport import Patience, Transport, read
from servers.aiohttp_site import site

KILOBYTE = 1024


class Echo:
    """Tells what it was asked; a body of `more` instead when there is one."""

    def __init__(self, status: int, body: bytes | None, headers: dict[str, str]) -> None:
        self.status, self.body, self.headers = status, body, headers

    async def answer(self, request: web.Request) -> web.Response:
        told = {
            "asked": [request.method, request.path_qs],
            "agent": request.headers["User-Agent"],
            "type": request.headers.get("Content-Type"),
            "body": (await request.read()).decode(),
        }
        body = orjson.dumps(told) if self.body is None else self.body
        return web.Response(status=self.status, body=body, headers=self.headers)


@asynccontextmanager
async def transport(
    status: int = 200, body: bytes | None = None, timeout_s: float = 20.0, **headers: str
) -> AsyncIterator[Transport]:
    echo = Echo(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", echo.answer)
    async with site(application) as port:
        made = Transport(
            f"http://127.0.0.1:{port}//",
            user_agent="bot/1",
            timeout_s=timeout_s,
            stream_timeout_s=20.0,
            max_answer_bytes=KILOBYTE,
        )
        try:
            yield made
        finally:
            await made.aclose()
            await made.aclose()


async def test_what_is_sent_arrives() -> None:
    async with transport() as made:
        plain = await made.ask("GET", "/a", parameters={"b": "c d"})
        form = await made.ask("POST", "/a", form={"b": "c d"})
        document = await made.ask("POST", "/a", document={"b": []})
    assert plain == {"asked": ["GET", "/a?b=c+d"], "agent": "bot/1", "type": None, "body": ""}
    assert (form["type"], form["body"]) == ("application/x-www-form-urlencoded", "b=c+d")
    assert (document["type"], document["body"]) == ("application/json", '{"b":[]}')


@pytest.mark.parametrize(
    ("status", "error", "retryable"),
    [
        *((status, {}, True) for status in (408, 429, 502, 503, 504)),
        *((status, {}, False) for status in (400, 404, 413, 500)),
        (503, {"retryable": False}, False),
        (500, {"retryable": True}, True),
    ],
)
async def test_an_error_says_itself_whether_asking_again_helps_else_its_status(
    status: int, error: dict[str, Any], retryable: bool
) -> None:
    body = orjson.dumps({"error": {"code": "busy", "message": "Later.", "limit": 30, **error}})
    async with transport(status, body, Retry_After="7") as made:
        with pytest.raises(Refused, match=r"^Later\.$") as refused:
            await made.ask("GET", "/")
    told = refused.value
    assert (told.status, told.code, told.retryable, told.delay_s, told.limit) == (
        *(status, "busy", retryable, 7.0, 30),
    )


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"error": "no"}', b'{"error": {"code": "x"}}', b""])
async def test_another_programs_error_has_its_status(body: bytes) -> None:
    async with transport(502, body, Retry_After="Fri, 01 Jan 2100 00:00:00 GMT") as made:
        with pytest.raises(Refused, match="HTTP status 502 Bad Gateway") as refused:
            await made.ask("GET", "/")
    told = refused.value
    assert (told.code, told.retryable, told.delay_s, told.limit) == ("http_error", True, None, None)


async def test_a_limit_that_is_no_number_is_none() -> None:
    body = orjson.dumps({"error": {"code": "x", "message": "y", "limit": "30"}})
    async with transport(400, body) as made:
        with pytest.raises(Refused) as refused:
            await made.ask("GET", "/")
    assert refused.value.limit is None


@pytest.mark.parametrize("more", [0, 1])
async def test_an_answer_and_a_line_may_have_so_many_bytes_and_no_more(more: int) -> None:
    text = b'"' + b"x" * (KILOBYTE - 2 + more) + b'"'
    async with transport(body=text) as made:
        if not more:
            assert len(await made.ask("GET", "/")) == KILOBYTE - 2
        else:
            with pytest.raises(TooLarge, match=f"more than {KILOBYTE} bytes"):
                await made.ask("GET", "/")
    async with transport(body=b"1\n" + text + b"\n2\n") as made, made.stream("/", None) as lines:
        if not more:
            assert [line async for line in lines] == [1, "x" * (KILOBYTE - 2), 2]
        else:
            with pytest.raises(TooLarge):
                [line async for line in lines]


async def test_a_line_that_was_cut_off_is_left_out() -> None:
    async with transport(body=b'{"a": 1}\n[2]\n{"a"') as made, made.stream("/", {"b": 1}) as lines:
        assert [line async for line in lines] == [{"a": 1}, [2]]


async def test_a_stream_that_stops_is_cut_off() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'1\n{"a"')
        await ended.wait()
        return response

    ended = asyncio.Event()
    application = web.Application()
    application.router.add_post("/", answer)
    options = {"user_agent": "bot/1", "timeout_s": 20.0, "max_answer_bytes": KILOBYTE}
    async with site(application) as port:
        made = Transport(f"http://127.0.0.1:{port}", stream_timeout_s=0.1, **options)  # type: ignore[arg-type]
        async with asyncio.timeout(30), made.stream("/", None) as lines:
            assert [line async for line in lines] == [1]
        ended.set()
        await made.aclose()


async def test_what_is_no_json_is_no_assays() -> None:
    async with transport(body=b"<html>" + b"x" * 500) as made:
        with pytest.raises(Away, match="is there an Assay server") as away:
            await made.ask("GET", "/")
        assert len(str(away.value)) < 200


async def test_a_server_that_is_too_slow_is_away() -> None:
    async with transport(timeout_s=1e-9) as made:
        with pytest.raises(Away, match="did not answer: "):
            await made.ask("GET", "/")


def test_a_document_of_another_shape_is_no_assays() -> None:
    assert read(lambda told: told["a"], {"a": 1}) == 1
    other: list[Any] = [{}, [], None, 5]
    for told in other:
        with pytest.raises(Away, match="not of the shape that this client knows"):
            read(lambda told: int(told["a"]), told)


# -- patience ----------------------------------------------------------------------------------------


def refused(*, retryable: bool = True, delay_s: float | None = None) -> Refused:
    return Refused("no", status=503, code="x", retryable=retryable, delay_s=delay_s)


@pytest.mark.parametrize(
    ("attempt", "error", "delay_s"),
    [
        (0, None, 1.0),
        (1, Away("x"), 2.0),
        (9, None, 60.0),
        (0, refused(delay_s=90.0), 90.0),
        (3, refused(delay_s=7.0), 8.0),
        (3, refused(), 8.0),
    ],
)
def test_pauses_double_and_a_longer_one_that_was_asked_for_is_kept(
    attempt: int, error: ClientError | None, delay_s: float
) -> None:
    assert Patience().delay_s(attempt, error) == delay_s


async def test_it_asks_as_frequently_as_said_and_no_more() -> None:
    errors: list[ClientError] = [refused(), Away("x"), refused(delay_s=0.0)]
    left = list(errors)

    async def ask() -> str:
        if left:
            raise left.pop(0)
        return "told"

    assert await Patience(retries=3, backoff_s=0.0).keep_asking(ask) == "told"
    left = list(errors)
    with pytest.raises(Refused) as last:
        await Patience(retries=2, backoff_s=0.0).keep_asking(ask)
    assert last.value is errors[2]
    left = [refused(retryable=False), Away("x")]
    with pytest.raises(Refused):
        await Patience(retries=2, backoff_s=3600.0).keep_asking(ask)
    assert len(left) == 1


async def test_it_waits_for_as_long_as_it_was_asked_to() -> None:
    async def ask() -> None:
        raise refused(delay_s=3600.0)

    asking = asyncio.create_task(Patience(retries=1, backoff_s=0.0).keep_asking(ask))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not asking.done()
    asking.cancel()
