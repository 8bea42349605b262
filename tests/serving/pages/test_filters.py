"""What the feed can be narrowed to, and what a filter takes."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from assay.errors import BadParameter
from assay.models.bundle import load_bundles
from assay.models.library import search, shipped_folder
from assay.scoring.wikis import ModelSets, Wiki
from assay.serving.native.models import ModelsApi
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.filters import Filter, chosen, filters_of
from assay.telemetry import Metrics
from small_app import small_service

LIBRARY = search(shipped_folder())
PATHS = [LIBRARY.found["enwiki"][name].path for name in ("damaging", "articlequality")]


def test_filters_are_the_operating_points_of_binary_models() -> None:
    infos = ModelInfos({found.manifest.digest: found.path for found in LIBRARY})
    measured = ModelsApi(small_service(Metrics()).wikis, infos, {})
    wiki = small_service(Metrics()).wikis["smallwiki"]
    assert filters_of(wiki, measured) == []
    models = ModelSets(load_bundles(PATHS)).of("enwiki")
    filters = filters_of(type(wiki)("enwiki", wiki.source, models), measured)
    assert [one.name for one in filters] == [
        *("damaging.likelygood", "damaging.maybebad", "damaging.likelybad", "damaging.verylikelybad")
    ]
    likely = filters[2]
    assert (likely.title, likely.condition) == ("Damaging: Likely have problems", "precision ≥ 0.6")
    assert 0.5 < likely.least < likely.most == 1.0
    assert filters[0].least == 0.0 < filters[0].most < likely.least


def test_a_filter_leads_to_its_own_label_and_threshold() -> None:
    infos = ModelInfos({found.manifest.digest: found.path for found in LIBRARY})
    service = small_service(Metrics())
    measured = ModelsApi(service.wikis, infos, {})
    models = ModelSets(load_bundles([LIBRARY.found["enwiki"]["goodfaith"].path])).of("enwiki")
    good, maybe, *_ = filters_of(Wiki("enwiki", service.wikis["smallwiki"].source, models), measured)
    asked = parse_qs(good.meaning)
    assert asked["label"] == ["true"]
    assert float(asked["at"][0]) == pytest.approx(good.least, abs=1e-6)  # told to six digits
    assert good.most == 1.0
    asked = parse_qs(maybe.meaning)
    assert asked["label"] == ["false"]
    assert float(asked["at"][0]) == pytest.approx(1 - maybe.most, abs=1e-6)


@pytest.mark.parametrize(
    ("scores", "is_taken"),
    [
        ({"damaging": {"probability": {"true": 0.6}}}, True),
        ({"damaging": {"probability": {"true": 0.9}}}, True),
        ({"damaging": {"probability": {"true": 0.59}}}, False),
        ({"damaging": {"probability": {"true": 0.91}}}, False),
        ({"damaging": {"probability": {"FA": 0.7}}}, False),
        ({"damaging": {"error": {}}}, False),
        ({}, False),
    ],
)
def test_a_filter_takes_its_range_and_nothing_without_a_score(
    scores: dict[str, object], is_taken: bool
) -> None:
    assert Filter("f", "damaging", "F", "", 0.6, 0.9, "").takes(scores) is is_taken


def test_a_chance_of_nought_is_a_score() -> None:
    none = {"damaging": {"probability": {"true": 0.0}}}
    assert Filter("f", "damaging", "F", "", 0.0, 0.9, "").takes(none)


def test_one_is_chosen_by_its_name_and_none_without() -> None:
    filters = [Filter(name, "damaging", "F", "", 0.0, 1.0, "") for name in ("a", "b")]
    assert chosen(filters, "b") is filters[1]
    assert chosen(filters, "") is None
    with pytest.raises(BadParameter, match="no filter 'c': choose one from the list"):
        chosen(filters, "c")
    with pytest.raises(BadParameter) as refused:
        chosen(filters, "x" * 5000)
    assert len(str(refused.value)) < 200
