"""What tells an article's quality on any wiki: how it is built, how it reads, when it was last tended.

None of these features sees a template that tells the article's class: the text is `neutral`, and the
structure leaves them out. So a score is the same with and without ``{{featured article}}`` or a stub
template. What names mean comes from the lexicon ``any.article_names``; with a language's word lists there
are counts of their matches in the readable text, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, Final

from assay.features.article import era as article_era
from assay.features.article import kinds as article_kinds
from assay.features.article import prose
from assay.features.article import ratios as article_ratios
from assay.features.article import structure as article_structure
from assay.features.article import words as article_words
from assay.features.article.era import ArticleEra
from assay.features.article.meanings import MEANINGS
from assay.features.article.names import article_names
from assay.features.article.prose import Prose
from assay.features.article.ratios import ArticleRatios
from assay.features.graph.injection import integer, string
from assay.features.graph.node import Datasource, Feature, Field, Node
from assay.features.graph.record import record
from assay.features.lexicon import Lexicon, Lexicons, shipped
from assay.features.roots import TEXT
from assay.features.text.matching import matcher
from assay.features.wikitext.constructs import WIKICODE
from assay.features.wikitext.wikicode import Wikicode

NAMES_LEXICON: Final = "any.article_names"
WORD_LISTS: Final = ("words_to_watch", "idioms", "informals", "badwords")
"""Last parts of the names of the pattern lexicons whose matches are counted in the readable text."""

TOPICS: Final = "topics"
RATING: Final = "article_rating"
"""Last parts of the names of the lexicons of `assay.features.article.words`."""

_SECOND_VERSION: Final = frozenset(
    {
        *("lead_chars", "longest_section_chars", "median_section_chars", "short_sections"),
        *("blocks", "uncited_blocks", "uncited_share", "longest_uncited_chars", "ref_names"),
        *("links", "distinct_links", "links_per_kchar", "infobox_fields", "infobox_filled"),
        *("ratio.lead_chars", "ratio.longest_section_chars", "ratio.cited_blocks", "ratio.names_per_ref"),
        *("ratio.distinct_link_share", "ratio.filled_field_share"),
    }
)
"""Features whose values changed once since models were first trained."""


def _word_counts(value: Any) -> Counter[str]:
    if not isinstance(value, dict):
        raise ValueError("must be an object of words and how often each occurs")
    return Counter({word: integer(count) for word, count in value.items()})


CONTENT: Final = Datasource(
    "datasource.wikitext.revision.content",
    "The readable text: no templates, references, comments or markup.",
    (WIKICODE,),
    attrgetter("content"),
    from_json=string,
)
WORDS: Final = Datasource(
    "datasource.assay.article.words",
    "How often each word of the readable text occurs.",
    (CONTENT,),
    article_words.words,
    from_json=_word_counts,
)
PROSE: Final = Datasource(
    "datasource.assay.article.prose",
    "How the article reads (`Prose`).",
    (CONTENT,),
    prose.analyse,
    from_json=record(Prose),
)


def _names(prefix: str, paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"feature.assay.article.{prefix}{_last(path)}" for path in paths)


def _features(prefix: str, of: Datasource, paths: Sequence[str]) -> tuple[Feature, ...]:
    return tuple(
        Field(name, MEANINGS[key := prefix + _last(path)], (of,), version=_version(key), field=path)
        for name, path in zip(_names(prefix, paths), paths, strict=True)
    )


def _version(name: str) -> int:
    return 2 if name in _SECOND_VERSION else 1


def _last(path: str) -> str:
    """The groups that a field stands in are no part of its feature's name."""
    return path.rpartition(".")[2]


_PROSE_FEATURES: Final = _features("prose.", PROSE, Prose._fields)


