"""The native API: the contract that the pages are built on."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, isclose
from typing import Any
from urllib.parse import quote

import pytest

from assay.clock import Deadline, SystemClock
from assay.scoring.cache import ScoreCache
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.request import Cell, Job
from assay.scoring.service import ScoringService
from assay.scoring.wikis import Wikis
from assay.serving.app import build_app
from assay.serving.options import AppOptions
from assay.serving.ores.model_info import ModelInfos
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from scoring.test_fetch import MODELS as PAST_MODELS
from scoring.test_fetch import ChargingSource
from servers.asgi import Served, serving
from small_app import AWAY, BARE, CREATION, GONE, HIDDEN_TEXT, HIDDEN_USER, ORPHAN, SmallApp, ask, post_json
from small_models import small_models

REVISION = "/api/smallwiki/revisions/12"


def test_wikis_tell_their_models_and_what_those_read(live: Served) -> None:
    wikis = {wiki["name"]: wiki["models"] for wiki in ask(live, "/api/wikis").json["wikis"]}
    assert list(wikis) == ["awaywiki", "smallwiki", "testwiki"]
    (damaging,) = [model for model in wikis["smallwiki"] if model["name"] == "damaging"]
    assert damaging["labels"] == [True, False]
    assert damaging["features"][0] == {"name": "feature.test.chars", "doc": "Characters.", "type": "int"}


def test_recent_edits_come_newest_first(live: Served) -> None:
    assert ask(live, "/api/smallwiki/recent?limit=3").json == {
        "wiki": "smallwiki",
        "revisions": [1000, 999, 998],
    }
    assert len(ask(live, "/api/smallwiki/recent").json["revisions"]) == 20


@pytest.mark.parametrize("limit", ["0", "51", "-1", "x", "", "1e3", "99999999999", "²"])
def test_a_wrong_limit_is_refused(live: Served, limit: str) -> None:
    status, _, message = ask(live, f"/api/smallwiki/recent?limit={quote(limit)}").error
    assert (status, message) == (400, "Could not interpret limit. Give a whole number from 1 to 50.")


def test_a_wiki_that_does_not_answer_is_told_with_a_time_to_come_back(live: Served) -> None:
    reply = ask(live, "/api/awaywiki/recent")
    assert reply.error == (503, "source_unavailable", "The wiki does not answer.")
    assert reply.headers["retry-after"] == "7"


def test_one_edit_is_told_whole(live: Served) -> None:
    document = ask(live, REVISION).json
    assert document["wiki"] == "smallwiki"
    assert document["revision"] == {
        "id": 12,
        "parent_id": 11,
        "page": {"title": "Made up", "namespace": 0},
        "actor": {"name": "Nobody", "is_anonymous": False},
        "timestamp": "2001-01-15T00:00:12Z",
        "comment": "/* Purpose */ more",
        "size_bytes": 165,
        "size_change_bytes": 76,
        "is_minor": False,
        "is_creation": False,
        "problems": [],
    }
    assert document["diff"]["added_lines"] == 1
    assert document["diff"]["removed_lines"] == 0
    assert set(document["scores"]) == {
        "articlequality",
        "damaging",
        "fragile",
        "goodfaith",
        "parented",
        "reverted",
    }


def test_contributions_and_base_are_the_logit_of_the_probability(live: Served) -> None:
    cell = ask(live, REVISION).json["scores"]["damaging"]
    told = cell["explanation"]["true"]
    summed = told["base"] + sum(feature["contributions"]["true"] for feature in cell["features"])
    assert isclose(summed, told["logit"], abs_tol=1e-12)
    assert isclose(1 / (1 + exp(-told["logit"])), cell["probability"]["true"], rel_tol=1e-12)


def test_several_classes_have_a_contribution_each(live: Served) -> None:
    cell = ask(live, REVISION).json["scores"]["articlequality"]
    assert set(cell["explanation"]) == set(cell["probability"]) == {"FA", "B", "Stub"}
    assert set(cell["features"][0]["contributions"]) == {"FA", "B", "Stub"}


def test_what_if_moves_the_score_and_says_what_was_injected(live: Served) -> None:
    before = ask(live, REVISION).json["scores"]["damaging"]
    reply = post_json(live, REVISION, {"models": ["damaging"], "injection": {"feature.test.chars": 300}})
    (after,) = reply.json["scores"].values()
    assert after["probability"]["true"] > before["probability"]["true"]
    assert [(f["name"], f["value"], f["injected"]) for f in after["features"][:2]] == [
        ("feature.test.chars", 300, True),
        ("feature.test.is_long", True, False),
    ]


def test_what_if_without_wishes_gives_all_scores_unchanged(live: Served) -> None:
    assert post_json(live, REVISION, {}).json["scores"] == ask(live, REVISION).json["scores"]
    assert ask(live, REVISION, method="POST").json["scores"] == ask(live, REVISION).json["scores"]


@pytest.mark.parametrize(
    ("rev_id", "changes", "codes"),
    [
        (HIDDEN_TEXT, {}, ["text_deleted"]),
        (HIDDEN_USER, {"actor": None}, ["user_deleted"]),
        (ORPHAN, {}, ["parent_not_found"]),
        (CREATION, {"parent_id": None, "is_creation": True}, []),
        (
            BARE,
            {
                "parent_id": None,
                "page": {"title": "Bare", "namespace": None},
                "actor": {"name": "192.0.2.1", "is_anonymous": True},
                "size_bytes": None,
                "is_minor": None,
            },
            [],
        ),
    ],
)
def test_what_cannot_be_had_is_null_with_its_reason(
    live: Served, rev_id: int, changes: dict[str, Any], codes: list[str]
) -> None:
    document = ask(live, f"/api/smallwiki/revisions/{rev_id}").json
    revision = document["revision"]
    assert [problem["code"] for problem in revision["problems"]] == codes
    assert {key: revision[key] for key in changes} == changes
    assert (document["diff"] is None) == (rev_id in (HIDDEN_TEXT, ORPHAN))
    if rev_id == HIDDEN_TEXT:
        assert document["scores"]["damaging"]["error"]["code"] == "text_deleted"


def test_a_creation_is_all_added(live: Served) -> None:
    (hunk,) = ask(live, f"/api/smallwiki/revisions/{CREATION}").json["diff"]["hunks"]
    assert (hunk["old_start"], hunk["new_start"]) == (1, 1)
    assert {line["kind"] for line in hunk["lines"]} == {"added"}


@pytest.mark.parametrize(
    ("path", "status", "code", "retryable"),
    [
        (f"/api/smallwiki/revisions/{GONE}", 404, "revision_not_found", False),
        (f"/api/smallwiki/revisions/{AWAY}", 503, "source_unavailable", True),
        ("/api/nowiki/revisions/12", 404, "unknown_wiki", False),
        ("/api/nowiki/recent", 404, "unknown_wiki", False),
        ("/api/smallwiki/revisions/-5", 400, "bad_parameter", False),
        ("/api/smallwiki/revisions/99999999999999999999", 400, "bad_parameter", False),
        ("/api/nothing", 404, "not_found", False),
    ],
)
def test_an_error_says_what_it_is_and_whether_asking_again_makes_sense(
    live: Served, path: str, status: int, code: str, retryable: bool
) -> None:
    reply = ask(live, path)
    assert reply.status == status
    assert set(reply.json) == {"error"}
    told = reply.json["error"]
    assert (told.pop("code"), told.pop("retryable")) == (code, retryable)
    assert list(told) == ["message"]


def test_a_wrong_method_has_the_native_shape_too(live: Served) -> None:
    told = ask(live, "/api/wikis", method="DELETE").json["error"]
    assert (told["code"], told["retryable"]) == ("method_not_allowed", False)


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        (b"{", "bad_parameter", "It is not JSON"),
        (b'"\\ud800"', "bad_parameter", "It is not JSON"),
        ([], "bad_parameter", "Give an object"),
        ({"model": ["damaging"]}, "bad_parameter", "Give an object with models, injection or both"),
        ({"models": "damaging"}, "bad_parameter", "Could not interpret models"),
        ({"models": []}, "bad_parameter", "Could not interpret models"),
        ({"models": [1]}, "bad_parameter", "Every name must be a string"),
        ({"injection": [1]}, "bad_injection", "Could not interpret injection"),
        ({"injection": {"feature.nonsense": 1}}, "bad_injection", "feature.nonsense: no such feature"),
        ({"injection": {"feature.test.chars": "x"}}, "bad_injection", "must be a number"),
        ({"injection": {"feature.test.chars": {"a": {}}}}, "bad_injection", "must be a number"),
    ],
)
def test_wrong_what_ifs_say_what_is_wrong(live: Served, document: Any, code: str, message: str) -> None:
    status, told, found = post_json(live, REVISION, document).error
    assert (status, told) == (400, code)
    assert message in found


def test_an_unknown_model_is_not_found(live: Served) -> None:
    message = "Models ('none',) not available for smallwiki; GET /api/wikis lists all."
    expected = (404, "unknown_model", message)
    assert post_json(live, REVISION, {"models": ["none"]}).error == expected


def test_a_form_is_refused(live: Served) -> None:
    reply = ask(live, REVISION, method="POST", body=b"a=1", content_type="text/plain")
    assert reply.error[:2] == (415, "unsupported_media_type")


def test_other_sites_scripts_may_not_read_it(live: Served) -> None:
    assert "access-control-allow-origin" not in ask(live, REVISION).headers


def test_a_revision_whose_pasts_could_not_be_had_is_fetched_anew_the_next_time() -> None:
    """Else the page would go on with scores that no other route gives."""
    source, metrics, clock = ChargingSource(is_short=True), Metrics(), SystemClock()
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), clock), ScoreCacheOptions())
    service = ScoringService(
        Wikis({"enwiki": source}, PAST_MODELS), InlineEngine(PAST_MODELS, metrics), cache, metrics
    )
    app = build_app(AppOptions(), service, ModelInfos({}), metrics, clock)
    with serving(app.asgi) as served:
        for is_short, asked in ((True, 1), (False, 2), (False, 2)):
            source.is_short = is_short
            assert ask(served, "/api/enwiki/revisions/7").status == 200
            assert len(source.asked) == asked


class Recording(InlineEngine):
    """Keeps the jobs that it was given."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(small_models(), metrics)
        self.jobs: list[Job] = []

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        self.jobs.append(job)
        return await super().score(job, deadline)


def test_what_only_ores_told_is_not_computed_for_it() -> None:
    """Its features cost milliseconds, and no document here has a place for them."""
    metrics = Metrics()
    engine = Recording(metrics)
    with serving(SmallApp(engine, metrics=metrics).build().asgi) as served:
        assert ask(served, REVISION).status == 200
        assert post_json(served, REVISION, {"models": ["damaging"]}).status == 200
        assert post_json(served, "/api/smallwiki/text", {"text": "Hi", "title": "A page"}).status == 200
        assert [job.features and not job.told for job in engine.jobs] == [True] * 3
        assert ask(served, "/v3/scores/smallwiki/12/damaging?features").status == 200
        assert engine.jobs[3].told
