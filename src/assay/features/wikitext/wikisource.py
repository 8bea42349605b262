"""From the tokenizer's marks back to text: the wikitext of each, and what a reader sees of all.

`sources` undoes the tokenizer: joined, the pieces are the text again, so that lengths give every
construct's place. `Readable` gives what mwparserfromhell's ``strip_code()`` gives, without its tree and
without recursion, and where in it the sections begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from html.entities import name2codepoint
from itertools import pairwise
from typing import Any, Final

from mwparserfromhell.definitions import is_visible
from mwparserfromhell.parser import tokens as marks

_FIXED: Final[dict[type, str]] = {
    marks.TemplateOpen: "{{",
    marks.TemplateParamSeparator: "|",
    marks.TemplateParamEquals: "=",
    marks.TemplateClose: "}}",
    marks.ArgumentOpen: "{{{",
    marks.ArgumentSeparator: "|",
    marks.ArgumentClose: "}}}",
    marks.WikilinkOpen: "[[",
    marks.WikilinkSeparator: "|",
    marks.WikilinkClose: "]]",
    marks.HTMLEntityStart: "&",
    marks.HTMLEntityNumeric: "#",
    marks.HTMLEntityEnd: ";",
    marks.CommentStart: "<!--",
    marks.CommentEnd: "-->",
}


def sources(tokens: Sequence[Any]) -> list[str]:
    """The wikitext of each token; ``"".join`` of it is the text that was tokenized."""
    writer = _Writer()
    return [
        token["text"] if type(token) is marks.Text and not writer.silent else writer.write(token)
        for token in tokens
    ]


class _Writer:
    """Remembers what is open: a closing mark's wikitext depends on its opening one.

    `silent`: the next text is the name of a tag that wikitext does not spell out (``''`` is "i").
    """

    def __init__(self) -> None:
        self.silent = False
        self._open: list[Any] = []
        self._attributes: list[Any] = []

    def write(self, token: Any) -> str:
        kind = type(token)
        if kind is marks.Text:
            return ""
        fixed = _FIXED.get(kind)
        if fixed is not None:
            return fixed
        return _WRITE[kind](self, token)

    def _html_entity_hex(self, token: Any) -> str:
        return token["char"]  # type: ignore[no-any-return]

    def _heading_start(self, token: Any) -> str:
        self._open.append(token)
        return "=" * int(token["level"])

    def _heading_end(self, _: Any) -> str:
        return "=" * int(self._open.pop()["level"])

    def _external_link_open(self, token: Any) -> str:
        self._open.append(token)
        return "[" if token["brackets"] else ""

    def _external_link_separator(self, token: Any) -> str:
        return "" if token.suppress_space else " "

    def _external_link_close(self, _: Any) -> str:
        return "]" if self._open.pop()["brackets"] else ""

    def _tag_open_open(self, token: Any) -> str:
        self._open.append(token)
        self._attributes.append(None)
        self.silent = bool(token.wiki_markup)
        return token.wiki_markup or ("</" if token.invalid else "<")

    def _tag_attr_start(self, token: Any) -> str:
        self.silent = False
        closing = self._end_attribute()
        self._attributes[-1] = {
            "pad": token.pad_before_eq or "",
            "after": token.pad_after_eq or "",
            "quote": "",
        }
        return closing + (token.pad_first or "")

    def _tag_attr_equals(self, _: Any) -> str:
        attribute = self._attributes[-1]
        before, attribute["pad"] = attribute["pad"], ""
        return f"{before}={attribute['after']}"

    def _tag_attr_quote(self, token: Any) -> str:
        self._attributes[-1]["quote"] = token["char"]
        return token["char"]  # type: ignore[no-any-return]

    def _end_attribute(self) -> str:
        """What still belongs to the attribute before: its blanks or its closing quotation mark."""
        attribute, self._attributes[-1] = self._attributes[-1], None
        return attribute["pad"] + attribute["quote"] if attribute else ""

    def _tag_close_open(self, token: Any) -> str:
        self.silent = False
        end = (token.wiki_markup or "") if self._open[-1].wiki_markup else ">"
        return self._end_attribute() + (token.padding or "") + end

    def _tag_close_selfclose(self, token: Any) -> str:
        self.silent = False
        tag = self._open.pop()
        plain = ">" if token.implicit else "/>"
        end = (token.wiki_markup or "") if tag.wiki_markup else plain
        closing = self._end_attribute() + (token.padding or "") + end
        self._attributes.pop()
        return closing

    def _tag_open_close(self, token: Any) -> str:
        tag = self._open[-1]
        self.silent = bool(tag.wiki_markup)
        if tag.wiki_markup:
            return str(tag.wiki_markup if token.wiki_markup is None else token.wiki_markup)
        return "</"

    def _tag_close_close(self, _: Any) -> str:
        self.silent = False
        self._attributes.pop()
        return "" if self._open.pop().wiki_markup else ">"


_WRITE: Final = {
    marks.HTMLEntityHex: _Writer._html_entity_hex,
    marks.HeadingStart: _Writer._heading_start,
    marks.HeadingEnd: _Writer._heading_end,
    marks.ExternalLinkOpen: _Writer._external_link_open,
    marks.ExternalLinkSeparator: _Writer._external_link_separator,
    marks.ExternalLinkClose: _Writer._external_link_close,
    marks.TagOpenOpen: _Writer._tag_open_open,
    marks.TagAttrStart: _Writer._tag_attr_start,
    marks.TagAttrEquals: _Writer._tag_attr_equals,
    marks.TagAttrQuote: _Writer._tag_attr_quote,
    marks.TagCloseOpen: _Writer._tag_close_open,
    marks.TagCloseSelfclose: _Writer._tag_close_selfclose,
    marks.TagOpenClose: _Writer._tag_open_close,
    marks.TagCloseClose: _Writer._tag_close_close,
}


class Readable:
    """What a reader sees: link labels, headings and text; no templates, comments or markup."""

    def __init__(self, tokens: Sequence[Any]) -> None:
        self._pieces = _read(tokens)

    def text(self) -> str:
        """All of it; at most one empty line in a row."""
        return _collapsed(self._pieces)

    def sections(self) -> tuple[tuple[int, str], ...]:
        """(level of the heading, heading and text up to the next heading), with every empty line.

        The first is the text before any heading, at level 0. A heading that no reader sees, inside a template
        or a reference, begins no section.
        """
        starts = [(place, piece) for place, piece in enumerate(self._pieces) if isinstance(piece, _Start)]
        bounds = pairwise([0, *(place for place, _ in starts), len(self._pieces)])
        levels = [0, *(piece.level for _, piece in starts)]
        texts = ("".join(self._pieces[start:end]) for start, end in bounds)
        return tuple(zip(levels, texts, strict=True))


class _Start(str):
    """An empty string that marks the place of a heading of this `level`."""

    level: int

    def __new__(cls, level: int) -> _Start:
        start = super().__new__(cls)
        start.level = level
        return start


def _read(tokens: Sequence[Any]) -> list[str]:
    reader = _Reader()
    position = 0
    while position < len(tokens):
        token = tokens[position]
        kind = type(token)
        if kind is marks.Text:
            reader.pieces.append(token["text"])
            position += 1
        elif kind is marks.TemplateOpen:
            position = _after_template(tokens, position)
        elif kind is marks.CommentStart:
            position = _after(tokens, position, marks.CommentEnd)
        elif kind is marks.HTMLEntityStart:
            position = reader.entity(tokens, position)
        else:
            reader.mark(token, kind)
            position += 1
    return reader.pieces


class _Frame:
    """An open construct. `outer`: the pieces around it; `divided`: its label has begun."""

    __slots__ = ("contents", "divided", "kind", "name", "outer", "token")

    def __init__(self, token: Any, outer: list[str]) -> None:
        self.token = token
        self.kind = type(token)
        self.outer = outer
        self.divided = False
        self.name: str | None = None
        self.contents: list[str] = []


class _Reader:
    """`pieces`: what has been read of the innermost open construct."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._frames: list[_Frame] = []
        self._has_inner_headings = False

    def mark(self, token: Any, kind: type) -> None:
        if kind in _OPENING:
            if kind is marks.HeadingStart:
                self._has_inner_headings |= bool(self._frames)
                self.pieces.append(_Start(token["level"]))
            self._frames.append(_Frame(token, self.pieces))
            self.pieces = []
        elif kind in _CLOSING:
            self._close(kind, self._frames.pop())
        elif kind in _DIVIDING:
            self._divide(kind, self._frames[-1])

    def entity(self, tokens: Sequence[Any], position: int) -> int:
        """Read ``&amp;``, ``&#38;`` or ``&#x26;`` at `position`; returns the place after it."""
        end = _after(tokens, position, marks.HTMLEntityEnd)
        value = tokens[end - 2]["text"]
        kinds = [type(token) for token in tokens[position:end]]
        if marks.HTMLEntityHex in kinds:
            self.pieces.append(chr(int(value, 16)))
        elif marks.HTMLEntityNumeric in kinds:
            self.pieces.append(chr(int(value)))
        else:
            self.pieces.append(chr(name2codepoint[value]))
        return end

    def _divide(self, kind: type, frame: _Frame) -> None:
        """What came before is a link's target, an argument's or a tag's name: not for readers."""
        if frame.name is None:
            frame.name = "".join(self.pieces)
        if kind is marks.TagOpenClose:
            frame.contents = _trimmed(self.pieces) if self._has_inner_headings else [_collapsed(self.pieces)]
        frame.divided = True
        self.pieces = []

    def _close(self, kind: type, frame: _Frame) -> None:
        if _is_shown(kind, frame):
            if kind is marks.TagCloseClose:
                frame.outer += frame.contents
            elif self._has_inner_headings:
                frame.outer += _trimmed(self.pieces)
            else:
                frame.outer.append(_collapsed(self.pieces))
        self.pieces = frame.outer


