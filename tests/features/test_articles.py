"""The article features against ORES's own values, and blind to what tells the class."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from assay.features.article_names import ArticleNames, article_names, normalised, normalised_template
from assay.features.article_words import rating, terms, topic_share, topics, weights, words
from assay.features.articles import NAMES_LEXICON, names_of_features, rating_name
from assay.features.catalogue import features
from assay.features.graph import Plan
from assay.features.lexicon import Lexicon, shipped
from assay.features.paragraphs import paragraphs, uncited_chars
from assay.features.prose import analyse
from assay.features.wikicode import read
from features.oracle import ARTICLE_WORD_LIST_FEATURES, article, articles, needs_word_list, of_articles

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


def test_features_without_word_lists_equal_the_oracle_on_every_article() -> None:
    different = Counter(
        name
        for name, pairs in of_articles().items()
        if not needs_word_list(name)
        for expected, own in pairs
        if abs(own - expected) > 1e-9
    )
    assert len(of_articles()) == 26
    assert not different


@pytest.mark.parametrize("name", ARTICLE_WORD_LIST_FEATURES)
def test_word_list_features_rank_as_the_oracle_does(name: str) -> None:
    expected, own = zip(*of_articles()[name], strict=True)
    assert spearmanr(expected, own).statistic >= 0.95


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
        "infobox_fields": 2,
        "infobox_filled": 1,
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
    for _, text in articles()[:25]:
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


def test_paragraphs_end_at_blank_lines_but_not_after_an_opened_table() -> None:
    assert paragraphs("a\n\n b \n\nc") == ["a", "b ", "c"]
    assert paragraphs("a\n\n{| t\n|}\n\nb\n\nc") == ["a", "{| t\n|}\n\nb\n\nc"]
    assert paragraphs("some words here {| t\n|}\n\nb") == ["some words here {| t\n|}", "b"]
    assert paragraphs("") == []


def test_only_plain_refs_cite_a_paragraph_as_in_ores() -> None:
    assert uncited_chars("cited<REF>x</ref>\n\nnamed<ref name=x />") == len("named<ref name=x />")


def test_prose_of_nothing_is_missing_not_zero() -> None:
    empty = analyse("")
    assert empty.words == 0
    assert empty.words_per_sentence is None
    assert empty.compressed_share is None


def test_prose_counts_words_and_sentences_in_long_lines_only() -> None:
    line = "Ada wrote nine notes. " * 10
    found = analyse("Heading\n" + line + "\nshort line")
    assert (found.words, found.sentences, found.prose_lines) == (40, 10, 1)
    assert found.words_per_sentence == 4


def test_names_are_normalised() -> None:
    assert normalised(" Cite_web <!-- x --> ") == "cite web"
    assert normalised_template("Template: Foo") == "foo"
    assert len(normalised("x" * 10_000)) == 120


def test_kinds_of_names_in_several_languages() -> None:
    names = article_names(shipped(NAMES_LEXICON)[NAMES_LEXICON])
    assert {"cite", "cite_web"} <= names.of("cite web")
    assert "infobox" in names.of("infobox person")
    assert "ns_file" in names.of("файл")
    assert "ns_category" in names.of("catégorie")
    assert "class" in names.of("japan-geo-stub")
    assert names.of("some unknown name") == frozenset()


def test_a_line_that_is_no_kind_and_pattern_is_named() -> None:
    from assay.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="not a kind"):
        ArticleNames(Lexicon.of("any.article_names", ["just a word"]))
    with pytest.raises(ConfigurationError, match="kind cite"):
        ArticleNames(Lexicon.of("any.article_names", ["cite\t(unclosed"]))


def test_remembered_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.features.article_names._MEMO_ENTRIES", 3)
    names = ArticleNames(Lexicon.of("any.article_names", ["cite\tcite.*"]))
    for i in range(10):
        assert names.of(f"cite {i}") == {"cite"}
    assert len(names._memo) <= 3


def test_ratios_do_not_flood_short_texts() -> None:
    found = row("A [[link]] in a stub.")
    assert found["links"] == 1
    assert found["links_per_kchar"] == 2
    assert row(ARTICLE)["ratio.reused_ref_share"] == pytest.approx(1 / 3)


def test_terms_are_words_templates_and_headings_but_no_class() -> None:
    names = article_names(shipped(NAMES_LEXICON)[NAMES_LEXICON])
    wikicode = read("Ada wrote. {{Cite_web|x}} {{good article}}\n== See also ==\n")
    found = terms(words(wikicode.content), wikicode, names)
    assert found == {"ada", "wrote", "see", "also", "{{cite web", "==see also"}


def test_a_rating_is_the_sum_of_the_weights_in_any_order() -> None:
    weighed = weights(Lexicon.of("x.article_rating", ["a\t0.1", "b\t0.2", "{{c\t-0.35"]))
    assert rating(["a", "b", "unknown"], weighed) == rating(["b", "unknown", "a"], weighed) == 0.3
    assert rating(["{{c"], weighed) == -0.35
    assert str(rating(["down"], {"down": -0.00001})) == "0.0"


def test_topics_are_shares_of_the_words() -> None:
    lexicon = Lexicon.of("x.topics", ["war\tarmy", "war\tnavy", "music\tsong"])
    found = words("Army and navy met; army won " + "word " * 44)
    assert set(topics(lexicon)) == {"war", "music"}
    assert topic_share(found, topics(lexicon)["war"]) == pytest.approx(1000 * 3 / 100)


@pytest.mark.parametrize("entry", ["no tab", "word\tnot a number", "\t1"])
def test_a_bad_weight_is_named(entry: str) -> None:
    from assay.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match="article_rating"):
        weights(Lexicon.of("x.article_rating", [entry]))
