"""What an edit brought that is longer than anything its page had: tokens and repeated characters.

Vandals write "aaaaaaaa" and "fjdkslfjdksl". Each feature is the revision's longest when that is longer
than the parent's, else 1; a page creation is compared with an empty text. Matches editquality's
``longest_new_token`` and ``longest_new_repeated_char``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.text.alignment import ALIGNMENT, Alignment
from assay.features.text.tokens import PARENT_TOKENS, TOKENS, ParentTokens, Tokens

_OFTEN_REPEATED: Final = "['=les-. "
"""Characters whose runs are looked for first, since finding one is many times faster than measuring all."""


def longest_run(text: str) -> str:
    """The most repeated character as often as it follows itself, in lower case; empty in an empty text."""
    lowered = text.lower()
    if lowered.isascii():
        characters = np.frombuffer(lowered.encode("ascii"), dtype=np.uint8)
    else:
        characters = np.frombuffer(lowered.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    is_repeated = (characters[1:] == characters[:-1]).tobytes()
    repeated = _longest_of_ones(is_repeated)
    start = is_repeated.find(b"\1" * repeated)
    return lowered[start : start + repeated + 1]


def _longest_of_ones(flags: bytes) -> int:
    """Length of the longest run of bytes 1.

    Doubled until too long, then halved between: a text of one character costs few searches, too.
    """
    length, too_long = 0, 1
    while b"\1" * too_long in flags:
        length, too_long = too_long, 2 * too_long
    while too_long - length > 1:
        middle = (length + too_long) // 2
        if b"\1" * middle in flags:
            length = middle
        else:
            too_long = middle
    return length


def new_longest_run(alignment: Alignment) -> int:
    """Only the changed lines can hold a new longest run: no run spans a cut, which is at a line's first
    character that is not blank."""
    run = longest_run(alignment.added)
    length = len(run)
    if length <= 1 or run in alignment.parent_text:
        return 1
    if any(mark * length in alignment.parent_text for mark in _OFTEN_REPEATED):
        return 1
    return length if length > len(longest_run(alignment.parent_text)) else 1


def new_longest_token(parent: Tokens, revision: Tokens) -> int:
    if isinstance(parent, ParentTokens) and parent.revision is revision:
        longest = parent.added.longest
        return 1 if parent.has_token_of(longest) else longest
    longest = revision.longest
    return longest if longest > parent.longest else 1


LONGEST_NEW_TOKEN: Final = Feature(
    "feature.revision.diff.longest_new_token",
    "Characters of the longest token when it is longer than any of the parent's, else 1.",
    (PARENT_TOKENS, TOKENS),
    new_longest_token,
    type="int",
)
LONGEST_NEW_REPEATED_CHAR: Final = Feature(
    "feature.revision.diff.longest_new_repeated_char",
    "Length of the longest run of one character when it is longer than any of the parent's, else 1.",
    (ALIGNMENT,),
    new_longest_run,
    type="int",
)


def family(_: Lexicons) -> Iterable[Node]:
    """All nodes of this module; they need no lexicon."""
    return (LONGEST_NEW_TOKEN, LONGEST_NEW_REPEATED_CHAR)
