"""``POST /api/{wiki}/text`` over real HTTP, on every engine."""

from __future__ import annotations

from typing import Any

import pytest

from assay.serving.options import QuotaOptions
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from servers.asgi import Served, serving
from small_app import AWAY, CLOCK, CREATION, GONE, HIDDEN_TEXT, SmallApp, ask, post_json

PATH = "/api/smallwiki/text"


def told(live: Served, **asked: Any) -> Any:
    reply = post_json(live, PATH, asked)
    assert reply.status == 200, reply.body
    return reply.json


def values(document: Any, model: str) -> dict[str, Any]:
    return {feature["name"]: feature["value"] for feature in document["scores"][model]["features"]}


def test_a_text_is_told_like_a_revision(live: Served) -> None:
    ours = told(live, text="Hello", parent_rev_id=12, actor={"name": "Ann", "edit_count": 3}, comment="hi")
    saved = ask(live, "/api/smallwiki/revisions/12").json
    assert set(ours) == set(saved)
    assert set(ours["scores"]) == set(saved["scores"])
    assert set(ours["revision"]) == set(saved["revision"])
    assert ours["revision"] | {"timestamp": "now"} == {
        "id": None,
        "parent_id": 12,
        "page": {"title": "Made up", "namespace": 0},
        "actor": {"name": "Ann", "is_anonymous": False},
        "timestamp": "now",
        "comment": "hi",
        "size_bytes": 5,
        "size_change_bytes": 5 - 165,
        "is_minor": None,
        "is_creation": False,
        "problems": [],
    }
    assert ours["diff"]["removed_lines"] == 6
    assert values(ours, "goodfaith")["feature.test.edit_count"] == 3
    assert values(ours, "parented") == {"feature.test.parent_chars": 165}


def test_what_is_not_told_is_missing_and_not_zero(live: Served) -> None:
    document = told(live, text="Hello", title="x")
    assert document["revision"]["actor"] is None
    assert values(document, "goodfaith")["feature.test.comment_chars"] is None
    assert values(document, "goodfaith")["feature.test.edit_count"] is None


def test_a_text_without_a_parent_begins_its_page(live: Served) -> None:
    document = told(live, text="Hello", title="x")
    assert document["revision"]["is_creation"] is True
    assert document["revision"]["parent_id"] is None
    assert document["diff"]["added_lines"] == 1
    assert document["scores"]["parented"]["error"]["code"] == "page_creation"


def test_a_given_parent_is_compared_with(live: Served) -> None:
    document = told(live, text="one\ntwo", parent_text="one\n2", title="x")
    assert (document["diff"]["added_lines"], document["diff"]["removed_lines"]) == (1, 1)
    assert values(document, "parented") == {"feature.test.parent_chars": 5}
    assert document["revision"]["parent_id"] is None
    assert document["revision"]["is_creation"] is False


def test_explanations_sum_up(live: Served) -> None:
    cell = told(live, text="Hello!", title="x")["scores"]["damaging"]
    why = cell["explanation"]["true"]
    contributions = sum(feature["contributions"]["true"] for feature in cell["features"])
    assert why["base"] + contributions == pytest.approx(why["logit"])


def test_models_and_injection_work_as_for_what_if(live: Served) -> None:
    document = told(live, text="Hello", title="x", models=["damaging"], injection={"feature.test.chars": 500})
    assert set(document["scores"]) == {"damaging"}
    (chars,) = [f for f in document["scores"]["damaging"]["features"] if f["name"] == "feature.test.chars"]
    assert (chars["value"], chars["injected"]) == (500, True)


def test_one_models_problem_is_its_own(live: Served) -> None:
    scores = told(live, text="", title="x")["scores"]
    assert scores["fragile"]["error"]["type"] == "CaughtDependencyError"
    assert "prediction" in scores["damaging"]


