"""What an article names, by kind: its templates, links and headings; without what tells the article's class.

Templates of kind ``class`` in the lexicon ``any.article_names`` (``{{featured article}}``, a stub template)
are hidden here from everything that a model learns from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from assay.features.article.names import LANGUAGE, ArticleNames, normalised, normalised_template
from assay.features.wikitext.wikicode import Wikicode

_CLASS: Final = "class"
_IN_ANOTHER_LANGUAGE: Final = re.compile(f"{LANGUAGE}:")
_TEMPLATE: Final = re.compile(r"\{\{([^{}|]{1,200})(?:\|[^{}]*)?\}\}")


class Kinds:
    """Of one text. `templates`, `links`, `headings`: how many there are of each kind. `template_names`: all
    of them, normalised. `plain_links`: targets of links whose prefix has no kind and names no language, as
    written.
    `infoboxes`: the places of infoboxes among the `Wikicode`'s templates."""

    def __init__(self, wikicode: Wikicode, names: ArticleNames) -> None:
        named = [normalised_template(name) for name in wikicode.template_names]
        self.template_names = [name for name in named if _CLASS not in names.of(name)]
        self.infoboxes = [place for place, name in enumerate(named) if "infobox" in names.of(name)]
        self.templates = _tally(names, self.template_names)
        linked = [(title, _of_namespace(title, names)) for title in wikicode.wikilink_titles]
        self.plain_links = [
            title for title, kinds in linked if not (kinds or _IN_ANOTHER_LANGUAGE.match(title))
        ]
        self.links = Counter(kind for _, kinds in linked for kind in kinds)
        self.headings = _tally(names, [normalised(title) for _, title in wikicode.heading_titles])


def neutral(text: str, names: ArticleNames) -> str:
    """The text without class-telling templates and the blank lines they leave."""

    def without(match: re.Match[str]) -> str:
        is_hidden = _CLASS in names.of(normalised_template(match[1]))
        return "" if is_hidden else match[0]

    return _TEMPLATE.sub(without, text).strip()


def _tally(names: ArticleNames, some: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for name, number in Counter(some).items():
        for kind in names.of(name):
            counts[kind] += number
    return counts


def _of_namespace(title: str, names: ArticleNames) -> frozenset[str]:
    prefix, colon, _ = title.partition(":")
    return names.of(normalised(prefix)) if colon and prefix.strip() else frozenset()
