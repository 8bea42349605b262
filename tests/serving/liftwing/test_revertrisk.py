"""The revert-risk models of Lift Wing: requests and answers in its shape, scores of ours."""

from __future__ import annotations

from typing import Any

import pytest

from servers.asgi import Served
from small_app import AWAY, GONE, HIDDEN_TEXT, Reply, ask, post_json

NAMES = ("revertrisk-language-agnostic", "revertrisk-multilingual")


def predict(live: Served, document: Any, name: str = NAMES[0]) -> Reply:
    return post_json(live, f"/v1/models/{name}:predict", document)


@pytest.mark.parametrize("name", NAMES)
def test_the_wikis_own_model_answers(live: Served, name: str) -> None:
    score = ask(live, "/v3/scores/smallwiki/12/reverted").json["smallwiki"]["scores"]["12"]["reverted"][
        "score"
    ]
    assert predict(live, {"rev_id": 12, "lang": "small"}, name).json == {
        "model_name": name,
        "model_version": "1.2.3",
        "wiki_db": "smallwiki",
        "revision_id": 12,
        "output": {"prediction": score["prediction"], "probabilities": score["probability"]},
    }


def test_a_batch_answers_in_order_and_tells_what_failed(live: Served) -> None:
    ids = [13, GONE, 12, HIDDEN_TEXT]
    told = predict(live, {"instances": [{"rev_id": rev_id, "lang": "small"} for rev_id in ids]}).json
    assert [row["revision_id"] for row in told["predictions"]] == [13, 12]
    assert told["errors"] == [
        f"Revision {GONE} (small) cannot be scored. Reason: revision_missing",
        f"Revision {HIDDEN_TEXT} (small) cannot be scored. Reason: revision_info_deleted",
    ]
    good = predict(live, {"instances": [{"rev_id": 12, "lang": "small"}]}).json
    assert set(good) == {"predictions"}
    assert good["predictions"][0] == predict(live, {"rev_id": 12, "lang": "small"}).json


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"rev_id": GONE, "lang": "small"}, "revision_missing"),
        ({"rev_id": HIDDEN_TEXT, "lang": "small"}, "revision_info_deleted"),
        ({"instances": [{"rev_id": GONE, "lang": "small"}]}, "revision_missing"),
    ],
)
def test_what_is_gone_is_unprocessable(live: Served, document: Any, reason: str) -> None:
    reply = predict(live, document)
    assert reply.status == 422
    assert reply.json["error"] == reply.json["detail"]
    assert reply.json["error"].endswith(f"Reason: {reason}")


@pytest.mark.parametrize(
    "document",
    [
        {"rev_id": AWAY, "lang": "small"},
        {"instances": [{"rev_id": r, "lang": "small"} for r in (GONE, AWAY)]},
    ],
)
def test_what_may_be_had_later_is_unavailable(live: Served, document: Any) -> None:
    reply = predict(live, document)
    assert (reply.status, set(reply.json)) == (503, {"error"})
    assert "retry-after" in reply.headers


def test_an_event_tells_its_wiki(live: Served) -> None:
    event = {
        "$schema": "/mediawiki/revision/create/1.1.0",
        "meta": {"domain": "small.example.org", "stream": "mediawiki.revision-create"},
        "database": "smallwiki",
        "rev_id": 12,
    }
    assert predict(live, {"event": event}).json["revision_id"] == 12
    reply = predict(live, {"event": event | {"database": "otherwiki"}})
    assert reply.status == 400
    assert "otherwiki" in reply.json["error"]


@pytest.mark.parametrize(
    "document",
    [
        {"rev_id": 12},
        {"lang": "small"},
        {"rev_id": 12, "lang": 7},
        {"rev_id": 12, "lang": ""},
        {"rev_id": 12, "lang": "x" * 1_000_000 + "wiki"},
        {"rev_id": 12, "lang": "smallwiki"},
        {"rev_id": 12, "lang": "xx"},
        {"rev_id": 12, "lang": "test"},
        {"rev_id": "x12", "lang": "small"},
        {"instances": []},
        {"instances": {}},
        {"instances": [12]},
        {"instances": [{"rev_id": 12}]},
        {"instances": [{"rev_id": 12, "lang": "small"}, {"rev_id": 12, "lang": "away"}]},
        {"instances": [{"rev_id": rev_id, "lang": "small"} for rev_id in range(1, 52)]},
        {"revision_data": {"text": "x", "page": {"title": "x"}}},
        {"revision_data": {"lang": "small", "page": {"title": "x"}}},
        {"revision_data": "x"},
    ],
    ids=lambda document: str(document)[:60],
)
def test_what_cannot_be_understood_is_refused(inline: Served, document: Any) -> None:
    reply = predict(inline, document)
    assert (reply.status, set(reply.json)) == (400, {"error"}), reply.body


def test_an_unsaved_text_is_scored_by_its_own_language(live: Served) -> None:
    data = {"lang": "small", "text": "x" * 200, "page": {"title": "x"}, "parent": {"text": "y"}}
    told = predict(live, {"revision_data": data}).json
    assert (told["wiki_db"], told["revision_id"]) == ("smallwiki", -1)


def test_the_explanation_is_the_wikis_models(live: Served) -> None:
    reply = post_json(live, f"/v1/models/{NAMES[0]}:explain", {"rev_id": 12, "lang": "small"})
    assert reply.status == 400
    assert "reverted:explain" in reply.json["error"]
    told = post_json(live, "/v1/models/smallwiki-reverted:explain", {"rev_id": 12}).json
    assert told["smallwiki"]["scores"]["12"]["reverted"]["explanation"]
