"""What an article is about and how rich its words are, by the words and templates that occur in it.

*Topics*: the share of each topic's words (lexicon ``<language>.topics``: topic, tab, word). What a good
article looks like differs between a battle, an album and a beetle.

*Rating*: the sum of a weight for each distinct word, template and heading of the article (lexicon
``<language>.article_rating``, learned by `assay.models.training.rating` from articles with classes).
Templates that tell the class have no part in it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from assay.errors import ConfigurationError
from assay.features.article.names import ArticleNames, normalised, normalised_template
from assay.features.lexicon import Lexicon
from assay.features.wikitext.wikicode import Wikicode

_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_TEMPLATE: Final = "{{"
_HEADING: Final = "=="
_LEAST_WORDS: Final = 50
_MAX_TERM_CHARS: Final = 60


def words(content: str) -> Counter[str]:
    """How often each word of a readable text occurs, in lower case; single letters and digits are none."""
    return Counter(_WORD.findall(content.lower()))


def terms(content_words: Iterable[str], wikicode: Wikicode, names: ArticleNames) -> set[str]:
    """What the rating looks at: words, ``{{template`` and ``==heading``; at most 60 characters each."""
    found = {word for word in content_words if len(word) <= _MAX_TERM_CHARS}
    for name in map(normalised_template, wikicode.template_names):
        if len(name) <= _MAX_TERM_CHARS and "class" not in names.of(name):
            found.add(_TEMPLATE + name)
    for _, title in wikicode.heading_titles:
        if len(title) <= _MAX_TERM_CHARS:
            found.add(_HEADING + normalised(title))
    return found


@lru_cache(maxsize=16)
def topics(lexicon: Lexicon) -> Mapping[str, frozenset[str]]:
    """Words by topic. Raises `ConfigurationError` naming a line that is no topic, tab and word."""
    found: dict[str, set[str]] = defaultdict(set)
    for entry in lexicon.entries:
        topic, _, word = entry.partition("\t")
        if not (topic and word):
            raise ConfigurationError(f"lexicon {lexicon.name}: {entry!r} is not a topic, a tab and a word")
        found[topic].add(word)
    return {topic: frozenset(some) for topic, some in sorted(found.items())}


def topic_share(content_words: Counter[str], topic: frozenset[str]) -> float:
    """The topic's words per thousand; short texts count as fifty words more than they have."""
    return 1000 * sum(content_words[word] for word in topic) / (content_words.total() + _LEAST_WORDS)


@lru_cache(maxsize=16)
def weights(lexicon: Lexicon) -> Mapping[str, float]:
    """Weights by term. Raises `ConfigurationError` naming a line that is no term, tab and number."""
    found: dict[str, float] = {}
    for entry in lexicon.entries:
        term, _, number = entry.rpartition("\t")
        try:
            found[term] = float(number)
        except ValueError:
            term = ""
        if not term:
            raise ConfigurationError(f"lexicon {lexicon.name}: {entry!r} is not a term, a tab and a number")
    return found


def rating(found: Iterable[str], weighed: Mapping[str, float]) -> float:
    """The sum of the weights, to four digits, so that the order of adding up cannot show; never -0.0."""
    return round(sum(weighed.get(term, 0.0) for term in found), 4) + 0.0
