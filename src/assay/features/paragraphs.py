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
from typing import Final

_BREAK: Final = re.compile(
    r"<(?i:ref\b(?:/(?!>)|[^>/])*>|/?[a-z][a-z0-9]*\b[^>]*>)"
    r"|\n\r?\s*(?:\n\r?|\r\n)+|\r\n\s*(?:\n\r?|\r\n)+"
)
"""A tag, or blank lines. Every alternative begins with a plain character, so that `re` skips to these."""
_TOKEN: Final = re.compile(
    r"(?P<space>(?:\n\r?|[^\S\n\r]+))"
    r"|(?P<plain>https?://[^\s/$.?#][^|<>\s{}]*|=+|\||&[a-z][a-z0-9]*;)"
    r"|(?P<ref><ref\b(?:/(?!>)|[^>/])*>)|(?P<unref></ref\b[^>]*>)"
    r"|(?P<other></?[a-z][a-z0-9]*\b[^>]*>|\d+|'''|''|[^\W\d]\w*(?:['’]\w+)*)"
    r"|(?P<table>\{\|)|(?P<open>\[\[|\[|\(|\{\{|<!--)|(?P<close>\]\]|\]|\)|\}\}|-->)"
    r"|(?P<stop>\.+|\?+|!+)|(?P<rest>.)",
    re.IGNORECASE | re.DOTALL,
)
_SENTENCE_TOKENS: Final = 3


def paragraphs(text: str) -> list[str]:
    """The paragraphs in order, without the blanks around them that the segmenter sets apart."""
    found = []
    start = 0
    for match in _BREAK.finditer(text):
        if text[match.start()] == "<":
            continue
        if _opens_table(text, start, match.start()):
            break
        found.append(text[start : match.start()].lstrip())
        start = match.end()
    found.append(text[start:].lstrip())
    return [paragraph for paragraph in found if paragraph]


def uncited_chars(text: str) -> int:
    """Characters of all paragraphs without a plain ``<ref>``; a named one does not count, as in ORES."""
    return sum(len(paragraph) for paragraph in paragraphs(text) if "<ref>" not in paragraph.lower())


def _opens_table(text: str, start: int, end: int) -> bool:
    """Whether a table begins in the paragraph at a place where a sentence may begin."""
    if text.find("{|", start, end) < 0:
        return False
    depth = tokens = 0
    in_sentence = False
    for match in _TOKEN.finditer(text, start, end):
        kind = match.lastgroup
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
