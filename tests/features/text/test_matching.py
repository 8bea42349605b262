from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError
from assay.features.lexicon import Lexicon, shipped, shipped_names
from assay.features.text.matching import Dictionary, Matcher, dictionary, matcher


@cache
def english() -> Dictionary:
    return dictionary(shipped("english.dictionary")["english.dictionary"])


def _matcher(*patterns: str) -> Matcher:
    return Matcher(Lexicon.of("test.patterns", patterns))


def test_matches_are_whole_words_in_reading_order_as_written() -> None:
    found = _matcher("ba+d", "worse").find("Bad badly BAAAD (worse) worsen, so-bad")
    assert found == ["Bad", "BAAAD", "worse", "bad"]


def test_matches_that_share_one_separator_are_all_found() -> None:
    assert _matcher("you").find("you you you") == ["you", "you", "you"]


@pytest.mark.parametrize("edge", [" ", "«", "—", "“", "😀", "\n"])
def test_separators_of_any_width_are_no_part_of_a_match(edge: str) -> None:
    text = edge.join(["bad", "é", "bad", "bad", "é"])
    assert _matcher("bad", "é").find(text) == ["bad", "é", "bad", "bad", "é"]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("дурак", "Дурак, дурака и ДУРАК!", ["Дурак", "ДУРАК"]),
        ("дурак\\w*", "надурак дурацкий дуракам", ["дуракам"]),
        ("μαλάκα", "μαλάκας ΜΑΛΆΚΑ", ["ΜΑΛΆΚΑ"]),
        ("na", "naïve na naïf", ["na"]),
        ("con", "cône con façon con", ["con", "con"]),
        ("été", "été étés répété", ["été"]),
        ("a", "a_b ab1 a", ["a"]),
        ("कि", "किताब कि", ["कि"]),
    ],
)
def test_boundaries_hold_in_every_script(pattern: str, text: str, expected: list[str]) -> None:
    assert _matcher(pattern).find(text) == expected


def test_the_longest_alternative_wins_whatever_the_order() -> None:
    assert _matcher("at", "at least", "at least one").find("at least one at least") == [
        "at least one",
        "at least",
    ]


def test_word_class_inside_a_class_is_unicode_too() -> None:
    assert _matcher(r"pré[\w-]+").find("pré-événement") == ["pré-événement"]


def test_nothing_is_found_inside_runs_without_spaces() -> None:
    assert _matcher("傻瓜").find("他是傻瓜吗") == []
    assert _matcher("傻瓜").find("他是、傻瓜!") == ["傻瓜"]


def test_a_search_for_what_may_be_empty_ends() -> None:
    assert _matcher("x*").find("b xx  x") == ["xx", "", "x"]


def test_an_empty_lexicon_and_an_empty_text_match_nothing() -> None:
    assert _matcher().find("anything") == []
    assert _matcher("x").find("") == []
    assert _matcher().count("anything") == 0


@pytest.mark.parametrize("entry", [r"\bword", "(?=x)y", "(?i)x", "^x", "x$", "(unclosed", "x{2,1}", "*"])
def test_a_bad_entry_is_named(entry: str) -> None:
    with pytest.raises(ConfigurationError, match=r"lexicon test\.patterns: .*" + re.escape(repr(entry))):
        _matcher("fine", entry)


def test_lone_surrogates_do_not_break_matching() -> None:
    assert _matcher("bad").find("\ud800 bad \udfff") == ["bad"]


@given(st.text(max_size=200))
def test_ascii_words_agree_with_the_regular_expressions_of_python(text: str) -> None:
    plain = "".join(character for character in text if character.isascii()) + " bad bad? abad bad_ good"
    expected = re.findall(r"\b(?:ba+d|goo+d)\b", plain, re.IGNORECASE)
    found = _matcher("ba+d", "goo+d")
    assert found.find(plain) == expected
    assert found.count(plain) == len(expected)


@given(st.text(max_size=300))
def test_any_text_is_survived_and_every_match_stands_in_it(text: str) -> None:
    patterns = matcher(shipped("english.badwords")["english.badwords"])
    found = patterns.find(text)
    assert len(found) == patterns.count(text)
    assert all(match in text.encode("utf-8", "replace").decode() for match in found)


@pytest.mark.parametrize(
    "word", ["word", "Word", "WORD", "London", "LONDON", "colour", "color", "don't", "Don’t"]
)
def test_spellings_that_a_checker_admits(word: str) -> None:
    assert english().known[word]


@pytest.mark.parametrize("word", ["wOrd", "london", "qzxv", "haus", "dont"])
def test_spellings_that_a_checker_refuses(word: str) -> None:
    assert not english().known[word]


def test_possessives_are_admitted() -> None:
    words = english()
    assert words.known["London's"]
    assert words.known["dog’s"]
    assert not words.known["qzxv's"]


def test_equal_lexicons_share_one_matcher() -> None:
    first, second = (Lexicon.of("test.patterns", ["a", "b"]) for _ in range(2))
    assert matcher(first) is matcher(second)
    assert dictionary(first) is dictionary(second)


@pytest.mark.parametrize(
    "name", sorted(n for n in shipped_names() if n.rpartition(".")[2] not in {"dictionary", "article_rating"})
)
def test_every_shipped_pattern_compiles(name: str) -> None:
    assert matcher(shipped(name)[name]).count("") == 0
