"""Words without their endings, by the Snowball stemmers; each distinct word is stemmed once per process.

ORES used nltk's English Snowball stemmer in Python; PyStemmer is the same algorithm in C. Limit: for words
with apostrophes or letters outside English the two implementations differ now and then by a character.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import mul
from typing import Final

import Stemmer

from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.memo import Memo
from assay.features.text.tokens import OF_KIND, TokensOfKind

_stemmer: Final = Stemmer.Stemmer("english", 0)
_english: Final = Memo("English stems", lambda word: len(_stemmer.stemWord(word.lower())), 1 << 16)
"""Characters of each word's stem."""


def stems_length(words: TokensOfKind) -> int:
    """Characters of the stems of all words together."""
    counts = words.counts
    return sum(map(mul, _english.of(counts), counts.values()))


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
