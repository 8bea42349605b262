r"""What the edit summary says, as ORES read it.

Both patterns are matched from the summary's beginning, and ``.`` is no newline: matches revscoring's
``comment_matches``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.roots import COMMENT

_SECTION: Final = re.compile(r"/\* [^\n]+ \*/")


def suggests_section_edit(comment: str) -> bool:
    """Whether it begins with MediaWiki's ``/* section */``."""
    return _SECTION.match(comment) is not None


def has_link(comment: str) -> bool:
    """Whether its first line holds the beginning of a ``[[link]]`` with a target.

    Written without a regular expression: the legacy's takes quadratic time on many "[[".
    """
    first_line = comment.partition("\n")[0]
    start = first_line.find("[[")
    while start >= 0:
        close = comment.find("]", start + 2)
        if close < 0:
            return False
        if close > start + 2 and comment.startswith("]]", close):
            return True
        start = first_line.find("[[", close)
    return False


_NODES: Final = (
    Feature(
        "feature.revision.comment.suggests_section_edit",
        "Whether the summary begins with the name of a section.",
        (COMMENT,),
        suggests_section_edit,
        type="bool",
    ),
    Feature(
        "feature.revision.comment.has_link",
        "Whether the summary holds a whole wikilink that begins in its first line.",
        (COMMENT,),
        has_link,
        type="bool",
    ),
)


def family(_: Lexicons) -> Iterable[Node]:
    """All nodes of this module; they need no lexicon."""
    return _NODES
