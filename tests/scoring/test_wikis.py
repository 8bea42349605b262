"""Which wiki gets which models."""

from __future__ import annotations

import pytest

from assay.clock import FakeClock
from assay.errors import ConfigurationError, UnknownModel, UnknownWiki
from assay.models.model import ANY_WIKI
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import ModelSets, Wikis
from small_models import TEXT_CHARS, LinearModel, small_models

SOURCE = SyntheticSource(FakeClock())


def test_a_model_for_any_wiki_fills_what_a_wiki_lacks() -> None:
    models = small_models()
    assert models.of("smallwiki")["reverted"].wiki == ANY_WIKI
    assert list(models.of("elsewhere")) == ["reverted"]


def test_a_wikis_own_model_comes_first() -> None:
    own = LinearModel("elsewhere", "reverted", (TEXT_CHARS,))
    models = ModelSets([LinearModel("anywiki", "reverted", (TEXT_CHARS,)), own])
    assert models.of("elsewhere")["reverted"] is own


def test_a_wiki_may_borrow_anothers_models() -> None:
    models = ModelSets([LinearModel("enwiki", "damaging", (TEXT_CHARS,))], {"simplewiki": "enwiki"})
    assert models.of("simplewiki")["damaging"].wiki == "enwiki"
    assert models.of("dewiki") == {}


def test_the_test_wiki_has_its_own_models_only() -> None:
    assert list(small_models().of("testwiki")) == ["revid"]


def test_two_bundles_for_one_place_are_refused() -> None:
    model = LinearModel("enwiki", "damaging", (TEXT_CHARS,))
    with pytest.raises(ConfigurationError, match="enwiki/damaging"):
        ModelSets([model, model])


def test_a_wiki_without_models_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="dewiki"):
        Wikis({"dewiki": SOURCE}, ModelSets([]))


def test_unknown_names_are_told_in_the_legacys_words() -> None:
    wikis = Wikis({"smallwiki": SOURCE}, small_models())
    with pytest.raises(UnknownWiki, match=r"^No scorers available for dewiki$"):
        wikis.named("dewiki")
    with pytest.raises(UnknownModel, match=r"^Models \('a', 'b'\) not available for smallwiki$"):
        wikis.named("smallwiki").select(["damaging", "a", "b"])


def test_a_former_name_is_answered_and_in_no_list() -> None:
    wiki = Wikis({"smallwiki": SOURCE}, small_models())["smallwiki"]
    assert wiki.select_called(["wp10"]) == {"wp10": wiki.models["articlequality"]}
    assert "wp10" not in wiki.called


def test_an_alias_and_a_model_win_over_a_former_name() -> None:
    aliased = Wikis({"smallwiki": SOURCE}, small_models(), {"smallwiki": {"wp10": "damaging"}})["smallwiki"]
    assert aliased.answering["wp10"] is aliased.models["damaging"]
    own = LinearModel("smallwiki", "wp10", (TEXT_CHARS,))
    wiki = Wikis(
        {"smallwiki": SOURCE}, ModelSets([own, LinearModel("smallwiki", "articlequality", (TEXT_CHARS,))])
    )["smallwiki"]
    assert wiki.answering["wp10"] is own


def test_without_the_model_its_former_name_means_nothing() -> None:
    wiki = Wikis({"dewiki": SOURCE}, small_models())["dewiki"]
    with pytest.raises(UnknownModel, match=r"^Models \('wp10',\) not available for dewiki$"):
        wiki.select_called(["wp10"])


def test_an_alias_is_one_more_name_of_a_model() -> None:
    wiki = Wikis({"smallwiki": SOURCE}, small_models(), {"smallwiki": {"wp10": "articlequality"}})[
        "smallwiki"
    ]
    chosen = wiki.select_called(["wp10", "damaging"])
    assert {name: model.name for name, model in chosen.items()} == {
        "wp10": "articlequality",
        "damaging": "damaging",
    }
    assert list(wiki.called) == sorted([*wiki.models, "wp10"])
    assert "wp10" not in wiki.models
    with pytest.raises(UnknownModel, match=r"^Models \('wp11',\) not available for smallwiki$"):
        wiki.select_called(["wp10", "wp11"])


def test_what_a_client_called_by_the_wrong_name_is_not_repeated_at_length() -> None:
    wikis = Wikis({"smallwiki": SOURCE}, small_models())
    with pytest.raises(UnknownWiki) as wiki:
        wikis.named("x" * 1_000_000)
    with pytest.raises(UnknownModel) as many:
        wikis["smallwiki"].select(["y" * 1_000_000, *map(str, range(500_000))])
    assert str(wiki.value) == f"No scorers available for {'x' * 100}"
    assert str(many.value).startswith("Models ('yyy")
    assert str(many.value).endswith("'7', '8') and 499991 more not available for smallwiki")
    assert len(str(many.value)) < 1000
