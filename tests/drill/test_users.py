"""What counts as an incident: a drill whose users saw nothing would prove nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from assay.drill.users import Front, Incident, Users
from assay.load import Answered, Expectations
from assay.load.requests import Request
from assay.load.verify import MALFORMED, Verdict
from assay.scoring.synthetic import TEST_WIKI
from load.answering import document as scored
from servers.asgi import serving
from waiting import until_async

STABLE = {"prediction": True, "probability": {"true": 0.75, "false": 0.25}}
RETRAINED = {"prediction": True, "probability": {"true": 0.5, "false": 0.5}}
ASKED = Request("cell", "w", (5,), ("m",), "/v3/scores/w/5/m/")


def users(*right: Any) -> Users:
    """Who take each of these scores for right."""
    expected = [Expectations({"w": {"5": {"m": score}}}) for score in right]
    return Users([Front("main", "http://x", 1.0)], "w", ("m",), [5], expected)


def answered(cell: Any, status: int = 200) -> Answered:
    body = cell if isinstance(cell, bytes) else document(cell)
    return Answered(ASKED, "http://x", 1.0, 1.0, 1.1, status, body, 1, Verdict())


def document(cell: Any) -> bytes:
    return orjson.dumps({"w": {"models": {}, "scores": {"5": {"m": cell}}}})


def test_what_any_of_the_releases_says_is_right() -> None:
    both = users(STABLE, RETRAINED)
    assert both.fault(answered({"score": STABLE})) is None
    assert both.fault(answered({"score": RETRAINED})) is None
    told = users(STABLE).fault(answered({"score": RETRAINED}))
    assert told is not None
    assert told.startswith("200 w 5 m is ")
    assert told.endswith(": /v3/scores/w/5/m/")


@pytest.mark.parametrize(
    ("cell", "status", "told"),
    [
        ({"error": {"type": "RuntimeError"}}, 200, "200 RuntimeError"),
        ({}, 200, "200 w 5 m is neither a score nor an error"),
        (b'{"error": {"code": "overloaded"}}', 503, "503 overloaded"),
        (b"<html>", 200, f"200 {MALFORMED}"),
        (b"{}", 200, "200 the wiki w is missing"),
    ],
)
def test_everything_else_is_an_incident(cell: Any, status: int, told: str) -> None:
    for own in (users(STABLE), users(STABLE, RETRAINED)):
        assert own.fault(answered(cell, status)) == f"{told}: /v3/scores/w/5/m/"


@pytest.mark.parametrize(("status", "body"), [(None, None), (200, None), (None, b"{}")])
def test_no_whole_answer_is_an_incident(status: int | None, body: bytes | None) -> None:
    lost = Answered(ASKED, "http://x", 1.0, 1.0, 1.1, status, body, 1, Verdict(lost="cut off"))
    assert users(STABLE).fault(lost) == "no answer (cut off): /v3/scores/w/5/m/"


def test_a_time_counts_from_its_beginning_until_before_its_end() -> None:
    own = users(STABLE)
    own.asked_s = [3.0, 1.0, 2.0]  # as answers came, not as requests were due
    own.incidents = [Incident(at_s, "main", "500") for at_s in own.asked_s]
    for since_s, until_s, seen in ((1.0, 3.0, {1.0, 2.0}), (1.5, 3.5, {2.0, 3.0}), (4.0, 9.0, set())):
        assert own.asked(since_s, until_s) == len(seen)
        assert {incident.at_s for incident in own.hurt(since_s, until_s)} == seen


class Door:
    """Answers as the test wiki's model does, or (`fails`) with an error, as soon as it is open."""

    def __init__(self, *, fails: bool = False) -> None:
        self.asked: list[tuple[int, ...]] = []
        self._fails = fails
        self.is_open = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        query = parse_qs(scope["query_string"].decode())
        told = query["revids"][0].split("|") if "revids" in query else [scope["path"].split("/")[4]]
        rev_ids = tuple(map(int, told))
        self.asked.append(rev_ids)
        await asyncio.to_thread(self.is_open.wait, 60)
        content = b"" if self._fails else orjson.dumps(scored(rev_ids))
        start: dict[str, Any] = {"type": "http.response.start", "status": 500 if self._fails else 200}
        await send(start)
        await send({"type": "http.response.body", "body": content})


async def test_users_ask_both_data_centres_for_known_and_for_fresh_revisions_and_are_all_counted() -> None:
    """To the last, whose answer comes when nobody asks any more; and each where it was asked."""
    good, bad = Door(), Door(fails=True)
    with serving(good) as main, serving(bad) as standby:
        fronts = [Front("main", main.url, 60.0), Front("standby", standby.url, 60.0)]
        own = Users(fronts, TEST_WIKI, ("revid",), [5, 6], [Expectations()])

        async def ask() -> None:
            async with own.asking():
                await until_async(lambda: all(len(kinds(door)) == 2 for door in (good, bad)))

        began_s = time.time()
        asking = asyncio.create_task(ask())
        try:
            await until_async(lambda: all(len(kinds(door)) == 2 for door in (good, bad)))
            await asyncio.wait([asking], timeout=0.5)
            assert not asking.done(), "what was asked has no end yet"
            assert own.asked_s == []
        finally:
            opened_s = time.time()
            for door in (good, bad):
                door.is_open.set()
        async with asyncio.timeout(60):
            await asking
    assert len(own.asked_s) == len(good.asked) + len(bad.asked)
    assert {incident.data_centre for incident in own.incidents} == {"standby"}
    assert len(own.incidents) == len(bad.asked)
    assert began_s - 1 <= min(own.asked_s) < opened_s, "when they asked, not when they were answered"
    assert own.asked(began_s - 1, time.time() + 1) == len(own.asked_s)


def kinds(door: Door) -> set[bool]:
    """Whether what was asked is among the known revisions."""
    return {rev_id in (5, 6) for rev_ids in door.asked for rev_id in rev_ids}
