"""A name is looked up, never taken apart."""

from __future__ import annotations

from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import ModelSets, Wikis
from assay.serving.liftwing.names import named_models
from small_app import CLOCK
from small_models import TEXT_CHARS, LinearModel


def _named(*pairs: tuple[str, str]) -> dict[str, tuple[str, str]]:
    models = ModelSets([LinearModel(wiki, name, (TEXT_CHARS,)) for wiki, name in pairs])
    wikis = Wikis(
        {wiki: SyntheticSource(CLOCK) for wiki, _ in pairs}, models, {pairs[0][0]: {"old": pairs[0][1]}}
    )
    return {name: (found.wiki.name, found.called) for name, found in named_models(wikis).items()}


def test_wikis_and_models_may_have_hyphens() -> None:
    assert _named(("my-club_wiki", "edit-damage"), ("enwiki", "damaging")) == {
        "enwiki-damaging": ("enwiki", "damaging"),
        "my-club_wiki-edit-damage": ("my-club_wiki", "edit-damage"),
        "my-club_wiki-old": ("my-club_wiki", "old"),
    }


def test_a_former_name_is_answered_and_in_no_list() -> None:
    models = ModelSets([LinearModel("enwiki", "articlequality", (TEXT_CHARS,))])
    named = named_models(Wikis({"enwiki": SyntheticSource(CLOCK)}, models))
    assert named["enwiki-wp10"].model is named["enwiki-articlequality"].model
    assert [name for name, found in named.items() if found.is_listed] == ["enwiki-articlequality"]


def test_of_two_pairs_with_one_name_the_longer_wiki_has_it() -> None:
    for pairs in ((("a", "b-c"), ("a-b", "c")), (("a-b", "c"), ("a", "b-c"))):
        assert _named(*pairs)["a-b-c"] == ("a-b", "c")
