"""The article features of our own models: they count what is there, and are blind to what tells the class."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.article.any_wiki import NAMES_LEXICON, names_of_features, rating_name
from assay.features.article.paragraphs import paragraphs, uncited_chars
from assay.features.catalogue import features
from assay.features.graph.plan import Plan
from assay.features.lexicon import shipped
from features.oracle import article, articles

WORD_LISTS = ("english.badwords", "english.idioms", "english.informals", "english.words_to_watch")
TOPICS_LEXICON, RATING_LEXICON = "english.topics", "english.article_rating"
MODEL_FEATURES = features(
    (*names_of_features(WORD_LISTS, (TOPICS_LEXICON,)), rating_name(RATING_LEXICON)),
    shipped(NAMES_LEXICON, *WORD_LISTS, TOPICS_LEXICON, RATING_LEXICON),
)
MODEL_PLAN = Plan(MODEL_FEATURES)
ARTICLE = """{{Infobox person|name=Ada
| birth = 1815
| death =
}}
'''Ada''' was a [[mathematician]] of note,<ref name="a">{{cite book|title=Ada|accessdate=3 May 2012}}</ref>
who wrote about engines; many people know her today for one long note.{{citation needed}}
It rained often in 1843 and 2011.

== Life ==
She lived in London.<ref name="a" /> [[File:Ada.jpg|thumb|alt=Ada|Ada]] {{sfn|Moore|1977}}
In 2011 and 2011 again.

=== Youth ===
* one
* two

== See also ==
* [[Charles Babbage]]

== External links ==
* [http://www.example.org/ada A page]
{{Reflist|30em}}

[[Category:Mathematicians]]
[[fr:Ada]]"""


def row(text: str) -> dict[str, Any]:
    values = MODEL_PLAN.run(article(text)).row(MODEL_FEATURES)
    assert isinstance(values, list)
    return {
        feature.name.removeprefix("feature.assay.article."): value
        for feature, value in zip(MODEL_FEATURES, values, strict=True)
    }


def test_no_two_values_give_features_of_one_name() -> None:
    names = names_of_features(WORD_LISTS, (TOPICS_LEXICON,))
    assert len(set(names)) == len(names)


def test_what_an_article_holds_is_counted() -> None:
    found = row(ARTICLE)
    expected = {
        "sections": 3,
        "subsections": 1,
        "refs": 3,
        "reused_refs": 1,
        "ref_names": 1,
        "book_cites": 1,
        "short_notes": 1,
        "inline_problems": 1,
        "infoboxes": 1,
        "infobox_fields": 3,
        "infobox_filled": 2,
        "pictures": 1,
        "alt_texts": 1,
        "files": 1,
        "categories": 1,
        "see_also": 1,
        "external_section": 1,
        "domains": 1,
        "reflists": 1,
        "reflist_arguments": 1,
        "list_items": 4,
        "era.latest_year": 2012,
        "era.latest_access": 2012,
        "era.mentions_1": 3,
        "era.language_links": 1,
        "english.words_to_watch": 4,
    }
    assert {name: found[name] for name in expected} == expected
    assert 0 < found["lead_chars"] < found["content_chars"] < found["chars"]


CLASS_TEMPLATES = [
    "{{featured article}}",
    "{{Featured_Article}}",
    "{{good article}}",
    "{{GA}}",
    "{{Link FA|de}}",
    "{{England-bio-stub}}",
    "{{stub}}",
    "{{pp-semi|small=yes}}",
    "{{Article de qualité|date=3 mars 2012}}",
    "{{Bon article}}",
    "{{Ébauche|biographie}}",
    "{{lien AdQ|en}}",
    "{{Избранная статья|Люди}}",
    "{{Хорошая статья}}",
    "{{Добротная статья}}",
    "{{Заготовка}}",
    "{{Template:Good article<!-- since 2012 -->}}",
]


@pytest.mark.parametrize("template", CLASS_TEMPLATES)
def test_templates_that_tell_the_class_change_nothing(template: str) -> None:
    plain = row(ARTICLE)
    assert row(template + "\n" + ARTICLE) == plain
    assert row(ARTICLE + "\n\n" + template) == plain
    assert row(ARTICLE.replace("\n== Life ==", f"\n{template}\n\n== Life ==")) == plain
    assert row(ARTICLE.replace("[[fr:Ada]]", f"{template}\n[[fr:Ada]]")) == plain


def test_other_templates_do_change_something() -> None:
    assert row("{{About|someone}}\n" + ARTICLE) != row(ARTICLE)


def test_real_articles_are_blind_to_the_class_too() -> None:
    for _, text in articles(25):
        assert row("{{featured article}}\n" + text + "\n\n{{Foo-stub}}") == row(text)


@given(st.text(max_size=400))
def test_any_text_has_features(text: str) -> None:
    found = row(text)
    assert all(value is None or value >= 0 for name, value in found.items() if name != RATING_LEXICON)
    assert row(text + text)["chars"] >= found["chars"]


@given(st.text(alphabet="{}[]|<>/=\n'*refa. &;!-", max_size=300))
def test_any_markup_has_features(text: str) -> None:
    found = row(text)
    assert all(value is None or value >= 0 for name, value in found.items() if name != RATING_LEXICON)
    assert uncited_chars(text) <= len(text)
    assert all(paragraph.strip() for paragraph in paragraphs(text))


def test_ratios_do_not_flood_short_texts() -> None:
    found = row("A [[link]] in a stub.")
    assert found["links"] == 1
    assert found["links_per_kchar"] == 2
    assert row(ARTICLE)["ratio.reused_ref_share"] == pytest.approx(1 / 3)
