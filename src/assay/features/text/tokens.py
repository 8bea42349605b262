"""The tokens of a revision and of its parent, counted by kind.

A text is cut into tokens once, these are counted once, and each *distinct* token is classified once per
process (`_kinds`, bounded). The parent's counts are those of the revision without the lines that it
added, plus the lines that it removed: what both share is never looked at twice. The parent's own list
of tokens comes into being only when somebody asks for it.

Each list is a datasource under ORES's name and can be injected as a JSON list of strings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, compress
from typing import Any, Final

from assay.features.graph.injection import strings
from assay.features.graph.node import Datasource, Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.memo import Memo
from assay.features.roots import PARENT_TEXT, TEXT
from assay.features.text.alignment import ALIGNMENT, Alignment
from assay.features.text.lazy import LazyStrings, kept
from assay.features.text.lexer import KINDS, kind_of, lex, lex_but_blanks

_INDEX: Final = {kind: index for index, kind in enumerate(KINDS)}
_WORD: Final = _INDEX["word"]
_UPPERCASE: Final = _INDEX["uppercase_word"]
_UNUSUAL_WORD: Final = len(KINDS)
_UNUSUAL_UPPERCASE: Final = len(KINDS) + 1
"""What follows the indices into `KINDS`: words that are none of the `usual_spellings` of their lower case."""
_BLANK: Final = " "
_ADMITTED: Final = {kind: frozenset({index}) for index, kind in enumerate(KINDS)} | {
    "word": frozenset({_WORD, _UPPERCASE, _UNUSUAL_WORD, _UNUSUAL_UPPERCASE}),
    "uppercase_word": frozenset({_UPPERCASE, _UNUSUAL_UPPERCASE}),
}
_ANY: Final = frozenset(range(len(KINDS) + 2))


def lower_case(word: str) -> str:
    """Without the combining dot that Python gives to "İ"; as the legacy did."""
    return word.replace("İ", "i").lower()


def usual_spellings(lowered: Collection[str]) -> Iterator[str]:
    """Of words in lower case: as they are, capitalised, in capitals; the last of "ß" is another word's."""
    return chain(lowered, map(str.capitalize, lowered), map(str.upper, lowered))


def _kind(token: str) -> int:
    kind = _INDEX[kind_of(token)]
    if kind in (_WORD, _UPPERCASE):
        lowered = lower_case(token)
        if token != lowered and token not in usual_spellings((lowered,)):
            return _UNUSUAL_WORD if kind == _WORD else _UNUSUAL_UPPERCASE
    return kind


_kinds: Final = Memo("kinds of tokens", _kind, 1 << 17)
_IS_UNUSUAL: Final = bytes(kind in (_UNUSUAL_WORD, _UNUSUAL_UPPERCASE) for kind in range(256))


class Tokens(LazyStrings):
    """Tokens in order, with their counts. Immutable to its users; figures are kept once found.

    `text`: what they were cut from; None when they were injected.
    """

    def __init__(self, tokens: list[str], text: str | None = None) -> None:
        self._tokens = tokens
        self.text = text

    @property
    def _list(self) -> list[str]:
        return self._tokens

    @kept
    def counts(self) -> Mapping[str, int]:
        """How often each distinct token occurs."""
        return Counter(self._tokens)

    @kept
    def kinds(self) -> bytes:
        """The kind of each distinct token, in the order of `counts`: a byte as in `_kinds`."""
        return bytes(_kinds.of(self.counts))

    @kept
    def unusual_words(self) -> list[str]:
        """The distinct words that are none of the `usual_spellings` of their lower case."""
        is_unusual = self.kinds.translate(_IS_UNUSUAL)
        return [*compress(self.counts, is_unusual)] if 1 in is_unusual else []

    @kept
    def totals(self) -> list[int]:
        """Tokens of each of `KINDS`; uppercase words are counted as such and not among "word"."""
        totals = [0] * len(_ANY)
        kinds = self.kinds
        # Most are words, which are the rest: their kind is 0.
        for kind, count in compress(zip(kinds, self.counts.values(), strict=True), kinds):
            totals[kind] += count
        totals[_UPPERCASE] += totals[_UNUSUAL_UPPERCASE]
        del totals[len(KINDS) :]
        totals[_WORD] = len(self) - sum(totals)
        return totals

    def total(self, kind: str) -> int:
        """How many tokens of a kind; every uppercase word is a word too."""
        totals = self.totals
        return totals[_WORD] + totals[_UPPERCASE] if kind == "word" else totals[_INDEX[kind]]

    @kept
    def longest(self) -> int:
        """Characters of the longest token; 0 when there is none."""
        return max(map(len, self.counts), default=0)


