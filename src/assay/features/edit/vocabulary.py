"""Words of a lexicon in the added and removed text of the changed region.

Word lexicons (function words, chat) are looked up and compared with the page's own share: English where
nobody writes English is a sign of a passer-by. Pattern lexicons (bad words, informals) give the same
matches as ORES's ``…badwords.revision.diff.*``, but taken from the changed lines only, so that they cost
microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from assay.features.edit.added_text import ADDED_WORDS, PAGE_WORDS, REMOVED_WORDS
from assay.features.edit.region import REGION, Region
from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicon, Lexicons
from assay.features.text.matching import matcher

MAX_CHARS = 20_000
PATTERN_LEXICONS = ("badwords", "informals", "vandalism")
WORD_LEXICONS = ("function_words", "chat")
"""Last parts of the names of the lexicons that these features know what to do with."""


@lru_cache(maxsize=64)
def of_patterns(lexicon: Lexicon) -> tuple[Feature, ...]:
    """Features of one pattern lexicon; the same objects for equal lexicons."""
    count = matcher(lexicon).count
    name = lexicon.name

    def added(region: Region) -> int:
        return count("\n".join(region.added)[:MAX_CHARS])

    def removed(region: Region) -> int:
        return count("\n".join(region.removed)[:MAX_CHARS])

    return (
        Feature(f"feature.assay.{name}.added", f"Added matches of {name}.", (REGION,), added, type="int"),
        Feature(
            f"feature.assay.{name}.removed", f"Removed matches of {name}.", (REGION,), removed, type="int"
        ),
    )


@lru_cache(maxsize=64)
def of_words(lexicon: Lexicon) -> tuple[Feature, ...]:
    """Features of one word lexicon (lower-case entries); the same objects for equal lexicons."""
    known = lexicon.words
    name = lexicon.name

    def count(words: Sequence[str]) -> int:
        return sum(word in known for word in words)

    def share(words: Sequence[str]) -> float | None:
        return count(words) / len(words) if words else None

    def surplus(words: Sequence[str], page_words: Sequence[str]) -> float | None:
        return (
            count(words) / len(words) - count(page_words) / len(page_words) if words and page_words else None
        )

    return (
        Feature(f"feature.assay.{name}.added", f"Added words of {name}.", (ADDED_WORDS,), count, type="int"),
        Feature(
            f"feature.assay.{name}.added_share", f"Share of {name} in added words.", (ADDED_WORDS,), share
        ),
        Feature(
            f"feature.assay.{name}.removed_share",
            f"Share of {name} in removed words, 0 to 1.",
            (REMOVED_WORDS,),
            share,
        ),
        Feature(
            f"feature.assay.{name}.surplus",
            f"Share of {name} in the added words minus their share in the page, -1 to 1.",
            (ADDED_WORDS, PAGE_WORDS),
            surplus,
        ),
    )


def family(lexicons: Lexicons) -> Iterable[Node]:
    for lexicon in lexicons.values():
        kind = lexicon.name.rpartition(".")[2]
        if kind in PATTERN_LEXICONS:
            yield from of_patterns(lexicon)
        elif kind in WORD_LEXICONS:
            yield from of_words(lexicon)
