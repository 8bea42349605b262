"""What counts as an incident: a drill whose users saw nothing would prove nothing."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from assay.drill.users import Front, Incident, Users
from assay.load import Answered, Expectations
from assay.load.requests import Request
from assay.load.verify import MALFORMED, Verdict

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
