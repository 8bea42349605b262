"""Characters and words of the added text, alone and against the page."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.edit.added_text import FEATURES, MAX_CHARS
from assay.features.lexicon import Lexicons
from features.edits import edit, value, values

CREE = "ᓃᔥᑕᒻᐹᔅᑌᒋᓂᑲᓐ ᐃᔨᓂᐤ ᐊᔭᒧᐎᓐ\n" * 20
PROSE = "The town lies on the river and has a church, a school and two mills.\n" * 20


def added(before: str | None, text: str, name: str) -> float | None:
    got = value(edit(before, (before or "") + text), f"added.{name}")
    return None if got is None else float(got)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("upper_share", "ABcd", 0.5),
        ("upper_share", "123", None),
        ("shouted_share", "NOOO way MAN", 2 / 3),
        ("digit_share", "12ab", 0.5),
        ("markup_share", "[[a]]", 0.8),
        ("exclamations", "what?!", 2),
        ("longest_run", "aaaargh", 4),
        ("longest_run", "ab", 1),
        ("longest_word", "a bcde fg", 4),
        ("longest_consonants", "sdfghjkl", 8),
        ("mean_word", "ab abcd", 3),
        ("words", "one two", 2),
        ("distinct_words", "ha ha ha ha", 0.25),
        ("title_words", "some text", 0.5),
    ],
)
def test_measures_of_a_few_characters(name: str, text: str, expected: float | None) -> None:
    assert added("", text, name) == expected


def test_repetition_compresses_and_noise_does_not() -> None:
    noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=400))
    repetition, random_text = added("", "lol " * 100, "compressed"), added("", noise, "compressed")
    assert repetition is not None
    assert random_text is not None
    assert repetition < 0.1 < 0.5 < random_text


def test_what_the_page_says_already_compresses_after_it() -> None:
    like, unlike = "The town has a river and a church.\n", "zq jxk vvw yyp bbk qqz wwx kkj hh\n"
    fits, strange = added(PROSE, like, "compressed_after_page"), added(PROSE, unlike, "compressed_after_page")
    assert fits is not None
    assert strange is not None
    assert fits < strange
    assert added(None, like, "compressed_after_page") is None


def test_words_are_new_when_the_page_nearby_lacks_them() -> None:
    assert added(PROSE, "river mills", "new_words") == 0.0
    assert added(PROSE, "viagra mills", "new_words") == 0.5
    assert added(None, "river", "new_words") is None


def test_another_script_than_the_pages_is_foreign_either_way() -> None:
    assert added(CREE, "hello there", "foreign_share") == 1.0
    assert added(PROSE, "ᐃᔨᓂᐤ", "foreign_share") == 1.0
    assert added(PROSE, "hello there", "foreign_share") == 0.0
    assert added(CREE, "hello there", "non_latin_surplus") == -1.0
    assert added(PROSE, "ᐃᔨᓂᐤ", "non_latin_surplus") == 1.0


def test_removed_text_has_its_own_measures() -> None:
    revision = edit("keep GONE [[x]]", "keep ")
    assert values(revision, ["removed.words", "added.words", "added.upper_share"]) == [2, 0, None]


def test_text_after_the_limit_is_not_looked_at() -> None:
    far = "a " * MAX_CHARS
    assert added("", far + "!!!", "exclamations") == 0
    assert added("", "!!!" + far, "exclamations") == 3


@given(st.none() | st.text(max_size=60), st.text(max_size=60))
def test_any_texts_give_numbers_in_range(before: str | None, after: str) -> None:
    names = [feature.name.removeprefix("feature.assay.") for feature in FEATURES]
    for name, got in zip(names, values(edit(before, after), names, Lexicons()), strict=True):
        assert got is None or abs(got) < 1e4
        if name.endswith("_share") and got is not None:
            assert 0 <= got <= 1, name


def test_hostile_texts_are_survived() -> None:
    names = [feature.name.removeprefix("feature.assay.") for feature in FEATURES]
    for text in ("\u202e\u0000\x07" * 50, "{{" * 10_000, "\ud7ff\U0010ffff", "[" * 100_000):
        assert len(values(edit("a", text), names)) == len(names)
