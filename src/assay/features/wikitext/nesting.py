"""Keeps a wikitext parser's work linear by masking marks that are never closed.

A parser that meets ``{{`` reads on to find ``}}``; when there is none it goes back and reads on again
as plain text. Each open mark without its partner can thus cost one more pass over all the rest: 16 kB
of ``{{a|`` take 5 s. Such marks end as plain text in any case, so above `MAX_WASTED_STEPS` the ones that a
linear scan finds without partner are masked beforehand. Below it the text is left as it is: the parser
decides. Limit: the scan is simpler than the parser, so in texts above the threshold, 3 of 10 280 real
articles, a few marks may be judged differently: an apostrophe within a quoted attribute hides where its tag
ends.
"""

from __future__ import annotations

import re
from typing import Final

MAX_WASTED_STEPS: Final = 8_000_000
"""Characters that may be read in vain; 0.25 µs each on an ordinary machine, hence 2 s at worst."""

MASK: Final = "\ufffc"
"""Stands for a masked character, so that lengths stay: "object replacement", never markup."""

_MARK: Final = re.compile(r"\{[{|]|\}\}|\|\}(?!\})|\[\[?|\]\]?|<!--|</?[a-zA-Z]+(?:[^<>{\[]*>)?|-->")
_ROLES: Final[dict[str, tuple[bool | None, str]]] = {
    "{{": (True, "{{"),
    "}}": (False, "{{"),
    "[[": (True, "[["),
    "]]": (False, "[["),
    "{|": (True, "{|"),
    "|}": (False, "{|"),
    "[": (True, "["),
    "]": (False, "["),
    "<!--": (True, "<!--"),
    "-->": (False, "<!--"),
}
_SINGLE: Final = frozenset(["br", "wbr", "hr", "meta", "link", "img", "li", "dt", "dd", "th", "td", "tr"])
_NAME: Final = re.compile(r"</?([a-zA-Z]+)")


def tamed(text: str) -> str:
    """The text, of the same length, without the marks that would make parsing it take quadratic time."""
    size = len(text)
    if size * size <= MAX_WASTED_STEPS:  # not even if every character opened something
        return text
    opens = text.count("{") + text.count("[") + text.count("<")
    if opens * size <= MAX_WASTED_STEPS or _open_at_end(_MARK.findall(text)) * size <= MAX_WASTED_STEPS:
        return text
    matches = list(_MARK.finditer(text))
    unclosed = [matches[index] for index in _unclosed([match.group() for match in matches])]
    if sum(size - match.start() for match in unclosed) <= MAX_WASTED_STEPS:
        return text
    return _masked(text, unclosed)


def _masked(text: str, matches: list[re.Match[str]]) -> str:
    pieces: list[str] = []
    end = 0
    for match in matches:
        place = match.start()
        length = 1 if match.group()[0] == "<" else len(match.group())
        pieces += (text[end:place], MASK * length)
        end = place + length
    return "".join((*pieces, text[end:]))


def _open_at_end(marks: list[str]) -> int:
    return len(_unclosed(marks))


def _unclosed(marks: list[str]) -> list[int]:
    """Places in `marks` of those that open without partner, in order; constructs may not overlap.

    A closing mark closes the nearest open one of its kind; what was opened in between has no
    partner.
    """
    stack: list[tuple[str, int]] = []
    count: dict[str, int] = {}
    unclosed: list[int] = []
    for index, mark in enumerate(marks):
        opens, kind = _role(mark)
        if opens is None:
            unclosed.append(index)
        elif opens:
            stack.append((kind, index))
            count[kind] = count.get(kind, 0) + 1
        elif count.get(kind):
            while True:
                innermost, place = stack.pop()
                count[innermost] -= 1
                if innermost == kind:
                    break
                unclosed.append(place)
    return sorted(unclosed + [place for _, place in stack])


def _role(mark: str) -> tuple[bool | None, str]:
    """(whether it opens, what it opens or closes); None for a tag that never ends."""
    if mark in _ROLES:
        return _ROLES[mark]
    match = _NAME.match(mark)
    name = match.group(1).lower() if match else ""
    if mark.startswith("</"):
        return False, name
    if mark[-1] != ">" or mark.count('"') % 2 or mark.count("'") % 2:
        return None, name
    return (False, "") if mark.endswith("/>") or name in _SINGLE else (True, name)