class TextTokens(Tokens):
    """The tokens of a whole text, which is cut when somebody looks."""

    def __init__(self, text: str) -> None:
        self.text: str = text

    def part(self, start: int, end: int) -> Tokens:
        """The tokens from one place to another, neither of which a token spans.

        As long as nobody has looked at the whole, it is cut on the way, so that no part is cut twice.
        """
        text = self.text
        part = lex(text[start:end])
        if "_cut" not in vars(self):
            self._cut = [*lex_but_blanks(text[:start]), *part, *lex_but_blanks(text[end:])]
        return Tokens(part, text[start:end])

    @kept
    def _cut(self) -> list[str]:
        """All tokens, in order, but most of the single blanks before others."""
        return lex_but_blanks(self.text)

    @kept
    def _blanks(self) -> int:
        """Blanks that do not stand in `_cut`."""
        return len(self.text) - len("".join(self._cut))

    @kept
    def _list(self) -> list[str]:
        return lex(self.text)

    def __len__(self) -> int:
        return self._blanks + len(self._cut)

    @kept
    def counts(self) -> Mapping[str, int]:
        counts = Counter(self._cut)
        blanks = counts.pop(_BLANK, 0) + self._blanks
        if blanks:  # the last of all, however many of them were cut
            counts[_BLANK] = blanks
        return counts


class ParentTokens(Tokens):
    """A parent's tokens, told from those of its revision and the difference of the two."""

    def __init__(self, revision: Tokens, added: Tokens, removed: Tokens, alignment: Alignment) -> None:
        self.text = alignment.parent_text
        self.revision = revision
        self.added = added
        self.removed = removed

    @kept
    def _list(self) -> list[str]:
        return lex(self.text or "")

    def __len__(self) -> int:
        return len(self.revision) - len(self.added) + len(self.removed)

    @kept
    def counts(self) -> Mapping[str, int]:
        counts = Counter(self.revision.counts)
        counts.subtract(self.added.counts)
        counts.update(self.removed.counts)
        return +counts

    def has_token_of(self, chars: int) -> bool:
        """Whether there is a token of at least so many characters."""
        if self.removed.longest >= chars:
            return True
        added, counts = self.added.counts, self.revision.counts
        return any(counts[token] > added.get(token, 0) for token in [t for t in counts if len(t) >= chars])

    def changes(self, kind: str) -> list[tuple[str, int, int]]:
        """(token, count in the parent, delta to the revision) of each token of a kind whose count differs."""
        changes = self._changes
        if kind == "word":
            return changes[_WORD] + changes[_UPPERCASE]
        return changes[_INDEX[kind]]

    @kept
    def _changes(self) -> list[list[tuple[str, int, int]]]:
        added, removed, counts = self.added.counts, self.removed.counts, self.revision.counts
        changes: list[list[tuple[str, int, int]]] = [[] for _ in KINDS]
        changes += changes[_WORD], changes[_UPPERCASE]  # for the unusual ones
        for token, count in added.items():
            delta = count - removed.get(token, 0)
            if delta:
                changes[_kinds[token]].append((token, counts[token] - delta, delta))
        for token, count in removed.items():
            if token not in added:
                changes[_kinds[token]].append((token, counts.get(token, 0) + count, -count))
        return changes

    def total(self, kind: str) -> int:
        return self.revision.total(kind) - sum([delta for _, _, delta in self.changes(kind)])