@lru_cache(maxsize=16)
def _structure_nodes(lexicon: Lexicon) -> tuple[Node, ...]:
    """What needs to know what names mean."""
    names = article_names(lexicon)
    neutral_text = Datasource(
        "datasource.assay.article.neutral_text",
        "The text without class-telling templates.",
        (TEXT,),
        partial(article_kinds.neutral, names=names),
        from_json=string,
    )
    structure = Datasource(
        "datasource.assay.article.structure",
        "How the article is built (`ArticleStructure`).",
        (WIKICODE, neutral_text),
        partial(article_structure.analyse, names=names),
        version=2,
        from_json=record(article_structure.ArticleStructure),
    )
    era = Datasource(
        "datasource.assay.article.era",
        "When the article was last tended (`ArticleEra`).",
        (neutral_text,),
        article_era.analyse,
        from_json=record(ArticleEra),
    )
    ratios = Datasource(
        "datasource.assay.article.ratios",
        "Counts for the article's length (`ArticleRatios`).",
        (structure, PROSE),
        article_ratios.analyse,
        version=2,
        from_json=record(ArticleRatios),
    )
    return (
        *(neutral_text, structure, era, ratios),
        *_features("ratio.", ratios, ArticleRatios._fields),
        *_features("", structure, article_structure.FIELDS),
        *_features("era.", era, ArticleEra._fields),
    )


@lru_cache(maxsize=64)
def _matches(lexicon: Lexicon) -> Feature:
    return Feature(
        f"feature.assay.article.{lexicon.name}",
        f"Matches of {lexicon.name} in the readable text.",
        (CONTENT,),
        matcher(lexicon).count,
        type="int",
    )


@lru_cache(maxsize=16)
def _topic_features(lexicon: Lexicon) -> tuple[Feature, ...]:
    def share(topic: frozenset[str]) -> Callable[[Counter[str]], float]:
        return lambda content_words: article_words.topic_share(content_words, topic)

    return tuple(
        Feature(
            f"feature.assay.article.{lexicon.name}.{topic}",
            f"Words of the topic “{topic}” per 1,000.",
            (WORDS,),
            share(topic_words),
        )
        for topic, topic_words in article_words.topics(lexicon).items()
    )


def rating_name(lexicon_name: str) -> str:
    """The name of the feature that a rating lexicon gives."""
    return f"feature.assay.article.{lexicon_name}"


@lru_cache(maxsize=16)
def _rating_feature(lexicon: Lexicon, names_lexicon: Lexicon) -> Feature:
    names, weights = article_names(names_lexicon), article_words.weights(lexicon)

    def rate(content_words: Counter[str], wikicode: Wikicode) -> float:
        return article_words.rating(article_words.terms(content_words, wikicode, names), weights)

    return Feature(
        rating_name(lexicon.name),
        "Sum of the learned weights of the article's words, templates and headings; more is better.",
        (WORDS, WIKICODE),
        rate,
    )


def names_of_features(word_lists: Iterable[str] = (), topics: Iterable[str] = ()) -> tuple[str, ...]:
    """All features of this family by name.

    At the end those of the given word lists (``english.idioms``, …) and of the topic lexicons.
    """
    return (
        *_names("", article_structure.FIELDS),
        *_names("prose.", Prose._fields),
        *_names("era.", ArticleEra._fields),
        *_names("ratio.", ArticleRatios._fields),
        *(f"feature.assay.article.{name}" for name in word_lists),
        *(feature.name for name in topics for feature in _topic_features(shipped(name)[name])),
    )


def family(lexicons: Lexicons) -> Iterable[Node]:
    """The nodes that need no lexicon, and those whose lexicon is there."""
    names = lexicons.get(NAMES_LEXICON)
    yield from (CONTENT, WORDS, PROSE, *_PROSE_FEATURES)
    if names is not None:
        yield from _structure_nodes(names)
    for name, lexicon in lexicons.items():
        kind = name.rpartition(".")[2]
        if kind in WORD_LISTS:
            yield _matches(lexicon)
        elif kind == TOPICS:
            yield from _topic_features(lexicon)
        elif kind == RATING and names is not None:
            yield _rating_feature(lexicon, names)