def test_a_hidden_parent_costs_only_what_needs_it(live: Served) -> None:
    document = told(live, text="Hello", parent_rev_id=HIDDEN_TEXT)
    assert document["diff"] is None
    assert document["scores"]["parented"]["error"]["code"] == "text_deleted"
    assert "prediction" in document["scores"]["damaging"]


@pytest.mark.parametrize(
    ("actor", "is_anonymous"),
    [({"name": "192.0.2.1"}, True), ({"is_anonymous": True}, True), ({"name": "Ann", "id": 7}, False)],
)
def test_an_author_is_logged_out_by_address_or_word(live: Served, actor: Any, is_anonymous: bool) -> None:
    document = told(live, text="Hello", title="x", actor=actor)
    assert document["revision"]["actor"] == {"name": actor.get("name"), "is_anonymous": is_anonymous}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "title"),
        ({"title": "x"}, "'text'"),
        ({"text": "x"}, "title"),
        ({"text": 1, "title": "x"}, "'text'"),
        ({"text": "x", "title": ["x"]}, "'title'"),
        ({"text": "x", "parent_rev_id": 1, "parent_text": "y"}, "not both"),
        ({"text": "x", "parent_rev_id": "1"}, "'parent_rev_id'"),
        ({"text": "x", "parent_rev_id": 0}, "'parent_rev_id'"),
        ({"text": "x", "parent_rev_id": GONE}, "Could not find revision 404"),
        ({"text": "x", "title": "x", "coment": "y"}, "'coment'"),
        ({"text": "x", "title": "x", "comment": 1}, "'comment'"),
        ({"text": "x", "title": "x", "is_minor": "no"}, "'is_minor'"),
        ({"text": "x", "title": "x", "actor": "Ann"}, "actor"),
        ({"text": "x", "title": "x", "actor": {}}, "actor"),
        ({"text": "x", "title": "x", "actor": {"nmae": "Ann"}}, "'nmae'"),
        ({"text": "x", "title": "x", "actor": {"name": "Ann", "groups": "bot"}}, "actor.groups"),
        ({"text": "x", "title": "x", "models": []}, "models"),
        ({"text": "x", "title": "x", "injection": {"feature.no": 1}}, "feature.no"),
    ],
    ids=lambda asked: str(asked)[:60],
)
def test_what_is_wrong_is_said(inline: Served, asked: Any, words: str) -> None:
    status, code, message = post_json(inline, PATH, asked).error
    assert status == 400
    assert code in ("bad_parameter", "bad_injection")
    assert words in message


def test_other_refusals_are_those_of_the_native_api(live: Served) -> None:
    body = {"text": "x", "title": "x"}
    assert post_json(live, "/api/nowiki/text", body).error[0] == 404
    assert post_json(live, PATH, body | {"models": ["none"]}).error[0] == 404
    assert post_json(live, PATH, {"text": "x", "parent_rev_id": AWAY}).error[0] == 503
    assert ask(live, PATH, method="POST", body=b"{}", content_type="text/plain").error[0] == 415
    assert post_json(live, PATH, b"{").error[0] == 400
    assert ask(live, PATH).error[0] == 405


def test_it_is_counted_like_any_scoring() -> None:
    quota = QuotaOptions(exempt=(), revisions_per_minute=1, burst=50)
    body = {"text": "x", "title": "x"}
    with serving(SmallApp(quota=quota).build().asgi) as limited:
        assert [post_json(limited, PATH, body).status for _ in range(51)] == [200] * 50 + [429]


def test_nothing_is_kept() -> None:
    store = MemoryStore(MemoryStoreOptions(), CLOCK)
    with serving(SmallApp(store=store).build().asgi) as live:
        told(live, text="Hello", parent_rev_id=CREATION)
        data = {"text": "Hello", "lang": "small", "page": {"title": "x"}}
        for name in ("smallwiki-damaging", "revertrisk-multilingual"):
            assert post_json(live, f"/v1/models/{name}:predict", {"revision_data": data}).status == 200
        assert len(store) == 0
        ask(live, "/v3/scores/smallwiki/12/damaging")
        assert len(store) == 1
