"""Names that lead nowhere, and bundles that nothing leads to."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from assay.compose.bundles import faults
from assay.compose.naming import naming_faults, unused
from assay.compose.scorer import build_scorer
from assay.errors import ConfigurationError
from assay.models.library import Found, Library
from assay.models.manifest import Manifest
from assay.models.model import Model
from assay.models.statistics.operating_points import OperatingPoint
from assay.scoring.wikis import ModelSets
from assay.settings import Settings, WikiSettings
from assay.settings.tree import ModelSettings
from models import makers

OWN = Path("own")


def _library(*names: str) -> Library:
    """Bundles by ``<wiki>/<model>``; no name is read from their manifests here."""
    found: dict[str, dict[str, Found]] = {}
    for name in sorted(names):
        wiki, model = name.split("/")
        found.setdefault(wiki, {})[model] = Found(OWN / wiki / model, cast(Manifest, None))
    return Library(MappingProxyType(found))


LIBRARY = _library("enwiki/damaging", "enwiki/articlequality", "anywiki/reverted", "testwiki/revid")


def _wiki(bundles: str | None = None, **aliases: str) -> WikiSettings:
    return WikiSettings("x.xml", bundles, aliases=aliases)


def test_what_is_there_may_be_named() -> None:
    wikis = {
        "enwiki": _wiki(wp10="articlequality", old="reverted"),
        "simplewiki": _wiki("enwiki", d="damaging"),
    }
    assert naming_faults(wikis, frozenset(), LIBRARY) == []


def test_all_faults_are_told_at_once() -> None:
    wikis = {
        "enwiki": _wiki(wp10="articlequalty", damaging="reverted"),
        "eswikibooks": _wiki(a="damaging", b="a"),
        "simplewiki": _wiki("enwikki"),
    }
    assert naming_faults(wikis, frozenset(), LIBRARY) == [
        "wikis.simplewiki.bundles: there are no bundles of 'enwikki' for simplewiki; there are bundles of: "
        "anywiki, enwiki, testwiki",
        "wikis.enwiki.aliases.wp10: enwiki has no model 'articlequalty'; it has: articlequality, damaging, "
        "reverted",
        "wikis.eswikibooks.aliases.a: eswikibooks has no model 'damaging'; it has: reverted",
        "wikis.eswikibooks.aliases.b: eswikibooks has no model 'a'; it has: reverted",
        "wikis.enwiki.aliases.damaging: enwiki has a model of this name: give the alias another",
    ]


def test_a_wiki_without_models_is_told() -> None:
    made_up = frozenset({"testwiki"})
    assert naming_faults({"dewiki": _wiki()}, made_up, _library("enwiki/damaging")) == [
        "wikis.dewiki: there is no bundle for dewiki: set `bundles`, or train one",
        "wikis.testwiki: there is no bundle for testwiki: set `bundles`, or train one",
    ]


@pytest.mark.parametrize(
    ("wikis", "expected"),
    [
        ({}, {"enwiki/damaging", "enwiki/articlequality", "anywiki/reverted"}),
        ({"dewiki": _wiki()}, {"enwiki/damaging", "enwiki/articlequality"}),
        ({"dewiki": _wiki("enwiki")}, set()),
        ({"enwiki": _wiki()}, set()),
    ],
)
def test_bundles_without_use_are_found(wikis: dict[str, WikiSettings], expected: set[str]) -> None:
    found = unused(wikis, frozenset({"testwiki"}), LIBRARY, [OWN])
    assert {f"{item.path.parent.name}/{item.path.name}" for item in found} == expected
    assert not unused(wikis, frozenset({"testwiki"}), LIBRARY, [Path("elsewhere")])


def test_one_for_any_wiki_is_of_no_use_where_each_has_its_own() -> None:
    library = _library("enwiki/reverted", "anywiki/reverted", "testwiki/revid")
    found = unused({"enwiki": _wiki()}, frozenset(), library, [OWN])
    assert [item.path for item in found] == [OWN / "anywiki" / "reverted", OWN / "testwiki" / "revid"]


WIKIS = st.sampled_from(["a", "b", "anywiki", "testwiki"])


@given(
    st.sets(st.tuples(WIKIS, st.sampled_from("xyz")), min_size=1),
    st.dictionaries(WIKIS, st.none() | WIKIS, max_size=3),
)
def test_bundles_in_use_are_those_that_are_loaded(
    bundles: set[tuple[str, str]], lenders: dict[str, str]
) -> None:
    class _Named:
        def __init__(self, wiki: str, name: str) -> None:
            self.wiki, self.name = wiki, name

    borrowed = {wiki: lender for wiki, lender in lenders.items() if lender}
    models = ModelSets([cast(Model, _Named(*place)) for place in sorted(bundles)], borrowed)
    used = {(model.wiki, model.name) for wiki in lenders for model in models.of(wiki).values()}
    library = _library(*("/".join(place) for place in bundles))
    wikis = {wiki: _wiki(lender) for wiki, lender in lenders.items()}
    spare = {(f.path.parent.name, f.path.name) for f in unused(wikis, frozenset(), library, [OWN])}
    assert spare == bundles - used


def _settings(folder: Path, **wiki: WikiSettings) -> Settings:
    (folder / "x.jsonl").write_text("")
    return Settings(wikis=wiki, bundle_directories=(str(folder / "bundles"),))


def test_real_bundles_without_use_are_faults_and_stop_no_server(tmp_path: Path) -> None:
    makers.bundle(tmp_path / "bundles", wiki="zzwiki")
    settings = _settings(tmp_path, cywiki=WikiSettings(str(tmp_path / "x.jsonl")))
    (fault,) = faults(settings)
    assert f"no wiki uses {tmp_path / 'bundles' / 'zzwiki' / 'reverted'}" in fault
    with capture_logs() as logs:
        asyncio.run(build_scorer(settings, lambda _: nullcontext(lambda *_: None)).service.aclose())
    assert [line["reason"] for line in logs if line["event"] == "bundle without use"] == [fault]


def test_a_server_does_not_start_with_an_alias_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "bundles").mkdir()
    settings = _settings(tmp_path, enwiki=WikiSettings(str(tmp_path / "x.jsonl"), aliases={"a": "none"}))
    with pytest.raises(ConfigurationError, match=r"wikis\.enwiki\.aliases\.a: enwiki has no model 'none'"):
        build_scorer(settings, lambda _: nullcontext(lambda *_: None))


def _point(label: str) -> dict[str, ModelSettings]:
    point = OperatingPoint("maximum recall @ precision >= 0.7", label)
    return {"damaging": ModelSettings({"likelybad": point})}


def test_points_of_models_that_are_not_there_are_told() -> None:
    wikis = {"eswikibooks": WikiSettings("x.xml", models=_point("true"))}
    (fault,) = naming_faults(wikis, frozenset(), LIBRARY)
    assert fault == "wikis.eswikibooks.models.damaging: eswikibooks has no model 'damaging'; it has: reverted"


def test_points_of_labels_that_their_model_has_not_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("")
    settings = Settings(wikis={"enwiki": WikiSettings(str(tmp_path / "x.jsonl"), models=_point("maybe"))})
    assert faults(settings) == [
        "wikis.enwiki.models.damaging.operating_points.likelybad.label: damaging has no label 'maybe'; "
        "it has: true, false"
    ]


def test_faults_of_every_kind_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "bundles" / "xwiki" / "damaging").mkdir(parents=True)
    (tmp_path / "bundles" / "xwiki" / "damaging" / "manifest.json").write_text("{}")
    told = "\n".join(faults(_settings(tmp_path, enwiki=WikiSettings("absent.xml"))))
    assert "there is no file absent.xml of enwiki" in told
    assert "xwiki/damaging" in told
