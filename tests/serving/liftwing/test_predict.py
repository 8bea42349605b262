"""``/v1/models/…`` over real HTTP, on every engine."""

from __future__ import annotations

import json
from math import exp, isclose
from typing import Any

import pytest

from assay.events import Rules
from servers.asgi import Served, serving
from shared_data import shared
from small_app import AWAY, CREATION, GONE, HIDDEN_TEXT, HIDDEN_USER, ORPHAN, SmallApp, ask, post_json

DAMAGING = "/v1/models/smallwiki-damaging:predict"


def cell(live: Served, document: Any, model: str = "damaging", verb: str = "predict") -> Any:
    reply = post_json(live, f"/v1/models/smallwiki-{model}:{verb}", document)
    assert reply.status == 200, reply.body
    (row,) = reply.json["smallwiki"]["scores"].values()
    return row[model]


# -- what is answered --------------------------------------------------------------------------------


def test_a_score_is_that_of_ores(live: Served) -> None:
    reply = post_json(live, DAMAGING, {"rev_id": 12})
    ores = ask(live, "/v3/scores/smallwiki/12/damaging").json["smallwiki"]
    assert reply.json == {"smallwiki": ores}


def test_it_is_the_same_cache(live: Served) -> None:
    ask(live, "/v3/scores/smallwiki/77/damaging")
    assert post_json(live, DAMAGING, {"rev_id": 77}).headers["x-cache"] == "hit"
    assert post_json(live, DAMAGING, {"rev_id": 77, "extended_output": True}).headers["x-cache"] == "miss"


@pytest.mark.parametrize("wish", [True, "true", "True"])
def test_extended_output_adds_the_features(live: Served, wish: Any) -> None:
    assert cell(live, {"rev_id": 12, "extended_output": wish})["features"]["feature.test.chars"] == 165


@pytest.mark.parametrize("wish", [False, None, "false"])
def test_features_are_left_out_otherwise(live: Served, wish: Any) -> None:
    assert set(cell(live, {"rev_id": 12, "extended_output": wish})) == {"score"}


def test_an_explanation_is_exact(live: Served) -> None:
    told = cell(live, {"rev_id": 12}, verb="explain")
    why = told["explanation"]["true"]
    logit = why["base"] + sum(why["contributions"].values())
    assert isclose(1 / (1 + exp(-logit)), told["score"]["probability"]["true"], rel_tol=1e-12)
    assert set(why["contributions"]) == set(told["features"])


def test_an_alias_is_answered_as_asked(live: Served) -> None:
    assert cell(live, {"rev_id": 12}, model="wp10") == cell(live, {"rev_id": 12}, model="articlequality")


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
@pytest.mark.parametrize("prefix", ["", "/service/lw/inference"])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", None])
def test_paths_and_types_that_clients_send(inline: Served, colon: str, prefix: str, kind: str | None) -> None:
    path = f"{prefix}/v1/models/smallwiki-damaging{colon}predict"
    assert ask(inline, path, method="POST", body=b'{"rev_id": 12}', content_type=kind).status == 200


# -- events ------------------------------------------------------------------------------------------


def revision_create(rev_id: int, database: str = "smallwiki") -> Any:
    (event, _) = json.loads(shared("samples/events/revision-create.json").read_text("utf-8"))
    return event["data"] | {"rev_id": rev_id, "database": database}


def page_change(rev_id: int, wiki: str = "smallwiki") -> Any:
    event = json.loads(shared("samples/events/liftwing__sample_page_change_event.json").read_text())["event"]
    event["revision"]["rev_id"] = rev_id
    return event | {"wiki_id": wiki}


