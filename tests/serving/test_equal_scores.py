"""One revision has one score, whoever asks, by whatever route, and whichever route computed it first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.events import Rules
from assay.revisions.open import open_source
from assay.scoring.cache import ScoreCache
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.service import ScoringService
from assay.scoring.wikis import ModelSets, Wikis
from assay.serving.app import build_app
from assay.serving.options import AppOptions
from assay.serving.ores.model_info import ModelInfos
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from scoring.test_fetch import ACTOR_EDITS, PAGE_EDITS
from servers.asgi import Served, serving
from shared_data import ROOT
from small_app import CLOCK, ask, post_form, post_json
from small_models import BROKEN, COMMENT_CHARS, PARENT_CHARS, TEXT_CHARS, LinearModel

WIKI: Final = "samplewiki"
NAMES: Final = ("damaging", "goodfaith", "reverted")
LATEST: Final = tuple(range(1290, 1240, -1))
"""Those that the feed shows."""
UNKNOWN_ID: Final = 10**9

Scores = Mapping[str, Any]
"""By model, prediction and probability; None for one that cannot be had."""
NOTHING: Final[Scores] = dict.fromkeys(NAMES)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sample wiki and models that read texts, comments and pasts. One of them cannot score an empty text,
    and one cannot score page creations."""
    export = ROOT / "src" / "assay" / "sample" / "samplewiki.xml"
    sample = open_source(WIKI, str(export), cache_dir=tmp_path_factory.mktemp("index"))
    models = ModelSets(
        [
            LinearModel(WIKI, "damaging", (TEXT_CHARS, PARENT_CHARS), weight=0.0001, needs_parent=True),
            LinearModel(WIKI, "goodfaith", (BROKEN, COMMENT_CHARS)),
            LinearModel("anywiki", "reverted", (TEXT_CHARS, PAGE_EDITS, ACTOR_EDITS), weight=0.0001),
        ]
    )
    metrics = Metrics("test")
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(Wikis({WIKI: sample}, models), InlineEngine(models, metrics), cache, metrics)
    rules = Rules({WIKI: dict.fromkeys(NAMES, ("edit",))})
    app = build_app(AppOptions(), service, ModelInfos({}), metrics, CLOCK, rules=rules)
    with serving(app.asgi) as served:
        yield served


def told(cells: Mapping[str, Any]) -> Scores:
    return {name: None if "error" in cell else bare(cell) for name, cell in cells.items()}


def bare(cell: Mapping[str, Any]) -> Any:
    score = cell.get("score", cell)
    return {"prediction": score["prediction"], "probability": score["probability"]}


# -- routes ------------------------------------------------------------------------------------------


def first_api(site: Served, rev_id: int) -> Scores:
    return told(ask(site, f"/v1/scores/{WIKI}/?revids={rev_id}").json[str(rev_id)])


def second_api(site: Served, rev_id: int) -> Scores:
    models = ask(site, f"/v2/scores/{WIKI}?revids={rev_id}").json["scores"][WIKI]
    return told({name: model["scores"][str(rev_id)] for name, model in models.items()})


def third_api(site: Served, rev_id: int) -> Scores:
    return told(ask(site, f"/v3/scores/{WIKI}/{rev_id}/").json[WIKI]["scores"][str(rev_id)])


def third_api_with_features(site: Served, rev_id: int) -> Scores:
    form = f"revids={rev_id}&features&explain".encode()
    return told(post_form(site, f"/v3/scores/{WIKI}/", form).json[WIKI]["scores"][str(rev_id)])


def as_script(site: Served, rev_id: int) -> Scores:
    body = ask(site, f"/scores/{WIKI}/?revids={rev_id}&callback=f").body
    return told(json.loads(body.removeprefix(b"/**/f(").removesuffix(b");"))[str(rev_id)])


def posted_event(site: Served, rev_id: int) -> Scores:
    event = {"type": "edit", "wiki": WIKI, "revision": {"new": rev_id, "old": 1}}
    return told(post_json(site, "/v3/precache/", event).json[WIKI]["scores"][str(rev_id)])


def lift_wing(site: Served, rev_id: int) -> Scores:
    replies = {
        name: post_json(site, f"/v1/models/{WIKI}-{name}:predict", {"rev_id": rev_id}).json for name in NAMES
    }
    return {
        name: None if "error" in reply else bare(reply[WIKI]["scores"][str(rev_id)][name])
        for name, reply in replies.items()
    }


def revert_risk(site: Served, rev_id: int) -> Scores:
    """It knows one of the models."""
    asked = {"rev_id": rev_id, "lang": "sample"}
    reply = post_json(site, "/v1/models/revertrisk-multilingual:predict", asked).json
    output = reply.get("output")
    return {
        "reverted": output and {"prediction": output["prediction"], "probability": output["probabilities"]}
    }


def open_inference(site: Served, rev_id: int) -> Scores:
    tensor = {"name": "rev_id", "datatype": "INT64", "shape": [1], "data": [rev_id]}
    found = {}
    for name in NAMES:
        outputs = post_json(site, f"/v2/models/{WIKI}-{name}/infer", {"inputs": [tensor]}).json["outputs"]
        data = {output["name"]: output["data"] for output in outputs}
        probability = dict(zip(data["label"], data["probability"], strict=True))
        score = {"prediction": data["prediction"] == ["true"], "probability": probability}
        found[name] = None if data["error"] != [""] else score
    return found


def native(site: Served, rev_id: int) -> Scores:
    reply = ask(site, f"/api/{WIKI}/revisions/{rev_id}")
    return NOTHING if reply.status == 404 else told(reply.json["scores"])


def what_if_nothing(site: Served, rev_id: int) -> Scores:
    reply = post_json(site, f"/api/{WIKI}/revisions/{rev_id}", {})
    return NOTHING if reply.status == 404 else told(reply.json["scores"])


def stream(site: Served, rev_id: int) -> Scores:
    lines = post_json(site, f"/api/{WIKI}/scores", {"revisions": [rev_id, rev_id]}).body.splitlines()
    _, (line,), _ = lines[0], map(json.loads, lines[1:-1]), lines[-1]
    return told(line["scores"])


def feed(site: Served, rev_id: int) -> Scores:
    edits = {edit["id"]: edit for edit in ask(site, f"/api/{WIKI}/feed?limit=50").json["edits"]}
    return told(edits[rev_id]["scores"]) if rev_id in edits else {}


ROUTES: Final[tuple[Callable[[Served, int], Scores], ...]] = (
    first_api, second_api, third_api, third_api_with_features, as_script, posted_event, lift_wing,
    revert_risk, open_inference, native, what_if_nothing, stream, feed,
)  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(st.permutations(ROUTES), st.sampled_from((*LATEST, 1002, UNKNOWN_ID)))
def test_all_routes_tell_the_same_score(
    site: Served, routes: list[Callable[[Served, int], Scores]], rev_id: int
) -> None:
    found = {route.__name__: route(site, rev_id) for route in routes}
    wanted = found["third_api"]
    assert set(wanted) == set(NAMES)
    for name, scores in found.items():
        assert scores == {model: wanted[model] for model in scores}, name


def test_among_them_are_scores_and_failures_of_one_model_and_of_all(site: Served) -> None:
    kinds = {tuple(score is None for score in third_api(site, it).values()) for it in (*LATEST, UNKNOWN_ID)}
    assert {(False, False, False), (True, True, True)} < kinds
