"""What every handler that gives scores has at hand: its wiki, its time, and what its headers may tell."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from assay.clock import FakeClock
from assay.errors import UnknownWiki
from assay.models.model import Score
from assay.scoring.request import Scored
from assay.serving.backend import Backend
from assay.serving.options import QuotaOptions
from assay.serving.quota import Gate
from assay.stores.quota import MemoryQuotas
from assay.telemetry import Metrics
from small_app import small_service


def backend(clock: FakeClock, **quota: Any) -> Backend:
    metrics = Metrics()
    gate = Gate(QuotaOptions(**quota), MemoryQuotas(clock), metrics, 20.0)
    return Backend(small_service(metrics), gate, clock, 20.0)


def request(peer: str, **path: str) -> Request:
    return Request({"type": "http", "headers": [], "client": (peer, 1234), "path_params": path})


def test_the_wiki_is_the_one_that_the_path_names() -> None:
    made = backend(FakeClock())
    assert made.wiki(request("127.0.0.1", wiki="smallwiki")) is made.wikis["smallwiki"]
    with pytest.raises(UnknownWiki):
        made.wiki(request("127.0.0.1", wiki="nowiki"))


def test_each_request_has_the_whole_time_from_its_beginning_on() -> None:
    clock = FakeClock()
    made = backend(clock)
    first = made.deadline()
    clock.advance(15)
    assert (first.remaining_s(), made.deadline().remaining_s()) == (5.0, 20.0)
    clock.advance(5)
    assert first.passed


def test_only_the_operators_own_clients_are_told_what_an_answer_cost() -> None:
    made = backend(FakeClock(), exempt=("192.0.2.0/24",))
    rows = [[Scored(Score(True, {True: 1.0, False: 0.0}), cpu_s=0.25)]]
    assert made.headers(request("192.0.2.7"), rows) == {"X-Cache": "miss", "Server-Timing": "cpu;dur=250.000"}
    assert made.headers(request("198.51.100.7"), rows) == {"X-Cache": "miss"}