def test_a_wiki_is_known_by_what_it_calls_itself_in_events() -> None:
    """As where events are posted to precache."""
    event = revision_create(12, "commonswiki")
    with serving(SmallApp(rules=Rules(databases={"commonswiki": "smallwiki"})).build().asgi) as served:
        assert cell(served, {"event": event}) == cell(served, {"rev_id": 12})
        risk = post_json(served, "/v1/models/revertrisk-multilingual:predict", {"event": event}).json
        assert (risk["wiki_db"], risk["revision_id"]) == ("smallwiki", 12)


@pytest.mark.parametrize("event", [revision_create, page_change])
def test_an_event_names_its_revision(live: Served, event: Any) -> None:
    asked = {"event": event(12), "rev_id": 13, "extended_output": True}
    reply = post_json(live, DAMAGING, asked).json
    assert list(reply["smallwiki"]["scores"]) == ["12"]


@pytest.mark.parametrize("event", [revision_create, page_change])
def test_another_wikis_event_is_refused(live: Served, event: Any) -> None:
    reply = post_json(live, DAMAGING, {"event": event(12, "otherwiki")})
    assert (reply.status, set(reply.json)) == (400, {"error"})
    assert "otherwiki" in reply.json["error"]


@pytest.mark.parametrize("kind", ["move", "delete"])
def test_an_event_of_no_edit_is_refused(live: Served, kind: str) -> None:
    reply = post_json(live, DAMAGING, {"event": page_change(12) | {"page_change_kind": kind}})
    assert reply.status == 400
    assert "no new revision" in reply.json["error"]


# -- texts that are not saved ------------------------------------------------------------------------


def test_an_unsaved_text_is_called_minus_one_and_not_kept(live: Served) -> None:
    data = {"text": "Hello!!", "page": {"title": "Made up"}, "parent": {"id": 11}}
    for _ in range(2):
        reply = post_json(live, DAMAGING, {"revision_data": data, "extended_output": True})
        told = reply.json["smallwiki"]["scores"]["-1"]["damaging"]
        assert told["features"]["feature.test.shouts"] == 2
        assert reply.headers["x-cache"] == "miss"
    assert set(cell(live, {"revision_data": data})) == {"score"}
    assert "explanation" in cell(live, {"revision_data": data}, verb="explain")


def test_what_nobody_tells_is_missing(live: Served) -> None:
    data = {"text": "Hello", "page": {"title": "Made up"}}
    told = cell(live, {"revision_data": data, "extended_output": True}, model="goodfaith")["features"]
    assert told["feature.test.comment_chars"] is None
    assert told["feature.test.edit_count"] is None
    data |= {"comment": "", "user": {"id": 7, "edit_count": 3}}
    told = cell(live, {"revision_data": data, "extended_output": True}, model="goodfaith")["features"]
    assert told["feature.test.comment_chars"] == 0
    assert told["feature.test.edit_count"] == 3


def test_a_parent_is_given_or_fetched_or_not_there(live: Served) -> None:
    data: dict[str, Any] = {"text": "Hello", "page": {"title": "Made up"}}
    given = {**data, "parent": {"text": "x" * 42}}
    fetched = {**data, "parent": {"id": 12}}
    for document, chars in ((given, 42), (fetched, 165)):
        asked = {"revision_data": document, "extended_output": True}
        assert cell(live, asked, model="parented")["features"] == {"feature.test.parent_chars": chars}
    reply = post_json(live, "/v1/models/smallwiki-parented:predict", {"revision_data": data})
    assert reply.status == 400
    assert reply.json["error"].startswith("Missing resource for rev-id -1: ")


