"""Scores as lines: all of them, bounded work, slow and lost readers, quotas, and what is left at the end."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from assay.serving.options import AppOptions, GuardOptions, QuotaOptions, StreamOptions
from assay.telemetry import CELLS, HTTP_IN_FLIGHT, Metrics
from servers.asgi import Served, serving
from servers.small_web import SmallWeb
from small_app import GONE, HIDDEN_TEXT, Reply, SmallApp, ask, post_json
from waiting import until

SCORES = "/api/smallwiki/scores"
SMALL = StreamOptions(chunk=4, window=2)


def lines_of(reply: Reply) -> list[Any]:
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert reply.body.endswith(b"\n")
    return [json.loads(line) for line in reply.body.splitlines()]


# -- over HTTP, on every engine ----------------------------------------------------------------------


def test_every_revision_has_a_line_and_the_last_line_says_it_is_whole(live: Served) -> None:
    ids = [*range(501, 621), GONE, HIDDEN_TEXT, 2000]
    first, *told, last = lines_of(post_json(live, SCORES, {"revisions": ids, "models": ["damaging"]}))
    assert first["wiki"] == "smallwiki"
    assert first["revisions"] == len(ids)
    assert first["models"]["damaging"]["version"] == "1.2.3"
    assert sorted(line["revision"] for line in told) == sorted(ids)
    assert last == {"done": True, "scored": 120, "failed": 3}
    cells = {line["revision"]: line["scores"]["damaging"] for line in told}
    assert cells[GONE]["error"]["code"] == "revision_not_found"
    assert cells[HIDDEN_TEXT]["error"]["code"] == "text_deleted"


def test_cells_are_those_of_single_requests(live: Served) -> None:
    asked = {"revisions": [12, 13], "features": True, "explain": True}
    _, *told, _ = lines_of(post_json(live, SCORES, asked))
    single = ask(live, "/v3/scores/smallwiki?revids=12|13&features&explain").json["smallwiki"]["scores"]
    assert {str(line["revision"]): line["scores"] for line in told} == single


def test_lines_come_as_asked_when_that_is_wished_and_once_for_equal_ids(live: Served) -> None:
    ids = [*range(900, 700, -1), 900, 899]
    asked = {"revisions": ids, "models": ["damaging"], "order": "asked"}
    _, *told, last = lines_of(post_json(live, SCORES, asked))
    assert [line["revision"] for line in told] == ids[:-2]
    assert last["scored"] == 200


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "Give a list of revision ids"),
        ({"revisions": []}, "at least one"),
        ({"revisions": "1|2"}, "Give a list of revision ids"),
        ({"revisions": [1, "2"]}, '"2" is not a revision id: give whole numbers from 1'),
        ({"revisions": [True]}, "true is not a revision id"),
        ({"revisions": [0]}, "0 is not a revision id"),
        ({"revisions": [1.5]}, "1.5 is not a revision id"),
        ({"revisions": [1], "order": "random"}, "Give done or asked"),
        ({"revisions": [1], "explain": 1}, "Could not interpret explain"),
        ({"revisions": [1], "model": "damaging"}, "There is no 'model'; known are revisions"),
        (b"[1]", "Give an object"),
    ],
)
def test_a_wrong_wish_is_refused_before_anything_is_streamed(
    live: Served, document: Any, message: str
) -> None:
    status, code, found = post_json(live, SCORES, document).error
    assert (status, code) == (400, "bad_parameter")
    assert message in found


def test_more_than_one_stream_takes_is_refused_and_how_much_it_takes_is_told(live: Served) -> None:
    reply = post_json(live, SCORES, {"revisions": list(range(1, 10_002))})
    message = "Too many revisions: 10001; at most 10000 in one request."
    assert reply.error == (400, "too_many_revisions", message)
    assert reply.json["error"]["limit"] == 10_000


def test_unknown_names_are_refused_before_anything_is_streamed(live: Served) -> None:
    assert post_json(live, "/api/nowiki/scores", {"revisions": [1]}).error[:2] == (404, "unknown_wiki")
    asked = {"revisions": [1], "models": ["none"]}
    assert post_json(live, SCORES, asked).error[:2] == (404, "unknown_model")


# -- readers that are gone, or stop ------------------------------------------------------------------

MANY = {"revisions": list(range(1, 10_001))}


def begun(served: Served, wiki: str) -> socket.socket:
    """A stream whose first bytes have come, over a connection that holds little."""
    body = json.dumps(MANY).encode()
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.settimeout(30)
    reader.connect(("127.0.0.1", served.port))
    head = f"POST /api/{wiki}/scores HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    reader.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    assert reader.recv(12) == b"HTTP/1.1 200"
    return reader


def told(metrics: Metrics, wiki: str) -> float:
    """Revisions that were worked on."""
    outcomes = ("scored", "revision_not_found", "deadline_exceeded", "engine_unavailable")
    return sum(metrics.value(CELLS, wiki, "reverted", outcome) for outcome in outcomes)


def test_a_client_that_goes_away_cancels_what_was_not_begun(small_app: SmallApp, live: Served) -> None:
    """Of a wiki that no other test looks into."""
    metrics = small_app.metrics
    until(lambda: metrics.value(HTTP_IN_FLIGHT) == 0)
    before = told(metrics, "awaywiki")
    with closing(begun(live, "awaywiki")):
        until(lambda: told(metrics, "awaywiki") > before)
    until(lambda: metrics.value(HTTP_IN_FLIGHT) == 0)
    stopped = told(metrics, "awaywiki") - before
    assert 0 < stopped < 9_000
    assert ask(live, "/v3/scores/awaywiki/12/reverted").status == 200  # it still answers, and
    assert told(metrics, "awaywiki") - before - stopped <= 2 * 50 + 1  # no more than what was begun already


@pytest.fixture
def impatient(web: SmallWeb) -> Iterator[tuple[SmallApp, Served]]:
    guard = GuardOptions(write_timeout_s=0.3)
    app = web.app("inline", AppOptions(guard=guard))
    with serving(app.build().asgi) as served:
        yield app, served


def test_a_reader_that_stops_holds_up_the_work_and_is_cut_off(impatient: tuple[SmallApp, Served]) -> None:
    """Six models' cells of 10 000 revisions are more than the buffers between server and reader hold."""
    app, served = impatient
    with closing(begun(served, "smallwiki")):
        until(lambda: told(app.metrics, "smallwiki") > 0)
        until(lambda: app.metrics.value(HTTP_IN_FLIGHT) == 0)
        assert 0 < told(app.metrics, "smallwiki") < 9_000