class TokensOfKind(LazyStrings):
    """The tokens of one kind among all. Counting them needs no list."""

    def __init__(self, kind: str, tokens: Tokens, *, injected: bool = False) -> None:
        self.tokens = tokens
        self.kind = kind
        self.injected = injected

    @property
    def _admitted(self) -> frozenset[int]:
        return _ANY if self.injected else _ADMITTED[self.kind]

    def __len__(self) -> int:
        return len(self.tokens) if self.injected else self.tokens.total(self.kind)

    @kept
    def _list(self) -> list[str]:
        kinds, admitted = _kinds, self._admitted
        return [token for token in self.tokens if kinds[token] in admitted]

    @kept
    def counts(self) -> Mapping[str, int]:
        """How often each distinct token of the kind occurs."""
        is_admitted = map(self._admitted.__contains__, self.tokens.kinds)
        return dict(compress(self.tokens.counts.items(), is_admitted))

    def among(self, tokens: Collection[str]) -> Iterator[str]:
        """Those of the tokens that are of this kind; everything injected is."""
        return compress(tokens, map(self._admitted.__contains__, _kinds.of(tokens)))


def tokenize(text: str) -> Tokens:
    return TextTokens(text)


def _tokenize_part(text: str) -> Tokens:
    """Tokens of changed lines, in the order in which sums of their changes are taken, blanks included."""
    return Tokens(lex(text), text)


def parent_tokens(parent_text: str | None, alignment: Alignment, tokens: Tokens) -> Tokens:
    """From the changed lines, where `tokens` are those of the aligned text."""
    if not isinstance(tokens, TextTokens) or tokens.text is not alignment.text:
        return tokenize(parent_text or "")
    added, start = alignment.added, alignment.start
    part = _tokenize_part(added) if start is None else tokens.part(start, start + len(added))
    return ParentTokens(tokens, part, _tokenize_part(alignment.removed), alignment)


def _injected_tokens(value: Any) -> Tokens:
    return Tokens(strings(value))


TOKENS: Final = Datasource(
    "datasource.tokenized(datasource.revision.text)",
    "All tokens of the text, in order (`Tokens`).",
    (TEXT,),
    tokenize,
    from_json=_injected_tokens,
)
PARENT_TOKENS: Final = Datasource(
    "datasource.tokenized(datasource.revision.parent.text)",
    "All tokens of the parent's text (`Tokens`); none for a page creation.",
    (PARENT_TEXT, ALIGNMENT, TOKENS),
    parent_tokens,
    from_json=_injected_tokens,
)

_LISTS: Final = {
    "word": "words",
    "uppercase_word": "uppercase_words",
    "number": "numbers",
    "markup": "markups",
    "whitespace": "whitespaces",
    "break": "breaks",
    "punctuation": "punctuations",
    "url": "urls",
    "entity": "entities",
    "cjk": "cjks",
}
LISTED_KINDS: Final = tuple(_LISTS)


def _list_node(of: str, tokens: Datasource, kind: str) -> Datasource:
    return Datasource(
        f"datasource.wikitext.revision{of}.{_LISTS[kind]}",
        f"The tokens that are {_LISTS[kind]}.",
        (tokens,),
        partial(TokensOfKind, kind),
        from_json=lambda value: TokensOfKind(kind, Tokens(strings(value)), injected=True),
    )


OF_KIND: Final = {kind: _list_node("", TOKENS, kind) for kind in _LISTS}
"""The revision's tokens of each kind."""
PARENT_OF_KIND: Final = {kind: _list_node(".parent", PARENT_TOKENS, kind) for kind in _LISTS}
"""The parent's tokens of each kind."""


def _length(of: Datasource) -> Feature:
    return Feature(f"feature.len(<{of.name}>)", f"How many: {of.doc}", (of,), lambda items: float(len(items)))


_NODES: Final[tuple[Node, ...]] = tuple(
    node
    for source in (TOKENS, PARENT_TOKENS, *OF_KIND.values(), *PARENT_OF_KIND.values())
    for node in (source, _length(source))
)


def family(_: Lexicons) -> Iterable[Node]:
    """All nodes of this module; they need no lexicon."""
    return (ALIGNMENT, *_NODES)
