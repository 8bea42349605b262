"""What a template's, a namespace's or a heading's name means, in any of the languages that the lexicon knows.

The lexicon ``any.article_names`` holds lines of a kind, a tab and an RE2 pattern of the whole name. The
kind ``class`` names templates that tell an article's class (``{{featured article}}``, ``{{…-stub}}``,
``{{Bon article}}``, …): whoever learns classes must not see them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import Any, Final

import re2

from assay.errors import ConfigurationError
from assay.features.lexicon import Lexicon
from assay.features.memo import Memo

LANGUAGE: Final = r"(?:[a-z]{2,3}|simple|zh-[a-z-]+|be-x-old|roa-rup|fiu-vro|map-bms|nds-nl|cbk-zam)"
"""Pattern of a prefix that leads to the article in another language."""

_MEMO_ENTRIES: Final = 1 << 15
_MAX_NAME_CHARS: Final = 120
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
_BLANKS: Final = re.compile(r"[\s_]+")
_TEMPLATE_NAMESPACE: Final = re.compile(r"^(?:template|modèle|шаблон|vorlage|plantilla|predefinição) ?: ?")


def without_comments(text: str) -> str:
    """Without the comments in it, one that is not closed included."""
    return _COMMENT.sub("", text) if "<!--" in text else text


def normalised(name: str) -> str:
    """Lower case, without comments, one blank for blanks and underscores; at most 120 characters."""
    return _BLANKS.sub(" ", without_comments(name)[: 4 * _MAX_NAME_CHARS]).strip().lower()[:_MAX_NAME_CHARS]


def normalised_template(name: str) -> str:
    """As `normalised`, and without a written-out template namespace."""
    plain = normalised(name)
    return _TEMPLATE_NAMESPACE.sub("", plain) if ":" in plain else plain


class ArticleNames:
    """Kinds by name; each distinct name is matched once and remembered."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Raises `ConfigurationError` naming a line that is no kind, tab and pattern."""
        patterns: dict[str, list[str]] = defaultdict(list)
        for entry in lexicon.entries:
            kind, _, pattern = entry.partition("\t")
            if not (kind and pattern):
                raise ConfigurationError(
                    f"lexicon {lexicon.name}: {entry!r} is not a kind, a tab and a pattern"
                )
            patterns[kind].append(pattern)
        self.kinds = frozenset(patterns)
        self._patterns = {kind: _compile(lexicon.name, kind, some) for kind, some in patterns.items()}
        self._memo = Memo(f"kinds of names, {lexicon.name}", self._find, _MEMO_ENTRIES)

    def of(self, name: str) -> frozenset[str]:
        """The kinds of a normalised name; none is common."""
        return self._memo[name]

    def _find(self, name: str) -> frozenset[str]:
        data = name.encode("utf-8", "replace")
        return frozenset(kind for kind, pattern in self._patterns.items() if pattern.fullmatch(data))


def _compile(lexicon_name: str, kind: str, patterns: list[str]) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile("|".join(f"(?:{pattern})" for pattern in patterns), options)
    except re2.error as error:
        raise ConfigurationError(
            f"lexicon {lexicon_name}, kind {kind}: {error}; correct the pattern"
        ) from None


@lru_cache(maxsize=16)
def article_names(lexicon: Lexicon) -> ArticleNames:
    """The one `ArticleNames` for lexicons of this content."""
    return ArticleNames(lexicon)