# -- quotas ------------------------------------------------------------------------------------------


def test_a_spent_quota_pauses_a_stream_and_then_ends_it_with_what_is_left(web: SmallWeb, engine: str) -> None:
    app = web.app(engine, AppOptions(stream=StreamOptions(pause_limit_s=1.0)))
    app.quota = QuotaOptions(revisions_per_minute=60, burst=100, exempt=())
    with serving(app.build().asgi) as served:
        asked = {"revisions": list(range(1, 151)), "models": ["damaging"], "order": "asked"}
        _, *lines, last = lines_of(post_json(served, SCORES, asked))
    assert [line["revision"] for line in lines] == list(range(1, 101))
    assert (last["done"], last["scored"]) == (False, 100)
    assert last["remaining"] == list(range(101, 151))
    assert last["error"]["code"] == "too_many_requests"
    assert last["error"]["retryable"] is True


def test_a_stream_that_has_paused_goes_on(web: SmallWeb) -> None:
    app = web.app("inline", AppOptions(stream=StreamOptions(chunk=10)))
    app.quota = QuotaOptions(revisions_per_minute=6000, burst=50, exempt=())
    with serving(app.build().asgi) as served:
        asked = {"revisions": list(range(1, 101)), "models": ["damaging"]}
        _, *lines, last = lines_of(post_json(served, SCORES, asked))
    assert last == {"done": True, "scored": 100, "failed": 0}
    pauses = [line for line in lines if "pause" in line]
    assert pauses
    assert pauses[0]["pause"]["code"] == "too_many_requests"
    assert pauses[0]["retry_s"] == 1


def test_a_client_may_have_so_many_streams_at_once(web: SmallWeb) -> None:
    """Paused ones hold nothing but a connection, so that without this one client could take them all."""
    app = web.app("inline", AppOptions(stream=StreamOptions(per_client=2)))
    app.quota = QuotaOptions(exempt=())
    with serving(app.build().asgi) as served:
        with closing(begun(served, "smallwiki")), closing(begun(served, "smallwiki")):
            refused = post_json(served, SCORES, MANY)
            assert refused.error[:2] == (429, "too_many_requests")
            assert refused.headers["retry-after"] == "5"
        until(lambda: post_json(served, SCORES, {"revisions": [1, 2, 3]}).status == 200)
