"""Changes of words are those of the whole texts' lower-cased counts, whatever the spelling."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from assay.features.text.alignment import align
from assay.features.text.diff import Delta, _word_delta, changed_counts, spellings, summed
from assay.features.text.tokens import ParentTokens, Tokens, TokensOfKind, lower_case, tokenize

WORDS = st.lists(st.sampled_from(["İzmir", "izmir", "IZMIR", "iZMİR", "Σας", "ΣΑΣ", "the", "The", "7", "\n"]))

TRICKY = st.text(st.sampled_from("aAéÉΣσςßẞsSſkK\N{KELVIN SIGN}ǆǅǄİiŉ']"), min_size=1, max_size=3)
"""Letters whose cases are not simply two."""


def word_delta(parent: str, text: str) -> Delta:
    alignment, revision = align(parent, text), tokenize(text)
    before = ParentTokens(revision, tokenize(alignment.added), tokenize(alignment.removed), alignment)
    return _word_delta(TokensOfKind("word", before), TokensOfKind("word", revision))


def lowered(text: str) -> Counter[str]:
    return Counter(map(lower_case, TokensOfKind("word", tokenize(text))))


@given(WORDS, WORDS)
def test_spellings_of_a_word_are_joined(old: list[str], new: list[str]) -> None:
    parent, text = " ".join(old), " ".join(new)
    expected = summed((before, delta) for _, before, delta in changed_counts(lowered(parent), lowered(text)))
    found = word_delta(parent, text)
    assert found[:3] == expected[:3]
    assert all(abs(a - b) < 1e-9 for a, b in zip(found, expected, strict=True))


def test_a_dotted_capital_is_the_plain_letter() -> None:
    assert word_delta("İzmir", "izmir") == Delta()


def test_injected_words_are_lowered_too() -> None:
    words = TokensOfKind("word", Tokens(["İ", "i", "I", "x"]), injected=True)
    assert spellings(words, {"i"}) == [("İ", "i", 1), ("i", "i", 1), ("I", "i", 1)]


@given(st.lists(TRICKY), st.sets(TRICKY.map(lower_case)))
def test_all_spellings_of_the_wanted_words_are_found(tokens: list[str], wanted: set[str]) -> None:
    words = TokensOfKind("word", tokenize(" ".join(tokens)))
    counts = words.counts.items()
    expected = [(word, lower_case(word), n) for word, n in counts if lower_case(word) in wanted]
    assert sorted(spellings(words, wanted)) == sorted(expected)
