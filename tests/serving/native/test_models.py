"""Descriptions of models and their thresholds, from the shipped bundles, without any trees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.models.library import search, shipped_folder
from assay.models.statistics.confusion import Confusion
from assay.models.statistics.document import rounded
from assay.models.statistics.measured import Cut
from assay.models.statistics.operating_points import OperatingPoint
from assay.scoring.cache import ScoreCache
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.pool.loading import load_models
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import Wikis
from assay.serving.app import build_app
from assay.serving.native.models import _range
from assay.serving.options import AppOptions
from assay.serving.ores.model_info import ModelInfos
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from servers.asgi import Served, serving
from small_app import CLOCK, ask

DAMAGING = "/api/enwiki/models/damaging"
OWN = OperatingPoint("maximum recall @ precision >= 0.3", "true", "Worth a look")
OWN_HARDER = OperatingPoint("maximum recall @ precision >= 0.8", "true")


@pytest.fixture(scope="module")
def shipped() -> Iterator[Served]:
    """The enwiki bundles as a web process of many machines reads them."""
    library = search(shipped_folder())
    found = [found for found in library if found.manifest.wiki in ("enwiki", "testwiki")]
    models = load_models([str(found.path) for found in found], {}, with_trees=False)
    metrics = Metrics("test")
    source = SyntheticSource(CLOCK)
    wikis = Wikis({"enwiki": source, "testwiki": source}, models)
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(wikis, InlineEngine(models, metrics), cache, metrics)
    infos = ModelInfos({found.manifest.digest: found.path for found in found})
    points = {"enwiki": {"damaging": {"worthalook": OWN, "likelybad": OWN_HARDER}}}
    app = build_app(AppOptions(), service, infos, metrics, CLOCK, operating_points=points)
    with serving(app.asgi) as served:
        yield served


def thresholds(served: Served, model: str, **asked: str) -> Any:
    query = "&".join(f"{name}={quote(value)}" for name, value in asked.items())
    reply = ask(served, f"/api/enwiki/models/{model}/thresholds?{query}")
    assert reply.status == 200
    return reply.json


def test_a_model_tells_what_it_is(shipped: Served) -> None:
    told = ask(shipped, DAMAGING).json
    assert (told["wiki"], told["model"], told["kind"]) == ("enwiki", "damaging", "binary")
    assert told["labels"] == ["true", "false"]
    assert "thresholds" not in told["statistics"]
    assert told["statistics"]["roc_auc"]["labels"]["true"] == pytest.approx(0.813, abs=0.001)
    assert told["training"]["rows"] == 3500
    assert any("ORES's mistakes" in limit for limit in told["limits"])
    assert set(told["operating_points"]) == {
        "likelygood",
        "maybebad",
        "likelybad",
        "verylikelybad",
        "worthalook",
    }


def test_a_table_tells_counts_and_shares_of_every_cut(shipped: Served) -> None:
    told = thresholds(shipped, "damaging")
    assert (told["label"], told["population_rate"]) == ("true", 0.034)
    assert told["sample"] == {"rows": 3500, "with_label": 1753}
    cuts = [row["threshold"] for row in told["table"]]
    assert cuts == sorted(cuts)
    for row in told["table"]:
        counts = row["counts"]
        assert sum(counts.values()) == 3500
        assert counts["tp"] + counts["fn"] == 1753
        matched, missed = 0.034 * counts["tp"] / 1753, 0.966 * counts["fp"] / 1747
        assert row["precision"] == pytest.approx(matched / (matched + missed), abs=2e-6)
        assert row["recall"] == pytest.approx(counts["tp"] / 1753, abs=1e-6)


def test_every_point_is_the_optimum_of_its_query(shipped: Served) -> None:
    points = {point["name"]: point for point in thresholds(shipped, "damaging")["operating_points"]}
    assert points["maybebad"]["query"] == "maximum filter_rate @ recall >= 0.9"
    for point in points.values():
        table = thresholds(shipped, "damaging", label=point["label"])["table"]
        _, target, _, condition, _, value = point["query"].split()
        good = [row[target] for row in table if (row[condition] or 0) >= float(value)]
        assert point["satisfiable"] is bool(good)
        shown = point["cut"] or point["nearest"]
        for field, value in shown["statistics"].items():
            low, high = shown["intervals_95"][field]
            assert low <= value <= high, (point["name"], field)
        if good:
            assert shown["statistics"][target] == max(good)
            assert point["nearest"] is None


def test_an_operators_points_come_besides_or_in_place_of_the_usual_ones(shipped: Served) -> None:
    points = {point["name"]: point for point in thresholds(shipped, "damaging")["operating_points"]}
    assert points["worthalook"]["title"] == "Worth a look"
    assert points["worthalook"]["cut"]["statistics"]["precision"] >= 0.3
    assert points["likelybad"]["query"] == OWN_HARDER.query
    assert points["likelybad"]["title"] == "likelybad"


def test_one_point_is_told_by_its_name(shipped: Served) -> None:
    points = {point["name"]: point for point in thresholds(shipped, "damaging")["operating_points"]}
    for name in ("verylikelybad", "worthalook"):
        told = thresholds(shipped, "damaging", point=name)
        assert (told.pop("wiki"), told.pop("model")) == ("enwiki", "damaging")
        assert set(told) - set(points[name]) == {"version", "digest"}
        assert {key: told[key] for key in points[name]} == points[name]


def test_scripts_of_other_sites_may_read_what_models_are(shipped: Served) -> None:
    for path in (DAMAGING, f"{DAMAGING}/thresholds?point=likelybad", f"{DAMAGING}/thresholds"):
        assert ask(shipped, path).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in ask(shipped, "/api/wikis").headers


def test_a_point_that_cannot_be_had_tells_the_nearest(shipped: Served) -> None:
    told = thresholds(shipped, "articlequality", query="maximum recall @ accuracy >= 1", label="C")
    assert (told["satisfiable"], told["cut"]) == (False, None)
    table = thresholds(shipped, "articlequality", label="C")["table"]
    best = max(row["accuracy"] for row in table)
    assert told["nearest"]["statistics"]["accuracy"] == best < 1


def test_a_point_of_false_is_told_as_a_range_of_true(shipped: Served) -> None:
    (point,) = [p for p in thresholds(shipped, "damaging")["operating_points"] if p["name"] == "likelygood"]
    assert point["label"] == "false"
    assert point["range"] == [0.0, pytest.approx(1 - point["cut"]["threshold"], abs=1e-6)]


@given(st.floats(0, 1))
def test_a_range_holds_the_score_that_its_cut_was_observed_as(score: float) -> None:
    """A threshold is told to six digits, and half of the time it is rounded up: all edits with that score
    were left out."""
    cut = Cut(rounded(score), {}, {}, Confusion(1, 0, 0, 0))
    for label, probability in (("true", score), ("false", 1 - score)):
        span = _range(label, cut)
        assert span is not None
        least, most = span
        assert 0 <= least <= probability <= most <= 1
        assert most - least == pytest.approx(1 - score, abs=1.1e-6)


def test_classes_have_points_of_each_class(shipped: Served) -> None:
    points = thresholds(shipped, "articlequality")["operating_points"]
    assert {point["label"] for point in points} == {"FA", "GA", "B", "C", "Start", "Stub"}
    assert all(point["range"] is None for point in points)
    (best,) = [point for point in points if point["name"] == "likely_FA"]
    assert best["cut"]["statistics"]["precision"] >= 0.6


@pytest.mark.parametrize(
    ("path", "status", "code", "message"),
    [
        ("/api/enwiki/models/none", 404, "unknown_model", "not available for enwiki"),
        ("/api/nowiki/models/damaging", 404, "unknown_wiki", "for nowiki; GET /api/wikis lists all."),
        (f"{DAMAGING}/thresholds?label=maybe", 400, "bad_parameter", "it has: true, false"),
        (f"{DAMAGING}/thresholds?point=none", 400, "bad_parameter", "it has: likelygood, maybebad"),
        (f"{DAMAGING}/thresholds?point=maybebad&label=false", 400, "bad_parameter", "Give point alone"),
        (f"{DAMAGING}/thresholds?query=x&point=maybebad", 400, "bad_parameter", "Give point alone"),
        (f"{DAMAGING}/thresholds?query=best", 400, "bad_parameter", "write for example"),
        (f"{DAMAGING}/thresholds?query=", 400, "bad_parameter", "is no threshold query"),
        ("/api/testwiki/models/revid/thresholds", 404, "no_statistics", "Nothing was measured of revid"),
    ],
)
def test_wrong_questions_say_what_is_wrong(
    shipped: Served, path: str, status: int, code: str, message: str
) -> None:
    found = ask(shipped, path).error
    assert found[:2] == (status, code)
    assert message in found[2]


def test_a_model_without_measurements_has_no_points(shipped: Served) -> None:
    told = ask(shipped, "/api/testwiki/models/revid").json
    assert (told["statistics"], told["operating_points"]) == (None, [])