def _is_shown(kind: type, frame: _Frame) -> bool:
    if kind is marks.TagCloseSelfclose:
        return False
    if kind is marks.TagCloseClose:
        return is_visible(frame.name or "")
    if kind is marks.ArgumentClose or (kind is marks.ExternalLinkClose and frame.token["brackets"]):
        return frame.divided
    return True


def _trimmed(pieces: list[str]) -> list[str]:
    """The pieces without the ends of lines before the first and behind the last character."""
    kept = list(pieces)
    for places, trim in ((range(len(kept)), str.lstrip), (reversed(range(len(kept))), str.rstrip)):
        for place in places:
            if kept[place]:
                kept[place] = trim(kept[place], "\n")
            if kept[place]:
                break
    return kept


_OPENING: Final = frozenset(
    {
        marks.ArgumentOpen,
        marks.WikilinkOpen,
        marks.ExternalLinkOpen,
        marks.HeadingStart,
        marks.TagOpenOpen,
    }
)
_CLOSING: Final = frozenset(
    {
        marks.ArgumentClose,
        marks.WikilinkClose,
        marks.ExternalLinkClose,
        marks.HeadingEnd,
        marks.TagCloseClose,
        marks.TagCloseSelfclose,
    }
)
_DIVIDING: Final = frozenset(
    {
        marks.ArgumentSeparator,
        marks.WikilinkSeparator,
        marks.ExternalLinkSeparator,
        marks.TagAttrStart,
        marks.TagCloseOpen,
        marks.TagOpenClose,
    }
)


def _collapsed(pieces: list[str]) -> str:
    text = "".join(pieces).strip("\n")
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def _after(tokens: Sequence[Any], position: int, kind: type) -> int:
    while type(tokens[position]) is not kind:
        position += 1
    return position + 1


def _after_template(tokens: Sequence[Any], position: int) -> int:
    depth = 0
    while True:
        kind = type(tokens[position])
        depth += (kind is marks.TemplateOpen) - (kind is marks.TemplateClose)
        position += 1
        if depth == 0:
            return position
