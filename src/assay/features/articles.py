"""What tells an article's quality on any wiki: how it is built, how it reads, when it was last tended.

None of these features sees a template that tells the article's class: `NEUTRAL_TEXT` and the structure leave
them out, so a score is the same with and without ``{{featured article}}`` or a stub template. What names
mean comes from the lexicon ``any.article_names``; with a language's word lists there are counts of their
matches in the readable text, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from assay.features import article_era, article_structure, prose
from assay.features.article_era import ArticleEra
from assay.features.article_names import article_names
from assay.features.article_structure import ArticleStructure
from assay.features.lexicon import Lexicon, Lexicons
from assay.features.matching import matcher
from assay.features.node import Datasource, Feature, Node
from assay.features.prose import Prose
from assay.features.roots import TEXT
from assay.features.wikicode import Wikicode
from assay.features.wikitext import WIKICODE

NAMES_LEXICON: Final = "any.article_names"
WORD_LISTS: Final = ("words_to_watch", "idioms", "informals", "badwords")
"""Last parts of the names of the pattern lexicons whose matches are counted in the readable text."""

CONTENT: Final = Datasource(
    "datasource.wikitext.revision.content",
    "The readable text: no templates, references, comments or markup.",
    (WIKICODE,),
    attrgetter("content"),
)
PROSE: Final = Datasource(
    "datasource.assay.article.prose", "How the article reads (`Prose`).", (CONTENT,), prose.analyse
)


def _features(prefix: str, of: Datasource, fields: Iterable[str]) -> tuple[Feature, ...]:
    return tuple(
        Feature(f"feature.assay.article.{prefix}{f}", f.replace("_", " "), (of,), attrgetter(f))
        for f in fields
    )


_PROSE_FEATURES: Final = _features("prose.", PROSE, Prose._fields)


@lru_cache(maxsize=16)
def _structure_nodes(lexicon: Lexicon) -> tuple[Node, ...]:
    names = article_names(lexicon)

    def neutral(text: str) -> str:
        return article_structure.neutral(text, names)

    def structure(wikicode: Wikicode, text: str) -> ArticleStructure:
        return article_structure.analyse(wikicode, text, names)

    neutral_text = Datasource(
        "datasource.assay.article.neutral_text", "The text without class-telling templates.", (TEXT,), neutral
    )
    built = Datasource(
        "datasource.assay.article.structure",
        "How the article is built (`ArticleStructure`).",
        (WIKICODE, neutral_text),
        structure,
    )
    era = Datasource(
        "datasource.assay.article.era",
        "When the article was last tended (`ArticleEra`).",
        (neutral_text,),
        article_era.analyse,
    )
    return (
        neutral_text,
        built,
        era,
        *_features("", built, ArticleStructure._fields),
        *_features("era.", era, ArticleEra._fields),
    )


def _counter(lexicon: Lexicon) -> Callable[[str], Any]:
    return matcher(lexicon).count


@lru_cache(maxsize=64)
def _matches(lexicon: Lexicon) -> Feature:
    return Feature(
        f"feature.assay.article.{lexicon.name}",
        f"Matches of {lexicon.name} in the readable text.",
        (CONTENT,),
        _counter(lexicon),
        type="int",
    )


def names_of_features(word_lists: Iterable[str] = ()) -> tuple[str, ...]:
    """All features of this family by name, with the given word lists' (``english.idioms``, …) at the end."""
    return (
        *(f"feature.assay.article.{field}" for field in ArticleStructure._fields),
        *(f"feature.assay.article.prose.{field}" for field in Prose._fields),
        *(f"feature.assay.article.era.{field}" for field in ArticleEra._fields),
        *(f"feature.assay.article.{name}" for name in word_lists),
    )


def family(lexicons: Lexicons) -> Iterable[Node]:
    """The nodes that need no lexicon, and those whose lexicon is there."""
    yield from (CONTENT, PROSE, *_PROSE_FEATURES)
    if NAMES_LEXICON in lexicons:
        yield from _structure_nodes(lexicons[NAMES_LEXICON])
    for name, lexicon in lexicons.items():
        if name.rpartition(".")[2] in WORD_LISTS:
            yield _matches(lexicon)
