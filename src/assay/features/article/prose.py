"""How an article reads: words, sentences, variety; from the readable text alone, for any language.

Cheap on purpose: no tagger, no syllable dictionary. Word and sentence lengths are what readability
formulas are made of; in scripts without spaces they mean little, and the trees can learn to ignore them.
"""

from __future__ import annotations

import re
import zlib
from typing import Final, NamedTuple

_WORD: Final = re.compile(r"[^\W\d_]+")
_NUMBER: Final = re.compile(r"\d+")
_SENTENCE_END: Final = re.compile(r"[.!?…。！？](?=[\s\"'”»)]|$)")
_YEAR: Final = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
_SAMPLE_WORDS: Final = 1000
_SAMPLE_BYTES: Final = 16384
_LINE_CHARS: Final = 120


class Prose(NamedTuple):
    """Counts, ≥ 0, means and shares; None when the text has no word."""

    words: int
    prose_lines: int
    prose_share: float
    mean_line_chars: float | None
    longest_line_chars: int
    sentences: int
    words_per_sentence: float | None
    chars_per_word: float | None
    long_word_share: float | None
    capital_share: float | None
    variety: float | None
    numbers_per_kword: float | None
    years_per_kword: float | None
    commas_per_sentence: float | None
    semicolons_per_kword: float | None
    parentheses_per_kword: float | None
    quotes_per_kword: float | None
    questions: int
    exclamations: int
    compressed_share: float | None


def analyse(content: str) -> Prose:
    """The prose of a readable text."""
    lines = [line for line in content.split("\n") if len(line) >= _LINE_CHARS]
    prose = "\n".join(lines)
    words = _WORD.findall(prose)
    sentences = len(_SENTENCE_END.findall(prose))
    return Prose(
        words=len(words),
        prose_lines=len(lines),
        prose_share=len(prose) / max(len(content), 1),
        mean_line_chars=len(prose) / len(lines) if lines else None,
        longest_line_chars=max(map(len, lines), default=0),
        sentences=sentences,
        words_per_sentence=len(words) / sentences if sentences else None,
        chars_per_word=_per(sum(map(len, words)), words),
        long_word_share=_per(sum(len(word) > 7 for word in words), words),
        capital_share=_per(sum(word[0].isupper() for word in words), words),
        variety=_variety(words),
        numbers_per_kword=_per(1000 * len(_NUMBER.findall(prose)), words),
        years_per_kword=_per(1000 * len(_YEAR.findall(prose)), words),
        commas_per_sentence=(prose.count(",") + prose.count("、")) / sentences if sentences else None,
        semicolons_per_kword=_per(1000 * (prose.count(";") + prose.count(":")), words),
        parentheses_per_kword=_per(1000 * prose.count("("), words),
        quotes_per_kword=_per(1000 * (prose.count('"') + prose.count("“") + prose.count("«")), words),
        questions=prose.count("?"),
        exclamations=prose.count("!"),
        compressed_share=_compressed_share(prose),
    )


def _per(amount: float, words: list[str]) -> float | None:
    return amount / len(words) if words else None


def _variety(words: list[str]) -> float | None:
    """Share of distinct words among the first thousand; None below a hundred, where it means nothing."""
    sample = words[:_SAMPLE_WORDS]
    return len({word.lower() for word in sample}) / len(sample) if len(sample) >= 100 else None


def _compressed_share(prose: str) -> float | None:
    data = prose.encode("utf-8", "replace")[:_SAMPLE_BYTES]
    return len(zlib.compress(data, 1)) / len(data) if data else None
