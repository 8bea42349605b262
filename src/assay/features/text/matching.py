"""Finds a lexicon's patterns in texts, and its words among tokens, once per distinct input.

A pattern lexicon becomes one RE2 automaton, so that the cost of a text does not grow with the number
of patterns (measured on 20 kB of English: 0.2 ms, where `re` needs 9 ms), and no pattern can run away.
RE2's own ``\\b`` and ``\\w`` know ASCII only; the boundaries here are Unicode letters, marks, numbers
and the underscore, so that Cyrillic, Greek and accented words end where readers see them end.

Limits: patterns are words and phrases, without look-around, back references, ``\\b`` or groups that
capture; of several matches at one place the longest wins, whatever the order of the entries. In scripts
written without spaces a word is found only where no other letter touches it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import re2

from assay.errors import ConfigurationError
from assay.features.lexicon import Lexicon
from assay.features.memo import Memo

_WORD_CLASS: Final = r"\p{L}\p{M}\p{N}_"
_EDGE: Final = f"[^{_WORD_CLASS}]"
_CONTINUATION, _CONTINUES = 0b1100_0000, 0b1000_0000
"""Bits of a byte of UTF-8 that tell whether it continues a character, and what they are then."""

_ANYWHERE: Final = re2._Anchor.UNANCHORED
_AUTOMATON_MEMORY_BYTES: Final = 64 * 1024 * 1024
_MEMO_WORDS: Final = 1 << 16
_FORBIDDEN: Final = re.compile(r"\\[bBAzZ]|\(\?(?!:)|(?<!\\)[\^$](?![^\[]*\])")
_CAPTURING: Final = re.compile(r"(?<!\\)\((?!\?)")
_APOSTROPHES: Final = str.maketrans({"’": "'", "ʼ": "'"})


class Matcher:
    """All patterns of one lexicon, compiled once. Case is ignored; thread-safe; bounded memory."""

    __slots__ = ("_search", "lexicon")

    def __init__(self, lexicon: Lexicon) -> None:
        """Raises `ConfigurationError` naming the entry that RE2 cannot compile."""
        self.lexicon = lexicon
        entries = lexicon.entries
        alternatives = "|".join(_translate(lexicon.name, entry) for entry in entries)
        compiled = _compile(lexicon, f"{_EDGE}(?:{alternatives}){_EDGE}") if entries else None
        # Not its `search`, which makes a generator and an object for each match: twice the time. This is not
        # the library's public face, so that pyproject.toml holds its minor version.
        self._search: Any = compiled and compiled._regexp.Match

    def find(self, text: str) -> list[str]:
        """Every match in reading order, without overlaps, as it stands in the text."""
        return [match.decode("utf-8", "replace") for match in self._matches(text)]

    def count(self, text: str) -> int:
        """How many matches `find` would give."""
        return sum(1 for _ in self._matches(text))

    def _matches(self, text: str) -> Iterator[bytes]:
        """In UTF-8, without the edges: one may be the next match's, too. Most edits remove or add nothing
        somewhere, so an empty text costs nothing."""
        if self._search is None or not text:
            return
        # an edge before and behind, so that no pattern needs to look for the text's ends
        data = f"\n{text}\n".encode("utf-8", "replace")
        search, limit = self._search, len(data)
        position = 0
        while True:
            ((start, end),) = search(_ANYWHERE, data, position, limit)
            if start < 0:
                return
            start, end = start + 1, end - 1
            while data[start] & _CONTINUATION == _CONTINUES:
                start += 1
            while data[end] & _CONTINUATION == _CONTINUES:
                end -= 1
            yield data[start:end]
            position = end if end > position else position + 1


class Dictionary:
    """Membership of a word list with the rules of spelling checkers for case and possessives.

    A lower-case entry admits ``word``, ``Word`` and ``WORD``; a capitalised one ``Name`` and ``NAME``;
    any other spelling must stand in the list as it is. A final ``'s`` is taken off first when the whole
    is not listed. Typographic apostrophes count as plain ones. Mirrors what hunspell decided for ORES.
    """

    __slots__ = ("known", "lexicon")

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.known: Final = Memo(f"words of {lexicon.name}", self._look_up, _MEMO_WORDS)
        """Whether a word is spelled as in the list, by word."""

    def _look_up(self, word: str) -> bool:
        word = word.translate(_APOSTROPHES)
        return self._admits(word) or (word.endswith(("'s", "'S")) and self._admits(word[:-2]))

    def _admits(self, word: str) -> bool:
        words = self.lexicon.words
        if word in words:
            return True
        lower = word.lower()
        if word.isupper():
            return lower in words or word.capitalize() in words
        return word[:1].isupper() and word[1:] == lower[1:] and lower in words


@lru_cache(maxsize=64)
def matcher(lexicon: Lexicon) -> Matcher:
    """The one `Matcher` for lexicons of this content, shared by every model of the process."""
    return Matcher(lexicon)


@lru_cache(maxsize=16)
def dictionary(lexicon: Lexicon) -> Dictionary:
    """The one `Dictionary` for lexicons of this content, shared by every model of the process."""
    return Dictionary(lexicon)


def _translate(lexicon_name: str, entry: str) -> str:
    r"""One entry in RE2's syntax with Unicode ``\w`` and without captures.

    Raises `ConfigurationError` for anchors, look-around and flags, which would mean something else
    inside the one big alternation.
    """
    if _FORBIDDEN.search(entry):
        raise ConfigurationError(
            f"lexicon {lexicon_name}: {entry!r} uses an anchor, look-around or flag; "
            "write the plain word or phrase, its boundaries are added"
        )
    pieces: list[str] = []
    in_class = False
    position = 0
    plain = _CAPTURING.sub("(?:", entry)
    while position < len(plain):
        piece = plain[position : position + 2] if plain[position] == "\\" else plain[position]
        position += len(piece)
        in_class = (in_class or piece == "[") and piece != "]"
        if piece == r"\w":
            piece = _WORD_CLASS if in_class else f"[{_WORD_CLASS}]"
        pieces.append(piece)
    return "".join(pieces)


def _compile(lexicon: Lexicon, pattern: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.longest_match = True
    options.log_errors = False
    options.max_mem = _AUTOMATON_MEMORY_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ConfigurationError(
            f"lexicon {lexicon.name}: {_culprit(lexicon, options) or error}; correct the entry"
        ) from None


def _culprit(lexicon: Lexicon, options: Any) -> str | None:
    for entry in lexicon.entries:
        try:
            re2.compile(_translate(lexicon.name, entry), options)
        except re2.error as error:
            return f"{entry!r}: {error}"
    return None
