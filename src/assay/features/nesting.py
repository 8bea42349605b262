"""Keeps a wikitext parser's work linear by masking marks that are never closed.

A parser that meets ``{{`` reads on to find ``}}``; when there is none it goes back and reads on again
as plain text. Each open mark without its partner can thus cost one more pass over all the rest: 16 kB
of ``{{a|`` take 5 s. Such marks end as plain text in any case, so above `MAX_WASTED_STEPS` the ones that a
linear scan finds without partner are masked beforehand. Below it the text is left as it is: the parser
decides. Limit: the scan is simpler than the parser, so in texts above the threshold (none among
thousands of real revisions) a few marks may be judged differently.
"""

from __future__ import annotations

import re
from typing import Final

MAX_WASTED_STEPS: Final = 4_000_000
"""Characters that may be read in vain; 0.25 µs each on an ordinary machine, hence 1 s at worst."""

MASK: Final = "\ufffc"
"""Stands for a masked character, so that lengths stay: "object replacement", never markup."""

_MARK: Final = re.compile(
    r"\{\{|\}\}|\[\[|\]\]|(?<=\n)[ :]*\{\||(?<=\n)[ :]*\|\}(?!\})"
    r"|<!--|-->|</?[a-zA-Z]+(?:[^<>{\[]*>)?|\[|\]|\n"
)
_CLOSES: Final = {"}}": "{{", "]]": "[[", "|}": "{|", "-->": "<!--", "]": "["}
_SINGLE: Final = frozenset(["br", "wbr", "hr", "meta", "link", "img", "li", "dt", "dd", "th", "td", "tr"])
_NAME: Final = re.compile(r"</?([a-zA-Z]+)")


def tamed(text: str) -> str:
    """The text, of the same length, without the marks that would make parsing it take quadratic time."""
    if _most_opens(text) * len(text) <= MAX_WASTED_STEPS:
        return text
    unclosed = _unclosed(text)
    if sum(len(text) - place for place, _ in unclosed) <= MAX_WASTED_STEPS:
        return text
    pieces: list[str] = []
    end = 0
    for place, length in sorted(unclosed):
        pieces += (text[end:place], MASK * length)
        end = place + length
    return "".join((*pieces, text[end:]))


def _most_opens(text: str) -> int:
    return text.count("{{") + text.count("[") + text.count("<") + text.count("{|")


def _unclosed(text: str) -> list[tuple[int, int]]:
    """(place, length) of each opening mark without partner, where constructs may not overlap."""
    scan = _Scan()
    for match in _MARK.finditer(text):
        mark = match.group()
        if mark[0] == "<" and mark != "<!--":
            scan.tag(mark, match.start())
        elif mark == "\n":
            scan.line_end()
        else:
            bare = mark.lstrip(" :")
            scan.mark(bare, match.end() - len(bare))
    return scan.unclosed + [(place, length) for _, place, length in scan.stack]


class _Scan:
    """A stack of open marks; one that a closing mark of an outer one skips has no partner."""

    def __init__(self) -> None:
        self.stack: list[tuple[str, int, int]] = []
        self.unclosed: list[tuple[int, int]] = []
        self._open: dict[str, int] = {}

    def mark(self, mark: str, place: int) -> None:
        opening = _CLOSES.get(mark)
        if opening is None:
            self._push(mark, place, len(mark))
        else:
            self._close(opening)

    def tag(self, mark: str, place: int) -> None:
        match = _NAME.match(mark)
        name = match.group(1).lower() if match else ""
        complete = mark.endswith(">") and mark.count('"') % 2 == 0 and mark.count("'") % 2 == 0
        if mark.startswith("</"):
            self._close(name)
        elif not complete:
            self.unclosed.append((place, 1))
        elif not mark.endswith("/>") and name not in _SINGLE:
            self._push(name, place, 1)

    def line_end(self) -> None:
        """No external link goes beyond its line."""
        while self.stack and self.stack[-1][0] == "[":
            self._pop()

    def _push(self, kind: str, place: int, length: int) -> None:
        self.stack.append((kind, place, length))
        self._open[kind] = self._open.get(kind, 0) + 1

    def _close(self, opening: str) -> None:
        if self._open.get(opening):
            while self.stack[-1][0] != opening:
                self._pop()
            self.stack.pop()
            self._open[opening] -= 1

    def _pop(self) -> None:
        kind, place, length = self.stack.pop()
        self._open[kind] -= 1
        self.unclosed.append((place, length))
