"""What an edit brought that is longer than anything its page had: tokens and repeated characters.

Vandals write "aaaaaaaa" and "fjdkslfjdksl". Each feature is the revision's longest when that is longer
than the parent's, else 1; a page creation is compared with an empty text. Matches editquality's
``longest_new_token`` and ``longest_new_repeated_char``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from assay.features.alignment import ALIGNMENT, Alignment
from assay.features.lexicon import Lexicons
from assay.features.node import Feature, Node
from assay.features.tokens import PARENT_TOKENS, TOKENS, ParentTokens, Tokens

_PAIR: Final = 2
_FREQUENT_PAIRS: Final = ("[[", "ll", "ee", "ss", "''", "==")


def longest_run(text: str) -> int:
    """How often the most repeated character follows itself, whatever its case; 0 in an empty text."""
    lowered = text.lower()
    if lowered.isascii():
        characters = np.frombuffer(lowered.encode("ascii"), dtype=np.uint8)
    else:
        characters = np.frombuffer(lowered.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if characters.size == 0:
        return 0
    ends = np.flatnonzero(characters[1:] != characters[:-1])
    if ends.size == 0:
        return int(characters.size)
    between = int((ends[1:] - ends[:-1]).max()) if ends.size > 1 else 0
    return max(int(ends[0]) + 1, between, int(characters.size - 1 - ends[-1]))


def new_longest_run(alignment: Alignment) -> int:
    """Only the changed lines can hold a new longest run: no run spans a cut, which is at a line's first
    character that is not blank."""
    added = longest_run(alignment.added)
    if added <= 1:
        return 1
    shared = "".join(alignment.shared)
    if added == _PAIR and any(pair in shared for pair in _FREQUENT_PAIRS):
        return 1
    return added if added > max(longest_run(alignment.removed), longest_run(shared)) else 1


def new_longest_token(parent: Tokens, revision: Tokens) -> int:
    longest = revision.longest
    if isinstance(parent, ParentTokens) and parent.revision is revision and parent.added.longest < longest:
        return 1
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
