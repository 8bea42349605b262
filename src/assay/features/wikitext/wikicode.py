"""What a wikitext consists of, by mwparserfromhell's own tokenizer but without its tree.

The legacy built a tree of Python objects and filtered it once for every feature. The tokenizer (C)
is exact and takes a seventh of that time; everything that the features count can be read from its flat
list of tokens. Counts come at once, lists of names and the text without markup on demand.

Limits: texts above `PART_CHARS` are read in parts, cut at line ends where there are any, because they
would need too much memory at once (MediaWiki refuses pages above 2 MB anyway): a construct that
spans two parts is not seen. Hostile texts are tamed first, see `assay.features.wikitext.nesting`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, islice
from operator import add, itemgetter, sub
from typing import Any, Final, NamedTuple

from mwparserfromhell.parser import Parser
from mwparserfromhell.parser import tokens as marks

from assay.features.text.lazy import kept
from assay.features.wikitext.nesting import tamed
from assay.features.wikitext.wikisource import Readable, sources

PART_CHARS: Final = 1 << 21
_NAME_ENDS: Final = (marks.TagCloseOpen, marks.TagCloseSelfclose, marks.TagAttrStart)
_CODES: Final = {getattr(marks, name): code for code, name in enumerate(marks.__all__)}
"""A byte for each kind of token: a string of them is counted and searched many times faster than a list."""


class Structure(NamedTuple):
    """How many of each construct, nested ones included; all ≥ 0.

    `level_1` … `level_6`: headings by level. `tags`: HTML tags and the wikitext that stands for
    some (bold, italics, list items, tables and their cells). `ref_tags`: tags whose name begins with
    "ref" (also ``<references/>``, as the legacy counted); `list_items`: begins with "li".
    """

    headings: int = 0
    wikilinks: int = 0
    external_links: int = 0
    templates: int = 0
    tags: int = 0
    ref_tags: int = 0
    list_items: int = 0
    comments: int = 0
    level_1: int = 0
    level_2: int = 0
    level_3: int = 0
    level_4: int = 0
    level_5: int = 0
    level_6: int = 0

    def with_instead(self, other: Structure, of: Structure) -> Structure:
        """What it is when the text that `of` counts is replaced by the one that `other` counts."""
        if other == of:
            return self
        return Structure._make(map(sub, map(add, self, other), of))


_NOTHING: Final = Structure()
_PLAIN_NAMES: Final = frozenset(bytes((_CODES[marks.Text], _CODES[end])) for end in _NAME_ENDS)
_PLAIN_TAGS: Final = tuple(bytes((_CODES[marks.TagOpenOpen],)) + name for name in _PLAIN_NAMES)
_IS_TAG: Final = bytes(code == _CODES[marks.TagOpenOpen] for code in range(256))
_IS_HEADING: Final = bytes(code == _CODES[marks.HeadingStart] for code in range(256))
_text_of: Final = itemgetter("text")
_level_of: Final = itemgetter("level")
_LEVELS: Final = range(1, 7)
_COUNTED: Final = tuple(
    _CODES[kind]
    for kind in (
        marks.HeadingStart,
        marks.WikilinkOpen,
        marks.ExternalLinkOpen,
        marks.TemplateOpen,
        marks.TagOpenOpen,
        marks.CommentStart,
    )
)


class Wikicode:
    """One text's constructs. Immutable to its users; what is costly is found on first demand.

    Lists are in reading order, an outer construct before the ones inside it.
    """

    def __init__(self, text: str, tokens: Sequence[Any]) -> None:
        self.text = text
        self._tokens = tokens

    @kept
    def structure(self) -> Structure:
        if len(self._tokens) < 2:  # one that opens and one that closes
            return _NOTHING
        kinds = self._kinds
        headings, wikilinks, external_links, templates, tags, comments = map(kinds.count, _COUNTED)
        names = _lines(self.tag_names) if tags else b""
        refs, list_items = names.count(b"\nref"), names.count(b"\nli")
        counts = (headings, wikilinks, external_links, templates, tags, refs, list_items, comments)
        if not headings:
            return Structure(*counts)
        levels = [*map(_level_of, compress(self._tokens, kinds.translate(_IS_HEADING)))]
        return Structure(*counts, *map(levels.count, _LEVELS))

    @kept
    def tag_names(self) -> tuple[str, ...]:
        """As written; bold is "b", a list item "li"; see `Structure`."""
        tokens, kinds = self._tokens, self._kinds
        if sum(map(kinds.count, _PLAIN_TAGS)) == kinds.count(_CODES[marks.TagOpenOpen]):
            return tuple(map(_text_of, compress(islice(tokens, 1, None), kinds.translate(_IS_TAG))))
        return tuple([self._render(place + 1, _NAME_ENDS) for place in self._places(marks.TagOpenOpen)])

    @kept
    def template_names(self) -> tuple[str, ...]:
        """As written, with blanks and comments."""
        ends = (marks.TemplateParamSeparator, marks.TemplateClose)
        return tuple(self._render(p + 1, ends) for p in self._template_places)

    @kept
    def wikilink_titles(self) -> tuple[str, ...]:
        """What the links point to, as written."""
        ends = (marks.WikilinkSeparator, marks.WikilinkClose)
        return tuple(self._render(p + 1, ends) for p in self._places(marks.WikilinkOpen))

    @kept
    def template_counts(self) -> Mapping[str, int]:
        """How often each of `template_names` occurs."""
        return Counter(self.template_names)

    @kept
    def wikilink_counts(self) -> Mapping[str, int]:
        """How often each of `wikilink_titles` occurs."""
        return Counter(self.wikilink_titles)

    @kept
    def external_link_urls(self) -> tuple[str, ...]:
        ends = (marks.ExternalLinkSeparator, marks.ExternalLinkClose)
        return tuple(self._render(p + 1, ends) for p in self._places(marks.ExternalLinkOpen))

    @kept
    def heading_titles(self) -> tuple[tuple[int, str], ...]:
        """(level, title without outer blanks)."""
        return tuple(
            (self._tokens[p]["level"], self._render(p + 1, (marks.HeadingEnd,)).strip())
            for p in self._places(marks.HeadingStart)
        )

    @kept
    def template_spans(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of each template in `text`."""
        return self._spans(marks.TemplateOpen, (marks.TemplateClose,))

    def template_values(self, place: int) -> tuple[str, ...]:
        """What the parameters with names are set to, as written.

        `place`: of the template among `template_names`.
        """
        tokens = self._tokens
        ends = (marks.TemplateParamSeparator, marks.TemplateParamEquals, marks.TemplateClose)
        at = _end(tokens, self._template_places[place] + 1, ends)
        values = []
        while type(tokens[at]) is not marks.TemplateClose:
            if type(tokens[at]) is marks.TemplateParamEquals:
                values.append(self._render(at + 1, ends))
            at = _end(tokens, at + 1, ends)
        return tuple(values)

    @kept
    def _template_places(self) -> tuple[int, ...]:
        return tuple(self._places(marks.TemplateOpen))

    @kept
    def tag_spans(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of each whole tag in `text`, in step with `tag_names`."""
        return self._spans(marks.TagOpenOpen, (marks.TagCloseClose, marks.TagCloseSelfclose))

    @kept
    def content(self) -> str:
        """The readable text: without templates, comments, invisible tags and markup."""
        return self._readable.text()

    @kept
    def sections(self) -> tuple[tuple[int, str], ...]:
        """(level, text) of each part of the readable text that a heading begins, the heading in it.

        Before them, as level 0, what stands before the first heading. A heading that no reader sees, inside a
        template or a reference, begins nothing. The texts may hold more empty lines than `content`.
        """
        return self._readable.sections()

    @kept
    def _readable(self) -> Readable:
        return Readable(self._tokens)

    @kept
    def _kinds(self) -> bytes:
        """What each token is, by `_CODES`."""
        return bytes(map(_CODES.__getitem__, map(type, self._tokens)))

    def _places(self, kind: type) -> Iterator[int]:
        """Where the tokens of a kind stand."""
        kinds, code = self._kinds, _CODES[kind]
        place = kinds.find(code)
        while place >= 0:
            yield place
            place = kinds.find(code, place + 1)

    @kept
    def _sources(self) -> list[str]:
        """The wikitext of each token; joined they are the text."""
        return sources(self._tokens)

    def _render(self, start: int, ends: tuple[type, ...]) -> str:
        """The source from token `start` to the first of `ends` on the same level."""
        tokens = self._tokens
        if type(tokens[start]) is marks.Text and type(tokens[start + 1]) in ends:
            return str(tokens[start]["text"])
        return "".join(self._sources[start : _end(tokens, start, ends)])

    def _spans(self, opens: type, closes: tuple[type, ...]) -> tuple[tuple[int, int], ...]:
        spans: list[tuple[int, int]] = []
        stack: list[int] = []
        offset = 0
        for token, source in zip(self._tokens, self._sources, strict=True):
            if type(token) is opens:
                stack.append(len(spans))
                spans.append((offset, offset))
            offset += len(source)
            if type(token) in closes:
                index = stack.pop()
                spans[index] = (spans[index][0], offset)
        return tuple(spans)


def read(text: str) -> Wikicode:
    """The constructs of any text; never raises; its time is linear in the text's length."""
    if len(text) <= PART_CHARS:
        return Wikicode(text, _tokenize(tamed(text)))
    return Wikicode(text, [token for part in _parts(text) for token in _tokenize(tamed(part))])


def _parts(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        limit = start + PART_CHARS
        end = len(text) if limit >= len(text) else text.rfind("\n", start, limit) + 1 or limit
        yield text[start:end]
        start = end


def _tokenize(text: str) -> Any:
    return Parser()._tokenizer.tokenize(text, 0, False)  # type: ignore[no-untyped-call]


def _lines(names: tuple[str, ...]) -> bytes:
    """A line of each, with its ASCII letters in lower case."""
    return "\n".join(("", *names)).encode("utf-8", "surrogatepass").lower()


_OPENS: Final = frozenset(
    {marks.TemplateOpen, marks.ArgumentOpen, marks.WikilinkOpen, marks.ExternalLinkOpen, marks.TagOpenOpen}
)
_CLOSES: Final = frozenset(
    {
        marks.TemplateClose,
        marks.ArgumentClose,
        marks.WikilinkClose,
        marks.ExternalLinkClose,
        marks.TagCloseClose,
        marks.TagCloseSelfclose,
    }
)


def _end(tokens: Sequence[Any], start: int, ends: tuple[type, ...]) -> int:
    """The place of the first of `ends` that is not inside a construct opened after `start`."""
    depth = 0
    for position in range(start, len(tokens)):
        kind = type(tokens[position])
        if depth == 0 and kind in ends:
            return position
        depth += (kind in _OPENS) - (kind in _CLOSES)
    return len(tokens)
