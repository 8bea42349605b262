"""How the frequencies of tokens changed between a parent and its revision.

For each distinct item: delta = new count - old count; its proportional delta is delta / (old + 1) when it
grew and delta / old when it shrank. The features are the sums over all items, over those that grew
and over those that shrank. Matches revscoring's ``frequencies.delta`` and ``prop_delta``; but
only items of the changed lines are looked at, since all others have delta 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

from assay.features.graph.node import Datasource, Feature, Field, Node
from assay.features.graph.record import record
from assay.features.lexicon import Lexicons
from assay.features.text.tokens import (
    LISTED_KINDS,
    OF_KIND,
    PARENT_OF_KIND,
    ParentTokens,
    TokensOfKind,
    lower_case,
    usual_spellings,
)


class Delta(NamedTuple):
    """Sums of deltas; `…decrease` are ≤ 0, `…increase` ≥ 0, sum = increase + decrease."""

    delta_sum: int = 0
    delta_increase: int = 0
    delta_decrease: int = 0
    prop_delta_sum: float = 0.0
    prop_delta_increase: float = 0.0
    prop_delta_decrease: float = 0.0


NO_DELTA: Final = Delta()


def summed(changes: Iterable[tuple[int, int]]) -> Delta:
    """Of (old count, delta) of each distinct item; a delta of 0 counts nothing."""
    increase = decrease = 0
    prop_increase = prop_decrease = 0.0
    for old, delta in changes:
        if delta > 0:
            increase += delta
            prop_increase += delta / (old + 1)
        elif delta < 0:
            decrease += delta
            prop_decrease += delta / old
    return Delta(
        increase + decrease,
        increase,
        decrease,
        prop_increase + prop_decrease,
        prop_increase,
        prop_decrease,
    )


def changed_counts(old: Mapping[str, int], new: Mapping[str, int]) -> Iterator[tuple[str, int, int]]:
    """(item, old count, delta) of each item whose count differs."""
    for item, count in new.items():
        before = old.get(item, 0)
        if count != before:
            yield item, before, count - before
    for item, before in old.items():
        if item not in new:
            yield item, before, -before


def changed_tokens(parent: TokensOfKind, revision: TokensOfKind) -> list[tuple[str, int, int]]:
    """(token, old count, delta) of each token of the kind whose count differs; from the changed lines
    alone when the parent's tokens were derived from the revision's."""
    tokens = parent.tokens
    if parent.injected or not isinstance(tokens, ParentTokens) or revision.tokens is not tokens.revision:
        return [*changed_counts(parent.counts, revision.counts)]
    return tokens.changes(parent.kind)


def _token_delta(parent: TokensOfKind, revision: TokensOfKind) -> Delta:
    changes = changed_tokens(parent, revision)
    return summed([(old, delta) for _, old, delta in changes]) if changes else NO_DELTA


def _word_delta(parent: TokensOfKind, revision: TokensOfKind) -> Delta:
    """Of words whatever their case."""
    wanted = {lower_case(word) for word, _, _ in changed_tokens(parent, revision)}
    old, new = (_lowered_counts(words, wanted) for words in (parent, revision))
    return summed((before, delta) for _, before, delta in changed_counts(old, new))


def _lowered_counts(words: TokensOfKind, wanted: set[str]) -> dict[str, int]:
    """In the order in which they first occur."""
    counts: dict[str, int] = {}
    found = {word: (lowered, count) for word, lowered, count in spellings(words, wanted)}
    for lowered, count in map(found.__getitem__, filter(found.__contains__, words.tokens.counts)):
        counts[lowered] = counts.get(lowered, 0) + count
    return counts


def spellings(words: TokensOfKind, wanted: Collection[str]) -> list[tuple[str, str, int]]:
    """(word, its lower case, how often it occurs) of the distinct words whose lower case is wanted, in any
    order.

    Nearly every word is spelled in a usual way, and those few can be asked for. Lowering all words is faster
    only where more are wanted than there are.
    """
    counts = words.tokens.counts
    spelled: Collection[str] = counts
    if len(wanted) < len(counts) and not words.injected:
        spelled = {*filter(counts.__contains__, usual_spellings(wanted)), *words.tokens.unusual_words}
    return [
        (word, lowered, counts[word])
        for word in words.among(spelled)
        if (lowered := lower_case(word)) in wanted
    ]


def delta_features(prefix: str, source: Datasource, what: str, *, whole: bool) -> Iterator[Feature]:
    """The six features of a `Delta`, called ``<prefix>_delta_sum`` and so on.

    `whole`: the sums of deltas are whole numbers, as for words and matches; the legacy gave those of
    other tokens as floats.
    """
    for field in Delta._fields:
        meaning = f"{field.replace('_', ' ')} of {what}: sum over all, those that grew or those that shrank."
        kind: Literal["int", "float"] = "int" if whole and field.startswith("delta") else "float"
        yield Field(f"{prefix}_{field}", meaning, (source,), type=kind, field=field, as_float=not whole)


def _kind_nodes(kind: str) -> Iterator[Node]:
    source = Datasource(
        f"datasource.wikitext.revision.diff.{kind}_deltas",
        f"How the frequencies of {kind} tokens changed (`Delta`).",
        (PARENT_OF_KIND[kind], OF_KIND[kind]),
        _word_delta if kind == "word" else _token_delta,
        from_json=record(Delta),
    )
    yield source
    prefix = f"feature.wikitext.revision.diff.{kind}"
    yield from delta_features(prefix, source, f"{kind.replace('_', ' ')} tokens", whole=False)


_NODES: Final = tuple(node for kind in LISTED_KINDS for node in _kind_nodes(kind))


def family(_: Lexicons) -> Iterable[Node]:
    """All nodes of this module; they need no lexicon."""
    return _NODES
