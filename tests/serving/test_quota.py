"""Quotas on the wire: who is counted, who is not, and what a refusal says."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import quote

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from assay import settings
from assay.clock import Deadline, FakeClock
from assay.errors import ConfigurationError
from assay.events import Rules
from assay.scoring.inline import InlineEngine
from assay.scoring.options import MAX_REVISIONS
from assay.scoring.request import Cell, Job, ScoreRequest
from assay.scoring.service import Table
from assay.serving.app import build_app
from assay.serving.client import Client, parse_address
from assay.serving.options import AppOptions, QuotaOptions
from assay.serving.ores.model_info import ModelInfos
from assay.serving.quota import Gate
from assay.stores.quota import Exceeded, Lease, Limits, MemoryQuotas
from assay.telemetry import QUOTA_REFUSALS, Metrics
from servers.asgi import Served, serving
from servers.small_web import SmallWeb
from small_app import CLOCK, Reply, SmallApp, ask, post_form, post_json, small_service
from small_models import small_models

STRICT = QuotaOptions(concurrent=2, revisions_per_minute=6, burst=50, exempt=())
"""Loopback is limited too; nothing leaks back within a test."""

STRANGER, OTHER, PRECACHER = "203.0.113.9", "203.0.113.10", "198.51.100.7"


class Limited(Protocol):
    """Starts an application whose clients have limits, on the engine of the test."""

    def __call__(
        self, options: QuotaOptions = STRICT, metrics: Metrics | None = None
    ) -> AbstractContextManager[Served]: ...


@pytest.fixture
def limited(web: SmallWeb, engine: str) -> Limited:
    @contextmanager
    def start(options: QuotaOptions = STRICT, metrics: Metrics | None = None) -> Iterator[Served]:
        app = web.app(engine, metrics=metrics)
        app.quota = options
        app.rules = Rules({"smallwiki": {"damaging": ("edit",)}})
        with serving(app.build().asgi) as served:
            yield served

    return start


def ask_as(served: Served, client: str, path: str) -> Reply:
    """Through a reverse proxy on this machine, as nginx does it."""
    return ask(served, path, headers={"X-Forwarded-For": client})


def revisions(count: int, first: int = 1, more: str = "") -> str:
    ids = "|".join(str(first + number) for number in range(count))
    return f"/v3/scores/smallwiki/?revids={ids}{more}"


EVENT = {"type": "edit", "wiki": "smallwiki", "revision": {"new": 12, "old": 11}}
TEXT = {"text": "x", "page": {"title": "x"}}
ONE_OF_MANY = {"rev_id": 12, "lang": "small"}
TENSOR = {"inputs": [{"name": "rev_id", "datatype": "INT64", "shape": [1], "data": [12]}]}
LIFT_WING, GATEWAY = "/v1/models/smallwiki-damaging", "/service/lw/inference"
REVERT_RISK = "/v1/models/revertrisk-multilingual:predict"

SCORING: list[tuple[str, Callable[[Served], Reply]]] = [
    ("v3 many", lambda served: ask(served, "/v3/scores/smallwiki/?revids=12")),
    ("v3 many, POST", lambda served: post_form(served, "/v3/scores/smallwiki/", b"revids=12")),
    ("v3 one", lambda served: ask(served, "/v3/scores/smallwiki/12")),
    ("v3 one, HEAD", lambda served: ask(served, "/v3/scores/smallwiki/12", method="HEAD")),
    ("v3 cell", lambda served: ask(served, "/v3/scores/smallwiki/12/damaging")),
    ("v3 cell, POST", lambda served: post_form(served, "/v3/scores/smallwiki/12/damaging/", b"features")),
    ("native", lambda served: ask(served, "/api/smallwiki/revisions/12")),
    ("v1 one", lambda served: ask(served, "/v1/scores/smallwiki/damaging/12/")),
    ("v1 many", lambda served: ask(served, "/scores/smallwiki?revids=12")),
    ("v2 one", lambda served: ask(served, "/v2/scores/smallwiki/damaging/12")),
    ("v2 many, POST", lambda served: post_form(served, "/v2/scores/smallwiki/", b"revids=12")),
    ("v2 event", lambda served: ask(served, f"/v2/precache/?event={quote(json.dumps(EVENT))}")),
    ("v3 event", lambda served: post_json(served, "/v3/precache/", EVENT)),
    ("Lift Wing", lambda served: post_json(served, f"{LIFT_WING}:predict", {"rev_id": 12})),
    ("Lift Wing, event", lambda served: post_json(served, f"{LIFT_WING}:predict", {"event": EVENT})),
    ("Lift Wing, why", lambda served: post_json(served, f"{LIFT_WING}:explain", {"rev_id": 12})),
    ("Lift Wing, text", lambda served: post_json(served, f"{LIFT_WING}:predict", {"revision_data": TEXT})),
    ("gateway", lambda served: post_json(served, f"{GATEWAY}{LIFT_WING}:predict", {"rev_id": 12})),
    ("revert risk", lambda served: post_json(served, REVERT_RISK, {"instances": [ONE_OF_MANY]})),
    ("inference", lambda served: post_json(served, "/v2/models/smallwiki-damaging/infer", TENSOR)),
    ("native what if", lambda served: post_json(served, "/api/smallwiki/revisions/12", {})),
    ("native text", lambda served: post_json(served, "/api/smallwiki/text", {"text": "x", "title": "x"})),
    ("native feed", lambda served: ask(served, "/api/smallwiki/feed?limit=1")),
    ("native latest", lambda served: ask(served, "/api/smallwiki/recent")),
]
"""Each asks for one revision. A stream, which waits where these are refused, has a test of its own."""
FREE = ["/livez", "/readyz", "/metrics", "/v3/scores/", "/v3/scores/smallwiki", "/api/wikis", "/openapi.json"]


def test_every_scoring_route_is_counted_and_nothing_else(limited: Limited) -> None:
    with limited() as served:
        for path in FREE:
            assert [ask(served, path).status for _ in range(3)] == [200] * 3
        assert ask(served, revisions(50)).status == 200
        for name, request in SCORING:
            assert request(served).status == 429, name
        for path in FREE:
            assert ask(served, path).status == 200


@pytest.mark.parametrize(("name", "request_"), SCORING)
def test_a_single_revision_costs_one(
    limited: Limited, name: str, request_: Callable[[Served], Reply]
) -> None:
    with limited() as served:
        assert ask(served, revisions(48)).status == 200
        assert [request_(served).status for _ in range(3)] == [200, 200, 429], name


def test_what_is_wrong_is_refused_as_such_and_costs_nothing(limited: Limited) -> None:
    with limited() as served:
        for _ in range(60):
            assert ask(served, "/v3/scores/smallwiki/?revids=x").status == 400
        assert ask(served, revisions(50)).status == 200
        assert ask(served, "/v3/scores/smallwiki/?revids=x").status == 400


def test_the_refusal_says_which_limit_and_when_to_come_back(limited: Limited) -> None:
    metrics = Metrics("test")
    with limited(metrics=metrics) as served:
        ask(served, revisions(50))
        reply = ask(served, revisions(3))
        status, code, message = reply.error
        assert (status, code) == (429, "too_many_requests")
        assert 25 <= int(reply.headers["retry-after"]) <= 30
        assert message.startswith("Too many revisions: 6 per minute are allowed for each client, 50 at once")
        assert reply.headers["retry-after"] + " s." in message
        assert metrics.value(QUOTA_REFUSALS, "rate") == 1
        assert metrics.value(QUOTA_REFUSALS, "concurrent") == 0


def test_only_exempt_clients_are_told_what_an_answer_cost(limited: Limited) -> None:
    with limited(replace(STRICT, exempt=QuotaOptions().exempt)) as served:
        told = ask(served, revisions(2, more="&features")).headers["server-timing"]
        assert re.fullmatch(r"cpu;dur=\d+\.\d{3}", told)
        assert "server-timing" not in ask_as(served, STRANGER, revisions(2, 5, "&features")).headers
        assert "server-timing" not in ask(served, "/v3/scores/smallwiki/").headers
    with limited() as served:
        assert "server-timing" not in ask(served, revisions(2, 5)).headers


def test_what_came_from_the_cache_even_in_part_costs_what_nobody_knows(limited: Limited) -> None:
    with limited(replace(STRICT, exempt=QuotaOptions().exempt)) as served:
        assert "server-timing" in ask(served, revisions(1, 700)).headers
        for path in (revisions(1, 700), revisions(2, 700)):
            assert "server-timing" not in ask(served, path).headers


def test_clients_behind_one_proxy_are_apart_and_cannot_name_themselves(limited: Limited) -> None:
    with limited() as served:
        assert ask_as(served, STRANGER, revisions(50)).status == 200
        for claim in (STRANGER, f"{OTHER}, {STRANGER}", f"127.0.0.1, {STRANGER}", f", {STRANGER}"):
            assert ask_as(served, claim, revisions(1)).status == 429
        both = {"X-Forwarded-For": STRANGER, "Forwarded": f"for={OTHER}", "X-Client-IP": OTHER}
        assert ask(served, revisions(1), headers=both).status == 429
        assert ask_as(served, OTHER, revisions(50)).status == 200


def test_by_default_this_machine_is_exempt_and_clients_of_its_proxy_are_not(limited: Limited) -> None:
    options = replace(QuotaOptions(), revisions_per_minute=6, burst=50)
    with limited(options) as served:
        assert [ask(served, revisions(50)).status for _ in range(3)] == [200] * 3
        assert [ask_as(served, STRANGER, revisions(50)).status for _ in range(2)] == [200, 429]
        assert [ask_as(served, "unknown", revisions(50)).status for _ in range(2)] == [200, 429]


def test_without_quotas_nobody_is_refused(limited: Limited) -> None:
    with limited(replace(STRICT, enabled=False)) as served:
        assert [ask(served, revisions(50)).status for _ in range(3)] == [200] * 3


# -- precache ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", ["&precache", "&precache=true", "&precache=1"])
def test_regression_legacy_13_precache_does_not_escape_the_limit(limited: Limited, more: str) -> None:
    with limited() as served:
        assert ask_as(served, STRANGER, revisions(50, more=more)).status == 200
        assert ask_as(served, STRANGER, revisions(1, more=more)).status == 429
        form = f"revids=1{more}".encode()
        headers = {"X-Forwarded-For": STRANGER}
        path = "/v3/scores/smallwiki"
        kind = "application/x-www-form-urlencoded"
        assert ask(served, path, method="POST", body=form, content_type=kind, headers=headers).status == 429
        assert ask_as(served, STRANGER, revisions(51, more=more)).status == 400


def test_precache_clients_are_outside_the_limits_only_when_they_precache(limited: Limited) -> None:
    with limited(replace(STRICT, precache_clients=("198.51.100.0/24",))) as served:
        for _ in range(3):
            assert ask_as(served, PRECACHER, revisions(50, more="&precache")).status == 200
        assert ask_as(served, PRECACHER, revisions(50)).status == 200
        assert ask_as(served, PRECACHER, revisions(1)).status == 429
        assert ask_as(served, PRECACHER, revisions(50, more="&precache=false")).status == 429
        assert ask_as(served, PRECACHER, revisions(50, more="&precache")).status == 200


def test_precache_without_a_place_in_the_configuration_is_counted_as_usual() -> None:
    gate = Gate(QuotaOptions(), MemoryQuotas(FakeClock()), Metrics(), 20.0)
    for bulk in (True, False):
        assert gate.is_limited(Client(STRANGER, parse_address(STRANGER)), bulk=bulk)
        assert gate.is_limited(Client("behind 127.0.0.1", None), bulk=bulk)
        assert not gate.is_limited(Client("127.0.0.1", parse_address("127.0.0.1")), bulk=bulk)


@pytest.mark.parametrize(("more", "bulk"), [("&precache", True), ("", False)])
def test_precache_sends_the_work_to_the_bulk_lane(
    more: str, bulk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Metrics("test")
    service = small_service(metrics)
    asked: list[ScoreRequest] = []
    score = service.score

    async def record(request: ScoreRequest, deadline: Deadline) -> Table:
        asked.append(request)
        return await score(request, deadline)

    monkeypatch.setattr(service, "score", record)
    app = build_app(AppOptions(), service, ModelInfos({}), metrics, CLOCK)
    with serving(app.asgi) as served:
        assert ask(served, revisions(1, more=more)).status == 200
    assert [request.bulk for request in asked] == [bulk]


# -- at once -----------------------------------------------------------------------------------------


class HeldEngine(InlineEngine):
    """Answers when the test says so."""

    def __init__(self) -> None:
        super().__init__(small_models(), Metrics())
        self.waiting = threading.Semaphore(0)
        self.released = threading.Event()

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        self.waiting.release()
        await asyncio.to_thread(self.released.wait, 30)
        return await super().score(job, deadline)


def test_regression_legacy_1_each_limit_is_read_from_its_own_setting() -> None:
    for name, limit in (
        ("concurrent", "concurrent"),
        ("revisions_per_minute", "per_minute"),
        ("burst", "burst"),
    ):
        loaded = settings.load(environment={f"ASSAY_QUOTA__{name.upper()}": "123"})
        others = {"concurrent", "per_minute", "burst"} - {limit}
        limits, usual = loaded.quota.limits(1.0), QuotaOptions().limits(1.0)
        assert getattr(limits, limit) == 123
        assert all(getattr(limits, other) == getattr(usual, other) for other in others)


def test_one_request_more_than_allowed_at_once_is_refused_and_places_come_back() -> None:
    engine, metrics = HeldEngine(), Metrics("test")
    app = SmallApp(engine=engine, metrics=metrics, quota=STRICT).build()
    with serving(app.asgi) as served, ThreadPoolExecutor(3) as pool:
        try:
            first = [pool.submit(ask, served, f"/v3/scores/smallwiki/{rev_id}") for rev_id in (1, 2)]
            assert all(engine.waiting.acquire(timeout=30) for _ in first)
            refused = ask(served, "/v3/scores/smallwiki/3")
            assert refused.error[:2] == (429, "too_many_requests")
            assert refused.error[2].startswith("Too many requests at once: 2 are allowed for each client.")
            assert refused.headers["retry-after"] == "1"
            assert metrics.value(QUOTA_REFUSALS, "concurrent") == 1
            engine.released.set()
            elsewhere = ask_as(served, OTHER, "/v3/scores/smallwiki/3")
            assert elsewhere.status == 200
            assert [reply.result(30).status for reply in first] == [200, 200]
            assert ask(served, "/v3/scores/smallwiki/3").status == 200
        finally:
            engine.released.set()


@dataclass
class CountingQuotas:
    """Lets everybody in; knows who is inside."""

    inside: list[str] = field(default_factory=list)
    entered: list[tuple[str, int]] = field(default_factory=list)
    closed: bool = False

    async def enter(self, client: str, cost: int, limits: Limits) -> Lease | Exceeded:
        self.inside.append(client)
        self.entered.append((client, cost))
        return Lease(client, "token")

    async def leave(self, lease: Lease) -> None:
        self.inside.remove(lease.client)

    async def aclose(self) -> None:
        self.closed = True


def test_places_are_given_back_whatever_becomes_of_the_request() -> None:
    quotas, metrics = CountingQuotas(), Metrics("test")

    class Broken(InlineEngine):
        async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
            raise RuntimeError("broken")

    service = small_service(metrics, Broken(small_models(), metrics))
    infos = ModelInfos({})
    app = build_app(AppOptions(), service, infos, metrics, CLOCK, quota=STRICT, quotas=quotas)
    with serving(app.asgi) as served:
        assert ask(served, "/api/smallwiki/revisions/12").status == 500
        assert ask(served, "/api/smallwiki/revisions/404").status == 404
        assert ask(served, revisions(7)).status == 200
    assert quotas.inside == []
    assert quotas.entered == [("127.0.0.1", 1), ("127.0.0.1", 1), ("127.0.0.1", 7)]
    assert quotas.closed


def without_address(app: ASGIApp) -> ASGIApp:
    """As a server on a unix socket calls the application."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "client": None}, receive, send)

    return call


