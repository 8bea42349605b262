"""The shape of an edit summary, in any language.

Who explains an edit rarely vandalises; automatic summaries of blanking and replacing, links to other
sites and shouting are told apart. HTML entities are decoded first: exports of old mirrors hold them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import NamedTuple

from assay.features.edit.region import REGION, Region
from assay.features.graph.node import Datasource, Feature, Field, Node
from assay.features.graph.record import record
from assay.features.lexicon import Lexicons
from assay.features.roots import COMMENT, PARENT_COMMENT

MAX_CHARS = 1_000
_SECTION = re.compile(r"/\*.*?\*/", re.DOTALL)
_UNDO = re.compile(
    r"\b(?:rvv?|rvt|revert\w*|undid|und(?:o|one)|rollback|vandal\w*|restor\w*|spam\w*|annul\w*|откат\w*)\b",
    re.IGNORECASE,
)
_AUTOMATIC = re.compile(r"←|→|^(?:created page|replaced|blanked|redirected|new page)", re.IGNORECASE)
_TOOL = re.compile(r"\b(?:bot|robot|awb|iw|interwiki)\b", re.IGNORECASE)
_SITE = re.compile(r"https?:|www\.|\.com\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")


class CommentShape(NamedTuple):
    """`length`, `words`: without the section's name. Shares are None for an empty summary."""

    is_empty: bool
    has_section: bool
    length: int
    words: int
    has_undo: bool
    is_automatic: bool
    has_link: bool
    has_site: bool
    names_tool: bool
    upper_share: float | None
    non_latin_share: float | None
    exclamations: int
    added_words: float | None


def shape(comment: str, region: Region) -> CommentShape:
    """Measures of one summary, also against the text that was added."""
    whole = html.unescape(comment[:MAX_CHARS])
    bare = _SECTION.sub("", whole).strip()
    words = _WORD.findall(bare.lower())
    letters = list(filter(str.isalpha, bare))
    return CommentShape(
        is_empty=not bare,
        has_section=_SECTION.search(whole) is not None,
        length=len(bare),
        words=len(words),
        has_undo=says_undo(whole),
        is_automatic=_AUTOMATIC.search(bare) is not None,
        has_link="[[" in bare,
        has_site=_SITE.search(bare) is not None,
        names_tool=_TOOL.search(bare) is not None,
        upper_share=sum(map(str.isupper, letters)) / len(letters) if letters else None,
        non_latin_share=sum(letter > "ʯ" for letter in letters) / len(letters) if letters else None,
        exclamations=bare.count("!"),
        added_words=_shared(words, region) if words else None,
    )


def says_undo(comment: str) -> bool:
    """Whether a summary speaks of undoing; English words and a few that other wikis borrowed."""
    return _UNDO.search(comment) is not None


def _shared(words: list[str], region: Region) -> float:
    added = set(_WORD.findall("\n".join(region.added)[: 4 * MAX_CHARS].lower()))
    return sum(word in added for word in words) / len(words)


def _parent_undoes(parent_comment: str | None) -> bool | None:
    return None if parent_comment is None else says_undo(html.unescape(parent_comment[:MAX_CHARS]))


def _parent_is_silent(parent_comment: str | None) -> bool | None:
    return None if parent_comment is None else not _SECTION.sub("", parent_comment).strip()


COMMENT_SHAPE = Datasource(
    "datasource.assay.comment_shape",
    "Shape of the edit summary (`CommentShape`).",
    (COMMENT, REGION),
    shape,
    from_json=record(CommentShape),
)
_DOCS = {
    "is_empty": "Whether the summary is empty, or only a section's name.",
    "has_section": "Whether the summary names a section anywhere.",
    "length": "Characters of the summary without the section's name.",
    "words": "Words of the summary without the section's name.",
    "has_undo": "Whether the summary speaks of undoing.",
    "is_automatic": "Whether the software wrote the summary (blanked, replaced, created, redirected).",
    "has_link": "Whether the summary opens a wikilink behind the section's name.",
    "has_site": "Whether the summary holds a web address.",
    "names_tool": "Whether the summary names a bot, a tool or language links.",
    "upper_share": "Upper-case letters per letter of the summary, 0 to 1.",
    "non_latin_share": "Letters outside the Latin script per letter of the summary, 0 to 1.",
    "exclamations": "Exclamation marks in the summary.",
    "added_words": "Share of the summary's words that occur in the added text, 0 to 1.",
}
FEATURES = (
    *(
        Field(f"feature.assay.comment.{name}", doc, (COMMENT_SHAPE,), field=name)
        for name, doc in _DOCS.items()
    ),
    Feature(
        "feature.assay.parent.says_undo",
        "Whether the parent's summary speaks of undoing; missing for a page creation.",
        (PARENT_COMMENT,),
        _parent_undoes,
    ),
    Feature(
        "feature.assay.parent.is_silent",
        "Whether the parent's summary is empty; missing for a page creation.",
        (PARENT_COMMENT,),
        _parent_is_silent,
    ),
)


def family(_: Lexicons) -> Iterable[Node]:
    return (COMMENT_SHAPE, *FEATURES)
