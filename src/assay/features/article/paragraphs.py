"""The paragraphs that the legacy's segmenter saw, without tokenising the text.

ORES counts the length of paragraphs without ``<ref>`` after cutting the text at blank lines. Its
segmenter (deltas, ``ParagraphsSentencesAndWhitespace``) has one quirk that reaches everywhere: a
table that begins where a sentence may begin is never seen to end, because the tokeniser reads ``|}`` as a bar
and a brace; the rest of the text then belongs to that paragraph. Both are kept, or the values would
differ. Only paragraphs with a table need a closer look.

Limits: blank lines inside an unclosed tag hide from the legacy's tokeniser; here, too, as far as the
one regular expression for tags agrees with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

_BLANK_LINES: Final = re.compile(r"\n\r?\s*(?:\n\r?|\r\n)+|\r\n\s*(?:\n\r?|\r\n)+")
_BREAK: Final = re.compile(rf"<(?i:ref\b(?:/(?!>)|[^>/])*>|/?[a-z][a-z0-9]*\b[^>]*>)|{_BLANK_LINES.pattern}")
"""A tag, or blank lines. Every alternative begins with a plain character, so that `re` skips to these."""
_BEFORE_TAGS: Final = (
    r"(?P<space>(?:\n\r?|[^\S\n\r]+))|(?P<plain>https?://[^\s/$.?#][^|<>\s{}]*|=+|\||&[a-z][a-z0-9]*;)"
)
_TAGS: Final = r"|(?P<ref><ref\b(?:/(?!>)|[^>/])*>)|(?P<unref></ref\b[^>]*>)"
_BEHIND_TAGS: Final = (
    r"\d+|'''|''|[^\W\d]\w*(?:['’]\w+)*)"
    r"|(?P<table>\{\|)|(?P<open>\[\[|\[|\(|\{\{|<!--)|(?P<close>\]\]|\]|\)|\}\}|-->)"
    r"|(?P<stop>\.+|\?+|!+)|(?P<rest>.)"
)
_FLAGS: Final = re.IGNORECASE | re.DOTALL
_TOKEN: Final = re.compile(
    rf"{_BEFORE_TAGS}{_TAGS}|(?P<other></?[a-z][a-z0-9]*\b[^>]*>|{_BEHIND_TAGS}", _FLAGS
)
_TOKEN_BUT_TAG: Final = re.compile(rf"{_BEFORE_TAGS}|(?P<other>{_BEHIND_TAGS}", _FLAGS)
_SENTENCE_TOKENS: Final = 3


def paragraphs(text: str) -> list[str]:
    """The paragraphs in order, without the blanks around them that the segmenter sets apart."""
    found = []
    start = 0
    for match in _breaks(text):
        if text[match.start()] == "<":
            continue
        if _opens_table(text, start, match.start()):
            break
        found.append(text[start : match.start()].lstrip())
        start = match.end()
    found.append(text[start:].lstrip())
    return [paragraph for paragraph in found if paragraph]


def _breaks(text: str) -> Iterator[re.Match[str]]:
    """Behind the last ``>`` there is no tag; looking for one at each ``<`` would be quadratic."""
    last = text.rfind(">") + 1
    return chain(_BREAK.finditer(text, 0, last), _BLANK_LINES.finditer(text, last))


def _tokens(text: str, start: int, end: int) -> Iterator[str]:
    """The kinds of all tokens, in the same way; an address may hold the last ``>`` and reach beyond it."""
    last = text.rfind(">", start, end) + 1
    for match in _TOKEN.finditer(text, start, max(start, last)):
        if match.end() == last and match.lastgroup == "plain":
            break
        start = match.end()
        yield str(match.lastgroup)
    for match in _TOKEN_BUT_TAG.finditer(text, start, end):
        yield str(match.lastgroup)


def uncited_chars(text: str) -> int:
    """Characters of all paragraphs without a plain ``<ref>``; a named one does not count, as in ORES."""
    return sum(len(paragraph) for paragraph in paragraphs(text) if "<ref>" not in paragraph.lower())


def _opens_table(text: str, start: int, end: int) -> bool:
    """Whether a table begins in the paragraph at a place where a sentence may begin."""
    if text.find("{|", start, end) < 0:
        return False
    depth = tokens = 0
    in_sentence = False
    for kind in _tokens(text, start, end):
        if not in_sentence:
            if kind == "table":
                return True
            if kind != "space":
                in_sentence, tokens = True, 1
                depth = int(kind in ("open", "ref"))
            continue
        tokens += kind != "space"
        depth += (kind in ("open", "ref")) - (kind in ("close", "unref"))
        if kind in ("stop", "table") and depth <= 0 and tokens >= _SENTENCE_TOKENS:
            in_sentence = False
    return False
