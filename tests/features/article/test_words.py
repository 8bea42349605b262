"""An article's words by topic and by weight."""

from __future__ import annotations

import math

import mwparserfromhell
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError
from assay.features.article.any_wiki import NAMES_LEXICON
from assay.features.article.names import article_names
from assay.features.article.words import rating, terms, topic_share, topics, weights, words
from assay.features.lexicon import Lexicon, shipped
from assay.features.wikitext.wikicode import read
from features.oracle import articles


def terms_of(text: str) -> set[str]:
    wikicode = read(text)
    return terms(words(wikicode.content), wikicode, article_names(shipped(NAMES_LEXICON)[NAMES_LEXICON]))


def test_words_are_letters_in_lower_case() -> None:
    assert words("Ada's Äpfel, 2nd x_y I a1bc ПИР!") == {"ada": 1, "äpfel": 1, "nd": 1, "bc": 1, "пир": 1}


@given(st.text(max_size=200))
def test_words_are_words_whatever_the_text(text: str) -> None:
    found = words(text)
    assert all(len(word) > 1 and not any(map(str.isdecimal, word)) for word in found)
    assert words(text + " " + text) == {word: 2 * count for word, count in found.items()}


def test_terms_are_words_templates_and_headings_but_no_class() -> None:
    found = terms_of("Ada wrote. {{Cite_web|x}} {{Template:Sfn|y}} {{good article}}\n== See_also ==\n")
    assert found == {"ada", "wrote", "see", "also", "{{cite web", "{{sfn", "==see also"}


@pytest.mark.parametrize(
    ("text", "term"),
    [("{}", "{}"), ("{{{{{}}}}}", "{{{{{}"), ("== {} ==", "=={}"), ("{{{{a|{}}}}}", "{{{{a")],
)
def test_terms_of_more_than_60_characters_are_left_out(text: str, term: str) -> None:
    short, long = "x" * 60, "x" * 61
    assert term.format(short) in terms_of(text.format(short))
    assert not any(long in found for found in terms_of(text.format(long)))


def test_real_articles_know_their_terms() -> None:
    for _, text in articles(8):
        found = terms_of(text)
        assert len(found) > 10
        assert max(map(len, found)) <= 62
        tree = mwparserfromhell.parse(text)
        templates = {"{{" + str(template.name).strip().lower() for template in tree.filter_templates()}
        headings = {"==" + str(heading.title).strip().lower() for heading in tree.filter_headings()}
        assert {term for term in found if term.startswith("{{")} <= templates
        assert {term for term in found if term.startswith("==")} == headings


def test_topics_are_shares_of_the_words() -> None:
    lexicon = Lexicon.of("x.topics", ["war\tarmy", "war\tnavy", "music\tsong", "music\tarmy"])
    found = words("Army and navy met; army won " + "word " * 44)
    assert dict(topics(lexicon)) == {"music": {"song", "army"}, "war": {"army", "navy"}}
    assert topic_share(found, topics(lexicon)["war"]) == pytest.approx(1000 * 3 / 100)


def test_a_text_without_words_has_no_topic() -> None:
    assert topic_share(words(""), frozenset({"army"})) == 0


@pytest.mark.parametrize("entry", ["no tab", "\tword", "topic\t"])
def test_a_bad_topic_is_named(entry: str) -> None:
    with pytest.raises(ConfigurationError, match=r"lexicon x\.topics: .* is not a topic"):
        topics(Lexicon.of("x.topics", [entry]))


def test_a_rating_is_the_sum_of_the_weights_in_any_order() -> None:
    weighed = weights(Lexicon.of("x.article_rating", ["a\t0.1", "b\t0.2", "{{c\t-0.35", "a\tb\t7"]))
    assert rating(["a", "b", "unknown"], weighed) == rating(["b", "unknown", "a"], weighed) == 0.3
    assert rating(["{{c"], weighed) == -0.35
    assert rating(["a\tb"], weighed) == 7
    assert str(rating(["down"], {"down": -0.00001})) == "0.0"


@given(st.dictionaries(st.text(max_size=3), st.floats(-9, 9), max_size=20))
def test_a_rating_is_the_exact_sum_to_four_digits(weighed: dict[str, float]) -> None:
    assert rating([*weighed, "\0unknown"], weighed) == pytest.approx(math.fsum(weighed.values()), abs=6e-5)


@pytest.mark.parametrize("entry", ["no tab", "word\tnot a number", "\t1"])
def test_a_bad_weight_is_named(entry: str) -> None:
    with pytest.raises(ConfigurationError, match=r"x\.article_rating: .* is not a term"):
        weights(Lexicon.of("x.article_rating", [entry]))
