"""How an edit changed the words that are, or are not, in a word list, and the matches of bad words.

For every lexicon called ``<language>.dictionary``, ``<language>.badwords`` or ``<language>.informals`` there
are the six features of a `Delta`, under ORES's names. Only the changed lines are looked up or
searched; the rest of the text is searched for a match's old frequency only when a match appeared or
disappeared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from assay.features.graph.injection import strings
from assay.features.graph.node import Datasource, Node
from assay.features.graph.record import record
from assay.features.lexicon import Lexicon, Lexicons
from assay.features.roots import PARENT_TEXT, TEXT
from assay.features.text.alignment import ALIGNMENT, Alignment
from assay.features.text.diff import (
    NO_DELTA,
    Delta,
    changed_counts,
    changed_tokens,
    delta_features,
    spellings,
    summed,
)
from assay.features.text.lazy import LazyStrings, kept
from assay.features.text.matching import Dictionary, Matcher, dictionary, matcher
from assay.features.text.tokens import OF_KIND, PARENT_OF_KIND, TokensOfKind, lower_case

_PATTERN_LISTS: Final = (".badwords", ".informals")


class Matches(LazyStrings):
    """All matches of a lexicon in a text, in order; searched for on demand."""

    def __init__(self, search: Matcher, text: str) -> None:
        self.search = search
        self.text = text

    @kept
    def _list(self) -> list[str]:
        return self.search.find(self.text)


class DictionaryDelta(NamedTuple):
    """Changes of words in the dictionary and of words that are not."""

    known: Delta
    unknown: Delta


def _counts(matches: Iterable[str]) -> Counter[str]:
    return Counter(map(lower_case, matches))


def match_delta(parent: Sequence[str], revision: Sequence[str], alignment: Alignment) -> Delta:
    """How the frequencies of matches, whatever their case, changed."""
    derived = isinstance(revision, Matches) and revision.text is alignment.text
    if not (derived and isinstance(parent, Matches) and parent.text == alignment.parent_text):
        differing = changed_counts(_counts(parent), _counts(revision))
        return summed((old, delta) for _, old, delta in differing)
    removed = parent.search.find(alignment.removed)
    added = parent.search.find(alignment.added)
    deltas = {}
    if removed != added:
        deltas = {item: delta for item, _, delta in changed_counts(_counts(removed), _counts(added))}
    return _summed(deltas, _counts(revision)) if deltas else NO_DELTA


def dictionary_delta(words: Dictionary, parent: TokensOfKind, revision: TokensOfKind) -> DictionaryDelta:
    """How the frequencies of known and unknown words, whatever their case, changed.

    The dictionary is asked for each spelling; counts are then joined by lower case, separately for
    known and unknown ones: "Polish" and "polish" are one item when both are known.
    """
    is_known = words.known
    unknown_deltas: dict[str, int] = {}
    known_deltas: dict[str, int] = {}
    changes = changed_tokens(parent, revision)
    if not changes:
        return DictionaryDelta(NO_DELTA, NO_DELTA)
    for word, _, delta in changes:
        deltas = known_deltas if is_known[word] else unknown_deltas
        lowered = lower_case(word)
        deltas[lowered] = deltas.get(lowered, 0) + delta
    known = dict.fromkeys(known_deltas, 0)
    unknown = dict.fromkeys(unknown_deltas, 0)
    for word, lowered, count in spellings(revision, known | unknown):
        counts = known if is_known[word] else unknown
        counts[lowered] = counts.get(lowered, 0) + count
    return DictionaryDelta(_summed(known_deltas, known), _summed(unknown_deltas, unknown))


def _summed(deltas: dict[str, int], new: Mapping[str, int]) -> Delta:
    return summed([(new[item] - delta, delta) for item, delta in deltas.items()])


@lru_cache(maxsize=64)
def _pattern_nodes(lexicon: Lexicon) -> tuple[Node, ...]:
    name = lexicon.name
    search = matcher(lexicon)

    def matches(of: str, text: Datasource | Any) -> Datasource:
        return Datasource(
            f"datasource.{name}.revision{of}.matches",
            f"Matches of {name} in the text, in order.",
            (text,),
            lambda value: Matches(search, value or ""),
            from_json=strings,
        )

    revision, parent = matches("", TEXT), matches(".parent", PARENT_TEXT)
    deltas = Datasource(
        f"datasource.{name}.revision.diff.match_deltas",
        f"How the frequencies of matches of {name} changed (`Delta`).",
        (parent, revision, ALIGNMENT),
        match_delta,
        from_json=record(Delta),
    )
    prefix = f"feature.{name}.revision.diff.match"
    return (revision, parent, deltas, *delta_features(prefix, deltas, f"matches of {name}", whole=True))


@lru_cache(maxsize=16)
def _dictionary_nodes(lexicon: Lexicon) -> tuple[Node, ...]:
    name = lexicon.name
    words = dictionary(lexicon)
    both = Datasource(
        f"datasource.{name}.revision.diff.word_deltas",
        f"How the frequencies of words in and not in {name} changed (`DictionaryDelta`).",
        (PARENT_OF_KIND["word"], OF_KIND["word"]),
        lambda parent, revision: dictionary_delta(words, parent, revision),
        from_json=record(DictionaryDelta),
    )
    return (both, *_side(name, both, "dict_word", 0), *_side(name, both, "non_dict_word", 1))


def _side(name: str, both: Datasource, what: str, index: int) -> Iterator[Node]:
    get: Callable[[DictionaryDelta], Delta] = lambda deltas: deltas[index]  # noqa: E731
    source = Datasource(
        f"datasource.{name}.revision.diff.{what}_deltas",
        f"How the frequencies of {what.replace('_', ' ')}s changed (`Delta`).",
        (both,),
        get,
        from_json=record(Delta),
    )
    yield source
    yield from delta_features(f"feature.{name}.revision.diff.{what}", source, f"{what}s", whole=True)


def family(lexicons: Lexicons) -> Iterable[Node]:
    """The nodes of each dictionary and of each list of bad or informal words among `lexicons`."""
    for name, lexicon in lexicons.items():
        if name.endswith(_PATTERN_LISTS):
            yield from _pattern_nodes(lexicon)
        elif name.endswith(".dictionary"):
            yield from _dictionary_nodes(lexicon)
