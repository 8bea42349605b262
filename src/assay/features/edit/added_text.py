"""The added and removed text as characters and words: the classic signs of vandalism and spam.

Character classes, repetition and compressibility come from the PAN vandalism detectors (Mola-Velasco
2010; Adler, de Alfaro, Mola-Velasco, Rosso, West 2011). What lets them work on any wiki is that they are
also taken relative to the page: English in a page of Cree syllabics is as telling as syllabics in an
English one. At most `MAX_CHARS` characters of the added text and as few of the parent are looked at,
so that a huge edit costs no more than a large one; a text that turns bad after that is missed.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from assay.features.edit.region import REGION, Region
from assay.features.graph.injection import strings
from assay.features.graph.node import Datasource, Field, Node
from assay.features.graph.record import record
from assay.features.lexicon import Lexicons
from assay.features.roots import PAGE_TITLE, PARENT_TEXT

MAX_CHARS = 4_000
_SAMPLE = 800
_WINDOW = 8_000
_MAX_WORDS = 200
_FEW = 0.02
_LAST_LATIN = "ʯ"
"""Letters above U+02AF are neither Latin nor phonetic signs made of Latin."""
_WORD = re.compile(r"[^\W\d_]+")
_RUN = re.compile(r"(\S)\1{2,}")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]+", re.IGNORECASE)
_MARKUP_CHARACTERS = "[]{}|<>='*#"


class AddedText(NamedTuple):
    """Shares are in [0, 1], and None where there is nothing that they could be shares of."""

    upper_share: float | None
    shouted_share: float | None
    digit_share: float | None
    markup_share: float | None
    space_share: float | None
    exclamations: int
    longest_run: int
    longest_word: int
    longest_consonants: int
    mean_word: float | None
    words: int
    distinct_chars: float | None
    distinct_words: float | None
    compressed: float | None
    compressed_after_page: float | None
    new_words: float | None
    foreign_share: float | None
    non_latin_share: float | None
    non_latin_surplus: float | None
    title_words: float | None


class RemovedText(NamedTuple):
    """The same of what was taken away."""

    words: int
    upper_share: float | None
    markup_share: float | None
    distinct_chars: float | None


def added_of(region: Region) -> str:
    """The beginning of all added segments."""
    return "\n".join(region.added)[:MAX_CHARS]


def removed_of(region: Region) -> str:
    """The beginning of all removed segments."""
    return "\n".join(region.removed)[:MAX_CHARS]


def lower_words(text: str) -> list[str]:
    """Runs of letters in lower case, in reading order."""
    return [word.lower() for word in _WORD.findall(text)]


def page_sample(parent_text: str | None) -> str:
    """The beginning and the end of the parent; empty for a page creation."""
    parent = parent_text or ""
    return parent if len(parent) <= 2 * _SAMPLE else parent[:_SAMPLE] + parent[-_SAMPLE:]


def describe_added(region: Region, parent_text: str | None, title: str) -> AddedText:
    """All measures of the added text, against samples of the parent (None: a page creation)."""
    added = added_of(region)
    parent = parent_text or ""
    letters = list(filter(str.isalpha, added))
    words = _WORD.findall(added)
    lower = [word.lower() for word in words]
    page_letters = list(filter(str.isalpha, page_sample(parent_text)))
    non_latin = _non_latin(letters)
    window = _around(parent, region)
    return AddedText(
        upper_share=_share(sum(map(str.isupper, letters)), len(letters)),
        shouted_share=_share(sum(len(w) > 2 and w.isupper() for w in words), len(words)),
        digit_share=_share(sum(map(str.isdigit, added)), len(added)),
        markup_share=_share(sum(map(added.count, _MARKUP_CHARACTERS)), len(added)),
        space_share=_share(added.count(" ") + added.count("\n"), len(added)),
        exclamations=added.count("!") + added.count("?"),
        longest_run=max((len(m.group()) for m in _RUN.finditer(added)), default=min(1, len(added))),
        longest_word=max(map(len, words), default=0),
        longest_consonants=max(map(len, _CONSONANTS.findall(added)), default=0),
        mean_word=_share(sum(map(len, words)), len(words)),
        words=len(words),
        distinct_chars=_share(len(set(added)), min(len(added), 200)),
        distinct_words=_share(len(set(lower)), len(words)),
        compressed=_compressed(added, ""),
        compressed_after_page=_compressed(added, window) if window else None,
        new_words=_new_words(lower, window) if window else None,
        foreign_share=_foreign_share(letters, page_letters),
        non_latin_share=non_latin,
        non_latin_surplus=_minus(non_latin, _non_latin(page_letters)),
        title_words=_title_words(title, lower),
    )


def describe_removed(region: Region) -> RemovedText:
    """Fewer measures: they tell the removal of rubbish from the removal of content."""
    removed = removed_of(region)
    letters = list(filter(str.isalpha, removed))
    return RemovedText(
        words=len(_WORD.findall(removed)),
        upper_share=_share(sum(map(str.isupper, letters)), len(letters)),
        markup_share=_share(sum(map(removed.count, _MARKUP_CHARACTERS)), len(removed)),
        distinct_chars=_share(len(set(removed)), min(len(removed), 200)),
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _non_latin(letters: list[str]) -> float | None:
    return _share(sum(letter > _LAST_LATIN for letter in letters), len(letters))


def _around(parent: str, region: Region) -> str:
    """The parent near the change."""
    middle = int(region.position * len(parent))
    begin = max(0, min(middle - _WINDOW // 2, len(parent) - _WINDOW))
    return parent[begin : begin + _WINDOW]


def _compressed(added: str, known: str) -> float | None:
    """Deflated bytes per byte of `added` for a reader who has `known` before him; > 1 for tiny texts."""
    data = added.encode("utf-8", "replace")
    if not data:
        return None
    strategy = zlib.Z_DEFAULT_STRATEGY
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 8, strategy, known.encode("utf-8", "replace"))
    return len(packer.compress(data) + packer.flush()) / len(data)


def _new_words(lower: list[str], window: str) -> float | None:
    """Share of the distinct added words (the first `_MAX_WORDS`) that the page does not use nearby."""
    distinct = list(dict.fromkeys(lower))[:_MAX_WORDS]
    if not distinct:
        return None
    known = set(_WORD.findall(window.lower()))
    return sum(word not in known for word in distinct) / len(distinct)


def _foreign_share(letters: list[str], page_letters: list[str]) -> float | None:
    """Share of the letters from Unicode blocks (of 256) that hold under 2 % of the page's letters."""
    if not letters or not page_letters:
        return None
    of_page = Counter(ord(letter) >> 8 for letter in page_letters)
    few = _FEW * len(page_letters)
    blocks = Counter(ord(letter) >> 8 for letter in letters)
    return sum(n for block, n in blocks.items() if of_page[block] < few) / len(letters)


