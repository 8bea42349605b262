"""Articles to learn from, each with a rating of its words that never saw the article's own class.

See `assay.models.training.rating`. The folds are those of the recipe's split, so that nothing held out has
had a part in the ratings of its own fold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from assay.features.article.names import ArticleNames
from assay.features.article.words import terms, words
from assay.features.lexicon import Lexicon
from assay.features.wikitext.wikicode import read
from assay.models.dataset import Dataset, Floats, Indices
from assay.models.recipe import Split
from assay.models.training.examples import ArticleExamples, Example, Unusable
from assay.models.training.rating import (
    DAMPING,
    LEAST_ARTICLES,
    Terms,
    lexicon_of,
    out_of_fold,
)
from assay.models.training.splits import by_folds


@dataclass(frozen=True, slots=True)
class _Read:
    """What ratings are learned from. `ids`: as in the examples; `rank`: 0 is the best class."""

    ids: list[int]
    rank: Floats
    wikis: list[str]
    pages: list[str]
    terms: Terms


class RatedArticles:
    """`ArticleExamples` that give the rating under `feature`.

    The texts are read once more, when the first example is asked for.
    """

    def __init__(
        self, examples: ArticleExamples, feature: str, names: ArticleNames, split: Split, seed: int
    ) -> None:
        self._examples, self._feature, self._names = examples, feature, names
        self._split, self._seed = split, seed
        self.total = examples.total
        self.given = frozenset({feature})
        told = f"{examples.identity} {feature} {split} {seed} {DAMPING} {LEAST_ARTICLES}"
        self.identity = hashlib.sha256(told.encode()).hexdigest()

    def since(self, position: int) -> Iterator[Example | Unusable]:
        for item in self._examples.since(position):
            if isinstance(item, Unusable):
                yield item
            else:
                yield replace(item, given={self._feature: self._ratings[item.columns["rev_id"]]})

    def lexicon(self, name: str) -> Lexicon:
        """The weights learned from all articles."""
        return lexicon_of(name, self._read.terms, self._read.rank)

    @cached_property
    def _ratings(self) -> Mapping[int, float]:
        found = self._read
        rated = out_of_fold(found.terms, found.rank, self._folds(found))
        return dict(zip(found.ids, rated.tolist(), strict=True))

    def _folds(self, found: _Read) -> Indices:
        data = Dataset.of((), np.zeros((len(found.ids), 0)), page=found.pages, wiki=found.wikis)
        folds = np.zeros(len(found.ids), dtype=np.int64)
        for number, part in enumerate(by_folds(data, self._split.folds, self._split.by, self._seed)):
            folds[part.held_out] = number
        return folds

    @cached_property
    def _read(self) -> _Read:
        columns: list[Mapping[str, Any]] = []
        found = Terms.of(self._terms_of(columns))
        return _Read(
            [int(it["rev_id"]) for it in columns],
            np.array([float(it["label"]) for it in columns], dtype=np.float64),
            [str(it["wiki"]) for it in columns],
            [str(it["page"]) for it in columns],
            found,
        )

    def _terms_of(self, columns: list[Mapping[str, Any]]) -> Iterator[set[str]]:
        """Each usable article's terms; what else is known of it is put into `columns` on the way."""
        for item in self._examples.since(0):
            if isinstance(item, Example) and isinstance(item.revision.text, str):
                columns.append(item.columns)
                wikicode = read(item.revision.text)
                yield terms(words(wikicode.content), wikicode, self._names)
