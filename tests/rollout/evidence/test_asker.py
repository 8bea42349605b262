"""One request to one arm: whatever a server or a network does is an answer, and nothing leads elsewhere."""

from __future__ import annotations

import pytest
from aiohttp import web

from assay.rollout.evidence.asker import ARMS_VERSION, Ask, HttpAsker, ask_arm
from assay.rollout.evidence.compare import Answer
from servers.aiohttp_site import site
from servers.faulty_http import content, faulty_server, silent


class Arm:
    """Notes what it is asked, and answers as it is told to."""

    def __init__(self, *answers: web.Response) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, str | None, str]] = []
        self.told: list[list[str | None]] = []

    async def answer(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        kind = request.headers.get("Content-Type")
        self.asked.append((request.method, request.raw_path, kind, body))
        self.told.append([request.headers.get(name) for name in ("Cookie", "User-Agent", "X-Own")])
        return self.answers.pop(0) if self.answers else web.Response(text="ok")

    async def ask(self, *asks: Ask) -> list[Answer]:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.answer)
        async with site(application) as port, HttpAsker(headers={"X-Own": "1"}) as asker:
            return [await ask_arm(asker, f"http://localhost:{port}/", ask) for ask in asks]


async def test_each_kind_of_request_arrives_as_it_is() -> None:
    arm = Arm()
    odd = "/v3/scores/a%2Fb/?feature=%7B%7C&x"
    answers = await arm.ask(
        Ask(odd),
        Ask("/f", "POST", form="revids=1%7C2"),
        Ask("/j", "POST", json='{"a": 1}'),
        Ask("/t", "POST", form="{}", content_type="text/plain"),
        Ask("/d", "DELETE"),
    )
    assert arm.asked == [
        ("GET", odd, None, ""),
        ("POST", "/f", "application/x-www-form-urlencoded", "revids=1%7C2"),
        ("POST", "/j", "application/json", '{"a": 1}'),
        ("POST", "/t", "text/plain", "{}"),
        ("DELETE", "/d", None, ""),
    ]
    assert {(answer.status, answer.body, answer.lost) for answer in answers} == {(200, b"ok", "")}
    assert all(answer.ms > 0 and "content-length" in answer.headers for answer in answers)


async def test_a_redirect_is_an_answer_and_a_cookie_is_not_sent_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both arms must be asked the same, and an operator's proxy would stand between them and us."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    moved = web.Response(status=302, headers={"Location": "/elsewhere", "Set-Cookie": "a=b"})
    arm = Arm(moved)
    first, second = await arm.ask(Ask("/x"), Ask("/y"))
    assert (first.status, first.headers["location"]) == (302, "/elsewhere")
    assert second.status == 200
    assert [path for _, path, _, _ in arm.asked] == ["/x", "/y"]
    assert arm.told == [[None, "assay-rollout", "1"]] * 2


async def test_no_whole_answer_has_no_status_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.rollout.evidence.asker.MAX_BODY_BYTES", 1000)
    async with HttpAsker(limit_s=0.1) as asker:
        with faulty_server(silent) as url:
            late = await asker.ask(url, Ask("/"))
            assert (late.status, late.lost) == (0, "no answer in time")
    async with HttpAsker() as asker:
        with faulty_server(content(b"half", announced=100)) as url:
            cut = await asker.ask(url, Ask("/"))
        with faulty_server(content(bytes(1001))) as url:
            large = await asker.ask(url, Ask("/"))
        with faulty_server(content(bytes(1000))) as url:
            assert (await asker.ask(url, Ask("/"))).status == 200
        gone = await asker.ask(url, Ask("/"))
        odd = await asker.ask("http://127.0.0.1:port", Ask("/"))
    assert large.lost == "more than 1000 bytes"
    for answer in (cut, large, gone, odd):
        assert (answer.status, answer.body) == (0, b"")
        assert 0 < len(answer.lost) <= 200


def told(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status)


VERSIONED = Ask(f"/v2/models/a%2Fb/versions/{ARMS_VERSION}/infer", "POST", json="{}", version_of="a/b")


async def test_an_arm_is_asked_by_the_version_that_it_tells() -> None:
    arm = Arm(told('{"versions": ["1.0 x"]}'))
    (answer,) = await arm.ask(VERSIONED)
    assert answer.body == b"ok"
    assert [(method, path) for method, path, _, _ in arm.asked] == [
        ("GET", "/v2/models/a%2Fb"),
        ("POST", "/v2/models/a%2Fb/versions/1.0%20x/infer"),
    ]


@pytest.mark.parametrize("text", ["<html>", "[]", "{}", '{"versions": []}', '{"versions": [1]}', "null"])
async def test_an_arm_that_tells_no_version_gave_no_answer(text: str) -> None:
    arm = Arm(told(text))
    (answer,) = await arm.ask(VERSIONED)
    assert (answer.status, answer.lost) == (0, "no version of a/b is told")
    assert len(arm.asked) == 1


async def test_an_error_instead_of_a_version_is_the_answer() -> None:
    arm = Arm(told("gone", 404))
    (answer,) = await arm.ask(VERSIONED)
    assert (answer.status, answer.body) == (404, b"gone")