def _title_words(title: str, lower: list[str]) -> float | None:
    """Share of the title's words that stand in the added text."""
    words = {word.lower() for word in _WORD.findall(title)}
    return len(words.intersection(lower)) / len(words) if words and lower else None


ADDED_TEXT = Datasource(
    "datasource.assay.added_text",
    "Measures of the added text (`AddedText`).",
    (REGION, PARENT_TEXT, PAGE_TITLE),
    describe_added,
    from_json=record(AddedText),
)
REMOVED_TEXT = Datasource(
    "datasource.assay.removed_text",
    "Measures of the removed text (`RemovedText`).",
    (REGION,),
    describe_removed,
    from_json=record(RemovedText),
)
ADDED_WORDS = Datasource(
    "datasource.assay.added_words",
    "Added words in lower case.",
    (REGION,),
    lambda region: lower_words(added_of(region)),
    from_json=strings,
)
REMOVED_WORDS = Datasource(
    "datasource.assay.removed_words",
    "Removed words in lower case.",
    (REGION,),
    lambda region: lower_words(removed_of(region)),
    from_json=strings,
)
PAGE_WORDS = Datasource(
    "datasource.assay.page_words",
    "Words of a sample of the parent in lower case.",
    (PARENT_TEXT,),
    lambda parent_text: lower_words(page_sample(parent_text)),
    from_json=strings,
)

_ADDED_DOCS = {
    "upper_share": "Upper-case letters per added letter, 0 to 1.",
    "shouted_share": "Added words of three or more letters all in capitals, per word, 0 to 1.",
    "digit_share": "Digits per added character, 0 to 1.",
    "markup_share": "Characters of wiki markup per added character, 0 to 1.",
    "space_share": "Blanks and line ends per added character, 0 to 1.",
    "exclamations": "Added exclamation and question marks.",
    "longest_run": "Longest run of one repeated character in the added text; 1 below three.",
    "longest_word": "Letters of the longest added word.",
    "longest_consonants": "Longest run of Latin consonants: mashed keys have long ones.",
    "mean_word": "Mean letters per added word.",
    "words": "Words of the added text.",
    "distinct_chars": "Different characters per added character (of at most 200).",
    "distinct_words": "Different words per added word, 0 to 1: repetition is low.",
    "compressed": "Deflated bytes per added byte: repetition is low, noise is high.",
    "compressed_after_page": "The same when the page nearby is known already: what fits it is low.",
    "new_words": "Share of the added words that the page does not use near the change, 0 to 1.",
    "foreign_share": "Share of the added letters from scripts that the page does not use, 0 to 1.",
    "non_latin_share": "Letters outside the Latin script per added letter, 0 to 1.",
    "non_latin_surplus": "The same, minus the page's own share, -1 to 1.",
    "title_words": "Share of the title's words that occur in the added text, 0 to 1.",
}
_REMOVED_DOCS = {
    "words": "Words of the removed text.",
    "upper_share": "Upper-case letters per removed letter, 0 to 1.",
    "markup_share": "Characters of wiki markup per removed character, 0 to 1.",
    "distinct_chars": "Different characters per removed character (of at most 200).",
}
FEATURES = tuple(
    Field(f"feature.assay.{group}.{name}", doc, (source,), field=name)
    for group, source, docs in (("added", ADDED_TEXT, _ADDED_DOCS), ("removed", REMOVED_TEXT, _REMOVED_DOCS))
    for name, doc in docs.items()
)


def family(_: Lexicons) -> Iterable[Node]:
    return (ADDED_TEXT, REMOVED_TEXT, ADDED_WORDS, REMOVED_WORDS, PAGE_WORDS, *FEATURES)
