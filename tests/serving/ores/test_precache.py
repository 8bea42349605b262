"""Events posted to ``/v3/precache/`` and given to ``/v2/precache/``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from assay.clock import Deadline
from assay.events import Rules
from assay.scoring.inline import InlineEngine
from assay.scoring.request import Cell, Job
from assay.serving.options import QuotaOptions
from assay.telemetry import Metrics
from events.recorded import fed, streamed
from servers.asgi import Served, serving
from small_app import GONE, SmallApp, ask, post_form, post_json
from small_models import small_models

RULES = Rules(
    {"smallwiki": {"damaging": ("nonbot_edit",), "articlequality": ("main_creation",), "goodfaith": ()}},
    {"commonswiki": "smallwiki"},
)


class Spy(InlineEngine):
    """Keeps the jobs it was given."""

    def __init__(self) -> None:
        super().__init__(small_models(), Metrics("test"))
        self.jobs: list[Job] = []

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        self.jobs.append(job)
        return await super().score(job, deadline)


@pytest.fixture(scope="module")
def spy() -> Spy:
    return Spy()


@pytest.fixture(scope="module")
def served(spy: Spy) -> Iterator[Served]:
    with serving(SmallApp(engine=spy, rules=RULES).build().asgi) as started:
        yield started


def created(rev_id: int = 12, **changed: Any) -> dict[str, Any]:
    """A recorded event, of this wiki."""
    return {**streamed("revision-create")[0], "database": "smallwiki", "rev_id": rev_id, **changed}


def test_an_edit_that_a_rule_wants_is_scored_and_in_the_cache(served: Served) -> None:
    reply = post_json(served, "/v3/precache/", created(21))
    assert reply.status == 200
    same = ask(served, "/v3/scores/smallwiki/21/damaging")
    assert same.json == reply.json
    assert same.headers["x-cache"] == "hit"


def test_rules_choose_the_models(served: Served) -> None:
    creation = created(22, page_namespace=0)
    del creation["rev_parent_id"]
    scores = post_json(served, "/v3/precache", creation).json["smallwiki"]["scores"]["22"]
    assert set(scores) == {"damaging", "articlequality"}


@pytest.mark.parametrize(
    "event",
    [
        created(performer={"user_groups": ["bot"]}),
        created(database="otherwiki"),
        {**fed("udp")[0], "wiki": "smallwiki"},
        streamed("page-delete")[0],
    ],
    ids=["a bot's", "another wiki's", "no edit", "another stream's"],
)
def test_what_no_rule_wants_is_answered_without_content(served: Served, spy: Spy, event: object) -> None:
    before = len(spy.jobs)
    for reply in (
        post_json(served, "/v3/precache/", event),
        ask(served, f"/v2/precache/?{urlencode({'event': json.dumps(event)})}"),
    ):
        assert (reply.status, reply.body) == (204, b"")
        assert reply.headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert len(spy.jobs) == before


def test_newer_events_and_what_a_wiki_calls_itself(served: Served) -> None:
    (told,) = streamed("liftwing__sample_page_change_event")
    revision = {**told["event"]["revision"], "rev_id": 23}
    event = {**told["event"], "wiki_id": "commonswiki", "revision": revision}
    assert list(post_json(served, "/v3/precache/", event).json["smallwiki"]["scores"]) == ["23"]


def test_nobody_waits_for_it(served: Served, spy: Spy) -> None:
    post_json(served, "/v3/precache/", created(24))
    assert [job.bulk for job in spy.jobs if job.revision.id == 24] == [True]


def test_a_revision_that_cannot_be_scored_is_told_in_its_cell(served: Served) -> None:
    reply = post_json(served, "/v3/precache/", created(GONE))
    assert reply.status == 200
    cell = reply.json["smallwiki"]["scores"][str(GONE)]["damaging"]
    assert cell["error"]["type"] == "RevisionNotFound"


def test_the_second_api_by_query_and_by_form(served: Served) -> None:
    event = json.dumps(created(25))
    third = post_json(served, "/v3/precache/", created(25)).json["smallwiki"]
    score = third["scores"]["25"]["damaging"]["score"]
    wanted = {"damaging": {"version": third["models"]["damaging"]["version"], "scores": {"25": score}}}
    for reply in (
        ask(served, f"/v2/precache/?event={quote(event)}"),
        ask(served, f"/v2/precache/?event={quote(quote(event))}"),
        post_form(served, "/v2/precache/", urlencode({"event": event}).encode()),
    ):
        assert reply.status == 200
        assert reply.json == {"scores": {"smallwiki": wanted}}


@pytest.mark.parametrize("key", ["database", "rev_id", "meta"])
def test_what_is_missing_is_told_in_oress_words(served: Served, key: str) -> None:
    event = {name: value for name, value in created().items() if name != key}
    told = (400, "bad request", f"Must provide the '{key}' parameter")
    assert post_json(served, "/v3/precache/", event).error == told
    assert ask(served, f"/v2/precache/?event={quote(json.dumps(event))}").error == told


def test_a_post_without_a_body_is_told_in_oress_words(served: Served) -> None:
    told = (400, "bad request", "Must provide a POST'ed json as an event")
    assert post_json(served, "/v3/precache/", b"").error == told


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff", b"%7B", b'{"a": NaN}'])
def test_what_is_no_json(served: Served, body: bytes) -> None:
    told = (400, "bad request", "Can not parse event argument as JSON blob")
    assert post_json(served, "/v3/precache/", body).error == told


def test_one_further_layer_of_percent_encoding_is_taken_off_and_no_more(served: Served) -> None:
    layers = b"event=%25" + b"25" * 200_000 + b"7B"
    told = (400, "bad request", "Can not parse event argument as JSON blob")
    assert post_form(served, "/v2/precache/", layers).error == told


@pytest.mark.parametrize("query", ["", "?events=1", "?event=", "?event=%257B"])
def test_the_second_api_without_an_event(served: Served, query: str) -> None:
    status, code, message = ask(served, f"/v2/precache/{query}").error
    assert (status, code) == (400, "bad request")
    assert "event" in message


def test_precaching_is_no_way_around_the_quotas() -> None:
    limits = QuotaOptions(concurrent=2, revisions_per_minute=1, burst=50, exempt=())
    with serving(SmallApp(rules=RULES, quota=limits).build().asgi) as served:
        replies = [post_json(served, "/v3/precache/", created(30 + n)) for n in range(51)]
    assert [reply.status for reply in replies] == [200] * 50 + [429]
    assert "retry-after" in replies[-1].headers
