"""Changes of words are those of the whole texts' lower-cased counts, whatever the spelling."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from assay.features.alignment import align
from assay.features.diff import Delta, _word_delta, changed_counts, lower_case, spellings, summed
from assay.features.tokens import ParentTokens, Tokens, TokensOfKind, tokenize

WORDS = st.lists(st.sampled_from(["İzmir", "izmir", "IZMIR", "iZMİR", "Σας", "ΣΑΣ", "the", "The", "7", "\n"]))


def word_delta(parent: str, text: str) -> Delta:
    alignment, revision = align(parent, text), tokenize(text)
    before = ParentTokens(revision, tokenize(alignment.added), tokenize(alignment.removed), alignment)
    return _word_delta(TokensOfKind(before, "word"), TokensOfKind(revision, "word"))


def lowered(text: str) -> Counter[str]:
    return Counter(map(lower_case, TokensOfKind(tokenize(text), "word")))


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
    words = TokensOfKind(Tokens(["İ", "i", "I", "x"]), "word", injected=True)
    assert spellings(words, {"i"}) == [("İ", "i", 1), ("i", "i", 1), ("I", "i", 1)]


@given(st.lists(st.sampled_from(["a", "A", "Aa", "aA", "ΑΣ", "ας", "é", "É", "x", "]"]), max_size=12))
def test_a_few_words_are_found_as_many_are(tokens: list[str]) -> None:
    """More words than are searched for one by one, of which only the same few occur."""
    words = TokensOfKind(tokenize(" ".join(tokens)), "word")
    few = {"a", "aa", "ας", "é"}
    many = few | {str(number) for number in range(20)}
    assert spellings(words, few) == spellings(words, many)
    assert {lowered for _, lowered, _ in spellings(words, few)} == few & set(map(str.lower, tokens))
