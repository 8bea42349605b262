"""Words without their endings, by the Snowball stemmers; each distinct word is stemmed once per process.

ORES used nltk's English Snowball stemmer in Python; PyStemmer is the same algorithm in C. Limit: for words
with apostrophes or letters outside English the two implementations differ now and then by a character.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import Stemmer

from assay.features.lexicon import Lexicons
from assay.features.node import Feature, Node
from assay.features.tokens import OF_KIND, TokensOfKind

_MEMO_ENTRIES: Final = 200_000


class _StemLengths(dict[str, int]):
    """Characters of each word's stem, for every word met so far; forgets all when it is full."""

    def __init__(self, language: str) -> None:
        self._stemmer = Stemmer.Stemmer(language, 0)

    def __missing__(self, word: str) -> int:
        if len(self) >= _MEMO_ENTRIES:
            self.clear()
        length = self[word] = len(self._stemmer.stemWord(word.lower()))
        return length


_english: Final = _StemLengths("english")


def stems_length(words: TokensOfKind) -> int:
    """Characters of the stems of all words together."""
    lengths = _english
    return sum(lengths[word] * count for word, count in words.counts.items())


ENGLISH_STEMS_LENGTH: Final = Feature(
    "feature.english.stemmed.revision.stems_length",
    "Characters of the English stems of all words.",
    (OF_KIND["word"],),
    stems_length,
    type="int",
)


def family(_: Lexicons) -> Iterable[Node]:
    """All nodes of this module; they need no lexicon."""
    return (ENGLISH_STEMS_LENGTH,)
