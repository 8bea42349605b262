"""All nodes by name for a given set of lexicons: the one place where a family of features registers.

To add a feature: write it in its family's module, give it a name, a doc and tests; bundles name what
they use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from assay.errors import GraphError
from assay.features import roots
from assay.features.article import any_wiki as articles
from assay.features.article import enwiki as enwiki_articles
from assay.features.edit import (
    actor,
    added_text,
    comment,
    comment_shape,
    derived,
    longest,
    markup,
    naming,
    page,
    past,
    region,
    revid,
    rhythm,
    temporal,
    vocabulary,
)
from assay.features.graph.node import Feature, Node, Root
from assay.features.lexicon import Lexicons
from assay.features.text import diff, stems, tokens, word_changes
from assay.features.wikitext import constructs as wikitext

Family = Callable[[Lexicons], Iterable[Node]]
"""Gives a module's public nodes. Equal lexicons must give the *same* objects, so that models share work."""


def _roots(_: Lexicons) -> Iterable[Node]:
    return (value for value in vars(roots).values() if isinstance(value, Root))


FAMILIES: tuple[Family, ...] = (
    _roots,
    revid.family,
    derived.family,
    wikitext.family,
    tokens.family,
    diff.family,
    longest.family,
    word_changes.family,
    actor.family,
    temporal.family,
    comment.family,
    page.family,
    region.family,
    added_text.family,
    markup.family,
    comment_shape.family,
    rhythm.family,
    past.family,
    naming.family,
    vocabulary.family,
    enwiki_articles.family,
    articles.family,
    stems.family,
)


@lru_cache(maxsize=64)
def catalogue(lexicons: Lexicons) -> Mapping[str, Node]:
    """Every node that can be had with `lexicons`, by name. Raises `GraphError` when two share a name."""
    nodes: dict[str, Node] = {}
    for family in FAMILIES:
        for node in family(lexicons):
            if nodes.setdefault(node.name, node) is not node:
                raise GraphError(f"two nodes are called {node.name}")
    return MappingProxyType(nodes)


def features(names: Iterable[str], lexicons: Lexicons) -> tuple[Feature, ...]:
    """The named features in order. Raises `GraphError` naming what does not exist or is no feature."""
    nodes = catalogue(lexicons)
    found = [(name, nodes.get(name)) for name in names]
    if missing := [name for name, node in found if not isinstance(node, Feature)]:
        raise GraphError(f"no such feature with these lexicons: {', '.join(missing)}")
    return tuple(node for _, node in found if isinstance(node, Feature))
