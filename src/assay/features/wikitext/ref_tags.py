"""``<ref …>`` tags, as far as one can tell without a parser: in time that grows with the text only.

Each function finds what one regular expression would; but that looks through the rest of the text for every
tag that is not closed, and takes minutes for a megabyte of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_OPEN: Final = re.compile(r"<ref\s", re.IGNORECASE)
_VALUE: Final = r"name\s*=\s*(?:\"([^\">]+)|'([^'>]+)|([^\s\"'/>]+))"
_NAME: Final = re.compile(_VALUE, re.IGNORECASE)
_AROUND: Final = " \t\r\n/"

REUSED: Final = r"<ref\s[^>]*?/>"
NAMED: Final = rf"<ref\s[^>]*?{_VALUE}"


def reused(text: str) -> int:
    """How many are closed in themselves (`REUSED`)."""
    return sum(text.startswith("/", end - 1) for _, end in _tags(text) if end < len(text))


def names(text: str) -> set[str]:
    """The names that they have (`NAMED`), without quotation marks, and blanks and slashes around them."""
    found = set()
    for start, end in _tags(text):
        at = start
        while at >= 0 and (name := _NAME.search(text, at, end)):
            found.add(name[name.lastindex or 0].strip(_AROUND))
            following = _OPEN.search(text, name.end(), end)
            at = following.end() if following else -1
    return found - {""}


def _tags(text: str) -> Iterator[tuple[int, int]]:
    """Behind ``<ref`` and the blank after it; where the next ``>`` stands; the text's end if none does."""
    end = 0
    while opening := _OPEN.search(text, end):
        closing = text.find(">", opening.end())
        end = len(text) if closing < 0 else closing
        yield opening.end(), end
