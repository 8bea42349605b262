"""What ORES's own acceptance test of a running server compares, whole and by equality, asked of ``make run``.

ORES 1.4 brought it as ``ores test_api``, which passes; that package cannot be installed beside Assay's. What
it waits 15 s for, a score that takes too long, is left out here.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from servers.asgi import Served
from small_app import ask, post_json

REVID = 2342342
SCORE = {"prediction": False, "probability": {"false": 0.76, "true": 0.24}}
MODELS = {"revid": {"version": "0.0.0"}}
TOO_MANY = {"code": "bad request", "message": "Too many values for 'revids' parameter.  Max of 50."}


def third(cells: dict[str, Any]) -> dict[str, Any]:
    return {"testwiki": {"models": MODELS, "scores": cells}}


@pytest.mark.parametrize("path", ["/", "/ui/", "/scores/", "/v1/spec/", "/v2/spec/", "/v3/spec/"])
def test_pages_and_specifications_are_there(shipped: Served, path: str) -> None:
    assert ask(shipped, path).status == 200


def test_a_page_that_is_not_there(shipped: Served) -> None:
    assert ask(shipped, "/404/").status == 404


@pytest.mark.parametrize(
    ("path", "document"),
    [
        (f"/v1/scores/testwiki/revid/{REVID}/", {str(REVID): SCORE}),
        (
            f"/v2/scores/testwiki/revid/{REVID}/",
            {"scores": {"testwiki": {"revid": {**MODELS["revid"], "scores": {str(REVID): SCORE}}}}},
        ),
        (f"/v3/scores/testwiki/{REVID}/revid/", third({str(REVID): {"revid": {"score": SCORE}}})),
        (
            f"/v3/scores/testwiki/{REVID}/revid/?feature.revision.reversed_last_two_in_rev_id=50",
            third(
                {
                    str(REVID): {
                        "revid": {"score": {"prediction": False, "probability": {"false": 0.5, "true": 0.5}}}
                    }
                }
            ),
        ),
        (
            "/v3/scores/testwiki/?revids=2309&feature.delay=0.01&features",
            third(
                {
                    "2309": {
                        "revid": {
                            "score": {
                                "prediction": True,
                                "probability": {"false": 0.09999999999999998, "true": 0.9},
                            },
                            "features": {
                                "feature.delay": 0.01,
                                "feature.revision.reversed_last_two_in_rev_id": 90,
                            },
                        }
                    }
                }
            ),
        ),
        ("/v3/scores/testwiki/", {"testwiki": {"models": MODELS}}),
    ],
)
def test_the_test_wikis_answers_are_equal(shipped: Served, path: str, document: Any) -> None:
    reply = ask(shipped, path)
    assert reply.status == 200
    assert reply.json == document


def test_an_event_of_the_test_wiki_is_scored_and_anothers_is_not(shipped: Served) -> None:
    event = {
        "database": "elsewiki",
        "meta": {"stream": "mediawiki.revision-create", "domain": "else.example.org"},
        "page_id": 4716305,
        "page_namespace": 0,
        "page_title": "List",
        "performer": {"user_text": "Vera", "user_id": 7, "user_groups": ["*", "user"], "user_is_bot": False},
        "rev_id": 813852458,
        "rev_parent_id": 813852231,
        "rev_timestamp": "2017-12-05T15:56:51Z",
    }
    assert post_json(shipped, "/v3/precache", event).status == 204
    reply = post_json(shipped, "/v3/precache", {**event, "database": "testwiki"})
    assert reply.status == 200
    score = {"prediction": True, "probability": {"false": 0.15000000000000002, "true": 0.85}}
    assert reply.json == third({"813852458": {"revid": {"score": score}}})


def test_a_hundred_revisions_are_refused(shipped: Served) -> None:
    reply = ask(shipped, f"/v3/scores/testwiki/?revids={'|'.join(map(str, range(100, 200)))}")
    assert reply.status == 400
    assert reply.json == {"error": TOO_MANY}


def test_short_json_is_written_as_oress_was(shipped: Served) -> None:
    """A bot cuts scores out of it with ``{"damaging": {"score":`` and ``"true": ``."""
    reply = ask(shipped, "/v3/scores/samplewiki/?models=damaging|goodfaith&format=json&revids=1260|1261")
    assert reply.body.decode() == json.dumps(reply.json, sort_keys=True)