@pytest.mark.parametrize(("exempt", "statuses"), [((), [200, 429]), (("127.0.0.1/32",), [200, 200])])
def test_a_peer_without_address_is_this_machine(exempt: tuple[str, ...], statuses: list[int]) -> None:
    metrics = Metrics("test")
    options = replace(STRICT, exempt=exempt)
    app = build_app(AppOptions(), small_service(metrics), ModelInfos({}), metrics, CLOCK, quota=options)
    with serving(without_address(app.asgi)) as served:
        assert [ask(served, revisions(50)).status for _ in range(2)] == statuses


# -- configuration -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["exempt", "trusted_proxies", "precache_clients"])
def test_a_bad_network_is_told_with_its_setting(name: str) -> None:
    environment = {f"ASSAY_QUOTA__{name.upper()}": '["10.0.0.0/8", "10.0.0.1/8"]'}
    with pytest.raises(ConfigurationError, match=rf"{name}: '10\.0\.0\.1/8' is no network"):
        settings.load(environment=environment)


@pytest.mark.parametrize(
    ("name", "value"),
    [("concurrent", "0"), ("revisions_per_minute", "0"), ("burst", "49"), ("forwarded_header", "x")],
)
def test_limits_that_would_refuse_for_ever_are_refused(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        settings.load(environment={f"ASSAY_QUOTA__{name.upper()}": value})


def test_the_defaults_let_a_whole_request_in() -> None:
    options: Any = QuotaOptions()
    assert options.burst >= MAX_REVISIONS
    assert options.concurrent >= 6  # a browser's connections
