"""Which lines a revision shares with its parent, so that they are analysed once.

Both texts are trimmed to the lines between the first and the last difference. The cuts are placed where no
token can span them, so counts of tokens add up: count(parent) = count(revision) - count(added lines) +
count(removed lines), exactly. Where constructs of wikitext are also complete on each side (`isolated`), the
same holds for their counts; where a template or table is cut in two it does not, and the parent must be
read as a whole.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, NamedTuple

from assay.features.node import Datasource
from assay.features.region import common_prefix, common_suffix
from assay.features.roots import PARENT_TEXT, TEXT

_TAG_BEGINS: Final = re.compile(r"</?[a-z]")
_TAGS: Final = re.compile(r"<(/?)([A-Za-z]+)[^<>]*?(/?)>")
_QUOTES: Final = re.compile(r"''+")
_PAIRS: Final = (("{{", "}}"), ("[[", "]]"), ("<!--", "-->"))
_TABLE: Final = re.compile(r"^\s?(\{\||\|\}(?!\}))", re.MULTILINE)
_ALONE: Final = frozenset({"br", "hr", "wbr", "img", "li", "dd", "dt"})


class Alignment(NamedTuple):
    """Parent and revision: ``text[:start]`` and ``text[end:]`` are shared.

    `removed`, `added`: the lines in between, of the parent and of the revision. `isolated`: all
    constructs of wikitext begin and end on the same side of the cuts.
    """

    parent_text: str
    text: str
    start: int
    end: int
    removed: str
    added: str
    isolated: bool


def align(parent_text: str | None, text: str) -> Alignment:
    """Find the shared beginning and end. A page creation (None) shares nothing."""
    parent = parent_text or ""
    if parent == text:
        return Alignment(text, text, len(text), len(text), "", "", True)
    start = _cut(parent, text, common_prefix(parent, text))
    limit = min(len(parent), len(text)) - start
    shared = _tail(parent, text, start, common_suffix(parent, text, limit))
    end = len(text) - shared
    removed, added = parent[start : len(parent) - shared], text[start:end]
    isolated = _isolated(text, start, shared, removed, added)
    return Alignment(parent, text, start, end, removed, added, isolated)


def _cut(parent: str, text: str, prefix: int) -> int:
    """The last line start up to `prefix` that no token of either text spans; 0 when there is none."""
    cut = text.rfind("\n", 0, prefix) + 1
    while cut and (_blank_at(parent, cut) or _blank_at(text, cut)):
        cut = text.rfind("\n", 0, cut - 1) + 1
    return 0 if _in_tag(text, 0, cut) else cut


def _blank_at(text: str, place: int) -> bool:
    return place < len(text) and text[place].isspace()


def _in_tag(text: str, start: int, end: int) -> bool:
    """Whether a tag may be open at `end`."""
    opened = text.rfind("<", start, end)
    return (
        opened >= 0
        and text.rfind(">", start, end) < opened
        and _TAG_BEGINS.match(text, opened, min(end, opened + 3)) is not None
    )


def _tail(parent: str, text: str, start: int, suffix: int) -> int:
    """Length of the shared end, cut at a line start that no token of either text spans; 0 if none."""
    begin = text.find("\n", len(text) - suffix) + 1 if suffix else 0
    if suffix and _starts_line(parent, len(parent) - suffix) and _starts_line(text, len(text) - suffix):
        begin = len(text) - suffix
    while 0 < begin < len(text) and text[begin].isspace():
        begin = text.find("\n", begin) + 1
    if not 0 < begin < len(text):
        return 0
    shared = len(text) - begin
    unsafe = _in_tag(text, start, begin) or _in_tag(parent, start, len(parent) - shared)
    return 0 if unsafe else shared


def _starts_line(text: str, place: int) -> bool:
    return place == 0 or text[place - 1] == "\n"


def _isolated(text: str, start: int, shared: int, removed: str, added: str) -> bool:
    if not (start or shared):
        return True
    return _complete(text[:start]) and _complete(removed) and _complete(added)


def _complete(text: str) -> bool:
    """Whether every construct that begins in the text ends in it; in doubt False.

    Counts opening and closing marks, which is nearly always right and five times faster than a parse.
    """
    for opening, closing in _PAIRS:
        opened = text.count(opening)
        if opened != text.count(closing) or text.rfind(opening) > text.rfind(closing):
            return False
    return _tables_complete(text) and _tags_complete(text) and _quotes_complete(text)


def _tables_complete(text: str) -> bool:
    """A table's marks begin their lines, perhaps after one blank."""
    if "{|" not in text and "|}" not in text:
        return True
    depth = 0
    for mark in _TABLE.findall(text):
        depth += 1 if mark == "{|" else -1
        if depth < 0:
            return False
    return depth == 0


def _tags_complete(text: str) -> bool:
    open_tags: Counter[str] = Counter()
    for slash, name, alone in _TAGS.findall(text):
        if not alone and name.lower() not in _ALONE:
            open_tags[name.lower()] += -1 if slash else 1
    return not any(open_tags.values())


def _quotes_complete(text: str) -> bool:
    """Bold and italics may go on over many lines."""
    bold = italics = False
    for quotes in _QUOTES.findall(text):
        italics ^= len(quotes) in (2, 5)
        bold ^= len(quotes) != 2
    return not (bold or italics)


ALIGNMENT: Final = Datasource(
    "datasource.revision.diff.alignment",
    "Which lines the revision shares with its parent (`Alignment`).",
    (PARENT_TEXT, TEXT),
    align,
)
