"""How an article reads; lines of 120 characters and more are its prose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.article.prose import Prose, analyse

PADDING = "x" * 119


def of(sentence: str) -> Prose:
    """Of one line that begins with the sentence and goes on with one word up to the least length."""
    return analyse(f"{sentence} {PADDING}")


def test_a_line_of_prose_has_120_characters() -> None:
    assert analyse("x" * 119).prose_lines == 0
    assert analyse("x" * 120).prose_lines == 1


def test_lines_are_measured() -> None:
    found = analyse("\n".join(["a" * 120, "short", "b" * 140, ""]))
    assert (found.prose_lines, found.longest_line_chars, found.words) == (2, 140, 2)
    assert found.mean_line_chars == 261 / 2  # with the line end between them
    assert found.prose_share == 261 / 268
    assert (analyse("short").prose_share, analyse("short").longest_line_chars) == (0, 0)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four… ", 4),
        ("U.S.A. in one.", 2),
        ("3.14 is no end", 0),
        ('He said "no." Then left.)', 2),
        ("«Нет.» Да.", 2),
        ("一。二。 三！", 2),
    ],
)
def test_sentences_end_before_a_blank_or_a_closing_mark(text: str, sentences: int) -> None:
    assert of(text).sentences == sentences


def test_words_are_letters() -> None:
    found = of("Ada counted 1843 engines_two")
    assert found.words == 5
    assert found.chars_per_word == (3 + 7 + 7 + 3 + 119) / 5
    assert found.capital_share == 1 / 5
    assert of("Engines machines").long_word_share == 2 / 3  # "Engines" has seven letters
    assert of("Ada wrote notes. Bob did not.").words_per_sentence == 7 / 2


def test_signs_are_told_per_thousand_words_or_per_sentence() -> None:
    found = of('One, two、three; four: "five" “six” «seven» (eight) 9 in 1843 and 2011. Really? Yes! End!')
    words = found.words
    assert (found.sentences, found.questions, found.exclamations) == (4, 1, 2)
    assert found.commas_per_sentence == 2 / 4
    assert found.semicolons_per_kword == 2000 / words
    assert found.parentheses_per_kword == 1000 / words
    assert found.quotes_per_kword == 4000 / words
    assert found.numbers_per_kword == 3000 / words
    assert found.years_per_kword == 2000 / words


@pytest.mark.parametrize(
    ("number", "is_year"), [("1000", True), ("999", False), ("1999", True), ("2099", True), ("2100", False)]
)
def test_years(number: str, is_year: bool) -> None:
    assert of(f"in {number} it").years_per_kword == (1000 / 3 if is_year else 0)


def test_variety_is_of_the_first_thousand_words_and_of_no_fewer_than_a_hundred() -> None:
    assert analyse("word Word " * 50).variety == 1 / 100
    assert analyse(" ".join(["word"] * 99)).variety is None
    letters = "abcdefghij"
    thousand = [f"{a}{b}{c}" for a in letters for b in letters for c in letters]
    assert analyse(" ".join(thousand + ["aaa"] * 1000)).variety == 1


def test_repetition_compresses() -> None:
    repeated, varied = analyse("ha " * 100), analyse(" ".join(f"{n * n}" for n in range(100)))
    assert repeated.compressed_share is not None
    assert varied.compressed_share is not None
    assert repeated.compressed_share < 0.1 < varied.compressed_share


def test_only_the_first_sixteen_thousand_bytes_are_compressed() -> None:
    assert analyse("x" * 16_384).compressed_share == analyse("x" * 100_000).compressed_share


@given(st.text(max_size=60).map(lambda text: f"{text} {PADDING}"))
def test_shares_are_shares(content: str) -> None:
    found = analyse(content)
    assert 0 <= found.prose_share <= 1
    for share in (found.long_word_share, found.capital_share):
        assert share is None or 0 <= share <= 1


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
