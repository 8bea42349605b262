"""Whether every construct of wikitext that begins in a piece of text also ends in it.

A judgement by following marks, some twenty times faster than a parse. A piece is complete when its marks
stand in pairs, one pair inside another or beside it. Then no construct reaches out of it, whatever comes
behind. In doubt the answer is no, which costs time but no wrong count: what the tokenizer takes for
italics, a table or a tag that overlaps another depends on all that comes behind.

A closing mark without an opening one is plain text. So are marks in comments, ``<nowiki>`` and the like, and
a tag within one that is closed before it (``<b><p></b>``). Elsewhere a tag that is never closed leaves its
piece incomplete.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mwparserfromhell.definitions import PARSER_BLACKLIST, SINGLE_ONLY

_PLAIN: Final = r"[^][{}<'\n]*"
_WHOLE: Final = (
    rf"\[\[{_PLAIN}\]\]",
    rf"\[{_PLAIN}\]",
    rf"\{{\{{{_PLAIN}\}}\}}(?!\}})",
    rf"''(?!'){_PLAIN}''(?!')",
    rf"'''(?!'){_PLAIN}'''(?!')",
    rf"=(?<=^=){_PLAIN}$",
)
"""Most links, templates, italics, bold and headings: with nothing in them that must be looked at."""
_VERBATIM: Final = tuple(rf"<{name}\b[^<>]*(?<!/)>[\s\S]*?</{name}\s*>" for name in PARSER_BLACKLIST)
_TABLE: Final = (r"\{\|(?:(?<=^\{\|)|(?<=^\s\{\|))", r"\|\}(?!\})(?:(?<=^\|\})|(?<=^\s\|\}))")
"""A table's marks begin their lines, perhaps after one blank."""
_SINGLE: Final = (
    *(r"\{\{+", r"\}\}+", r"\[\[?", r"\]\]*", "''+", "=(?<=^=)"),
    *(r"<!--(?:[\s\S]*?-->)?", r"</?\w[^<>]*>?"),
)
_MARK: Final = re.compile("|".join((*_WHOLE, *_VERBATIM, *_TABLE, *_SINGLE)), re.MULTILINE)
"""No group, and a literal at each beginning: five times as fast."""
_NAME: Final = re.compile(r"\w+")
_INNER: Final = re.compile(r"''|\{\{|\}\}|\[|\]")
_CLOSING: Final = {"{{": "}}", "{{{": "}}}", "[[": "]]", "[": "]", "{|": "|}"}
_MIXED: Final = ("''", "<", "=", "|}")
_ALONE: Final = re.compile("|".join(_WHOLE), re.MULTILINE)
_ENDS: Final = re.compile(r"[\]}]")
_STYLE: Final = re.compile("''+")
_STYLES: Final = frozenset(["''", "'''", "'''''"])
_SHORT_CHARS: Final = 4_000
_DEEPEST: Final = 100
"""Constructs in one another that are followed at most; the tokenizer follows no more either."""


def is_complete(piece: str) -> bool:
    """Whether each opening mark has its closing one behind it, with whole pairs between them."""
    awaited: list[str] = []
    for mark in _marks(piece):
        if mark in _CLOSING:
            awaited.append(_CLOSING[mark])
        elif mark[0] == "[":
            continue  # a whole link
        elif awaited and mark == awaited[-1]:
            awaited.pop()
        elif len(awaited) > _DEEPEST or not _taken(mark, awaited):
            return False
    return _is_nothing(awaited)


def _marks(piece: str) -> Iterable[str]:
    """One by one in a long piece: the first doubt ends the search, so that no text takes long."""
    if len(piece) <= _SHORT_CHARS:
        return _MARK.findall(piece)
    return (match.group() for match in _MARK.finditer(piece))


def ends_before(head: str, changed: str) -> bool:
    """Whether nothing that begins in `head` alters what `changed`, which lies behind it, is counted as.

    Bold and italics that are left open may last over what holds no such mark, no tag, heading or table's end,
    nor any end of what may have begun with them in it.
    """
    if is_complete(head):
        return True
    if "''" not in head or any(mark in changed for mark in _MIXED) or _ENDS.search(_ALONE.sub("", changed)):
        return False
    return is_complete(_STYLE.sub("", head))


def _is_nothing(awaited: list[str]) -> bool:
    """Whether no line behind can bring what is awaited: a bracketed link ends in its line or is none."""
    return not awaited or set(awaited) == {"]"}


def _taken(mark: str, awaited: list[str]) -> bool:
    """Open or close what the mark does. False when it is doubtful what it does."""
    match mark[0]:
        case "<":
            return _tag(mark, awaited)
        case "'":
            return _quotes(mark, awaited)
        case "{":
            return mark[-1] == "}"  # a whole template; which of four braces belong together is doubtful
        case "=":
            return mark != "=" or _is_nothing(awaited)  # what is open before a heading does not end in it
        case _:
            return _closed(mark, awaited)


def _closed(mark: str, awaited: list[str]) -> bool:
    """Closing marks that may stand together; plain text in italics and bold, and where none is awaited."""
    if not awaited or awaited[-1] in _STYLES or all(closing[0] != mark[0] for closing in awaited):
        return True
    while awaited and mark:
        closing = awaited.pop()
        if not mark.startswith(closing):
            return False
        mark = mark[len(closing) :]
    return True


def _tag(mark: str, awaited: list[str]) -> bool:
    if mark[1] == "!":
        return mark.endswith("-->") and mark != "<!-->"
    found = _NAME.search(mark)
    name = found.group().lower() if found else ""
    if name in PARSER_BLACKLIST and mark[-2] != "/":
        return mark.count("<") > 1
    if mark[-1] != ">" or _INNER.search(mark):
        return False
    if mark[1] == "/":
        return mark[2:-1].rstrip().lower() == name and _closed_tag(f"</{name}>", awaited)
    if mark[-2] != "/" and name not in SINGLE_ONLY:
        awaited.append(f"</{name}>")
    return True


def _closed_tag(closing: str, awaited: list[str]) -> bool:
    """Tags directly around it that it does not close are none; within other constructs it is plain text.

    It is doubtful what quotes within such a tag do when there were some open before it.
    """
    while awaited and awaited[-1].startswith("</"):
        if awaited.pop() == closing:
            return True
        if not _STYLES.isdisjoint(awaited):
            return False
    return True


def _quotes(mark: str, awaited: list[str]) -> bool:
    """Bold, italics and both at once (three, two and five marks), the inner before the outer."""
    if mark.strip("'"):
        return True  # whole italics or bold
    innermost = awaited[-1] if awaited else ""
    if len(mark) >= 5:
        mark = "'''''"
        if innermost in ("''", "'''"):  # ends one and begins or ends the other
            awaited.pop()
            mark = "'" * (5 - len(innermost))
            innermost = awaited[-1] if awaited else ""
    elif len(mark) == 4:
        mark = "'''"
    if innermost == mark:
        awaited.pop()
        return True
    if innermost == "'''''":  # tried as bold that holds italics
        awaited[-1] = "''"
        return mark == "'''"
    if mark in awaited or "'''''" in awaited:
        return False
    awaited.append(mark)
    return True