# -- errors ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rev_id", "model", "status", "beginning"),
    [
        (GONE, "damaging", 400, "The MW API does not have any info related to the rev-id 404"),
        (HIDDEN_TEXT, "damaging", 400, "Missing resource for rev-id 405: TextDeleted: "),
        (HIDDEN_USER, "goodfaith", 400, "Missing resource for rev-id 406: UserDeleted: "),
        (CREATION, "parented", 400, "Missing resource for rev-id 407: RevisionNotFound: "),
        (ORPHAN, "parented", 400, "Missing resource for rev-id 408: RevisionNotFound: "),
        (AWAY, "damaging", 503, "Revision 409 could not be fetched: "),
    ],
)
def test_what_cannot_be_scored_is_told_in_one_string(
    live: Served, rev_id: int, model: str, status: int, beginning: str
) -> None:
    reply = post_json(live, f"/v1/models/smallwiki-{model}:predict", {"rev_id": rev_id})
    assert reply.status == status
    assert set(reply.json) == {"error"}
    assert reply.json["error"].startswith(beginning)
    assert ("retry-after" in reply.headers) == (status == 503)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'"12"',
        {"rev_id": "12 "},
        {"rev_id": "0"},
        {"rev_id": "9223372036854775808"},
        {"rev_id": 1.5},
        {"rev_id": True},
        {"rev_id": 0},
        {"rev_id": -1},
        {"rev_id": 2**63},
        {"rev_id": 12, "extended_output": "perhaps"},
        {"rev_id": 12, "extended_output": [True]},
        {"event": 12},
        {"event": {}},
        {"event": {"$schema": "/mediawiki/page/delete/1.0.0"}},
        {"revision_data": []},
        {"revision_data": {"text": "x"}},
        {"revision_data": {"text": 1, "page": {"title": "x"}}},
        {"revision_data": {"text": "x", "page": {"title": ""}}},
        {"revision_data": {"text": "x", "page": {"title": "x"}, "parent": {}}},
        {"revision_data": {"text": "x", "page": {"title": "x"}, "parent": {"id": GONE}}},
        {"revision_data": {"text": "x", "page": {"title": "x"}, "timestamp": "yesterday"}},
        {"revision_data": {"text": "x", "page": {"title": "x"}, "user": {"id": "me"}}},
        b'{"event":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
    ids=lambda body: str(body)[:60],
)
def test_what_cannot_be_understood_is_a_400_that_says_what(inline: Served, body: Any) -> None:
    reply = post_json(inline, DAMAGING, body)
    assert reply.status == 400, reply.body
    assert set(reply.json) == {"error"}
    assert isinstance(reply.json["error"], str)
    assert "Traceback" not in reply.json["error"]


@pytest.mark.parametrize(
    "name", ["smallwiki", "damaging", "smallwiki-x", "nowiki-damaging", "smallwiki--damaging"]
)
def test_an_unknown_model_is_not_found(inline: Served, name: str) -> None:
    for reply in (
        post_json(inline, f"/v1/models/{name}:predict", {"rev_id": 12}),
        post_json(inline, f"/v1/models/{name}:explain", {"rev_id": 12}),
        ask(inline, f"/v1/models/{name}"),
    ):
        assert reply.status == 404
        assert reply.json["error"].startswith(f"Model with name {name} does not exist")


def test_a_verb_is_for_post(live: Served) -> None:
    reply = ask(live, DAMAGING)
    assert (reply.status, reply.json) == (405, {"error": "GET cannot be used here; use POST."})
    assert reply.headers["allow"] == "POST"
    assert post_json(live, "/v1/models", {}).json == {"error": "POST cannot be used here; use GET, HEAD."}


def test_all_models_are_listed_and_ready(live: Served) -> None:
    names = ask(live, "/v1/models").json["models"]
    assert {"smallwiki-damaging", "smallwiki-wp10", "testwiki-revid", "revertrisk-multilingual"} <= set(names)
    for name in names:
        assert ask(live, f"/v1/models/{name}").json == {"name": name, "ready": True}


# -- limits ------------------------------------------------------------------------------------------


def test_a_body_over_the_limit_is_told_in_one_string(live: Served) -> None:
    body = b'{"rev_id": 12, "x": "' + b"x" * (8 * 2**20) + b'"}'
    reply = post_json(live, DAMAGING, body)
    assert (reply.status, set(reply.json)) == (413, {"error"})
