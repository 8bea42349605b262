"""Stems by Snowball, as its own site shows them; how they rank real articles is in `test_enwiki_articles`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.edits import edit, values_called


def length(text: str) -> object:
    return values_called(["feature.english.stemmed.revision.stems_length"], edit(None, text))[0]


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("consigned", "consign"),
        ("consistency", "consist"),
        ("consolatory", "consolatori"),
        ("conspicuously", "conspicu"),
        ("knackeries", "knackeri"),
        ("knightly", "knight"),
        ("knots", "knot"),
    ],
)
def test_a_word_counts_as_long_as_its_stem(word: str, stem: str) -> None:
    assert length(word) == length(word.upper()) == len(stem)
    assert length(f"{word}, {word}; 1999 [[{word.title()}]]") == 3 * len(stem)


@given(st.lists(st.sampled_from(["running", "runs", "Äpfel", "ponies", "x"]), max_size=9))
def test_lengths_add_up(words: list[str]) -> None:
    found = length(" ".join(words))
    assert type(found) is int
    assert found == sum(map(length, words))  # type: ignore[arg-type]
