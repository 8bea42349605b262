"""The route of the feed."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from assay.serving.options import QuotaOptions
from servers.asgi import Served, serving
from small_app import SmallApp, ask

FEED = "/api/smallwiki/feed"


def test_edits_are_told_with_plain_scores(live: Served) -> None:
    told = ask(live, f"{FEED}?limit=3").json
    assert (told["wiki"], [edit["id"] for edit in told["edits"]]) == ("smallwiki", [1000, 999, 998])
    edit = told["edits"][0]
    whole = ask(live, "/api/smallwiki/revisions/1000").json
    assert edit["revision"] == {**whole["revision"], "is_bot": edit["revision"]["is_bot"]}
    for name, cell in whole["scores"].items():
        if "error" in cell:
            assert edit["scores"][name]["error"]["code"] == cell["error"]["code"]
        else:
            assert edit["scores"][name] == {key: cell[key] for key in ("prediction", "probability")}


def test_nothing_new_is_told_as_such(live: Served) -> None:
    first = ask(live, f"{FEED}?limit=3")
    again = ask(live, f"{FEED}?limit=3", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = ask(live, f"{FEED}?limit=2", headers={"If-None-Match": first.headers["etag"]})
    assert other.status == 200


@pytest.mark.parametrize("limit", ["0", "51", "-1", "x", "", "1e3", "²"])
def test_a_wrong_limit_is_refused(live: Served, limit: str) -> None:
    status, _, message = ask(live, f"{FEED}?limit={quote(limit)}").error
    assert (status, message) == (400, "Could not interpret limit. Give a whole number from 1 to 50.")


def test_a_wiki_that_does_not_answer_is_told_with_a_time_to_come_back(live: Served) -> None:
    reply = ask(live, "/api/awaywiki/feed")
    assert reply.status == 503
    assert reply.headers["retry-after"] == "7"


def test_it_costs_as_many_revisions_as_it_may_tell() -> None:
    app = SmallApp(quota=QuotaOptions(revisions_per_minute=60, burst=50, exempt=()))
    with serving(app.build().asgi) as served:
        assert ask(served, f"{FEED}?limit=30").status == 200
        reply = ask(served, f"{FEED}?limit=30")
        assert reply.status == 429
        assert int(reply.headers["retry-after"]) > 0
        assert ask(served, f"{FEED}?limit=20").status == 200
