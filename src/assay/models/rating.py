"""Learns a weight for each word and template from articles with classes, and rates articles out of fold.

Ridge regression of the class's rank on the presence of terms: linear, convex and deterministic. A row must
never be rated by weights that saw its own class, or the trees would trust the rating too much: training
rows are rated by weights learned from the *other* folds. The shipped lexicon is learned from all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import lsmr

from assay.features.lexicon import Lexicon

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

FOLDS: Final = 10
LEAST_ARTICLES: Final = 20
"""A term must occur in so many articles to get a weight."""
DAMPING: Final = 30.0
"""Of the ridge: weights cost their square times its square. 20, 30 and 100 were tried; 30 ranks best."""
_ITERATIONS: Final = 60
_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Terms:
    """Which of the `vocabulary` (sorted) occurs in which article: a sparse matrix of ones [n, terms]."""

    vocabulary: tuple[str, ...]
    present: Any

    @classmethod
    def of(cls, articles: Sequence[Iterable[str]], least: int = LEAST_ARTICLES) -> Terms:
        """`articles`: each one's distinct terms."""
        counts = Counter(term for article in articles for term in article)
        vocabulary = tuple(sorted(term for term, count in counts.items() if count >= least))
        index = {term: i for i, term in enumerate(vocabulary)}
        columns = [sorted(index[term] for term in article if term in index) for article in articles]
        ends = np.cumsum([0, *map(len, columns)])
        flat = np.array([column for some in columns for column in some], dtype=np.int64)
        shape = (len(columns), len(vocabulary))
        return cls(vocabulary, csr_matrix((np.ones(len(flat)), flat, ends), shape=shape))


def weights_of(present: Any, rank: Floats) -> Floats:
    """Ridge weights [terms] that tell `rank` (0 is best), turned so that more is better."""
    if present.shape[1] == 0:
        return np.zeros(0)
    solved = lsmr(present, rank.mean() - rank, damp=DAMPING, maxiter=_ITERATIONS)[0]
    weights: Floats = np.asarray(solved, dtype=np.float64).round(_DIGITS)
    return weights


def out_of_fold(terms: Terms, rank: Floats, folds: Indices) -> Floats:
    """Each article's rating by weights learned from the articles of the other folds."""
    ratings: Floats = np.zeros(len(rank), dtype=np.float64)
    for fold in np.unique(folds):
        held = folds == fold
        ratings[held] = terms.present[held] @ weights_of(terms.present[~held], rank[~held])
    return ratings.round(_DIGITS)


def lexicon_of(name: str, terms: Terms, rank: Floats) -> Lexicon:
    """The weights learned from all articles, without those that are zero."""
    learned = weights_of(terms.present, rank)
    told = zip(terms.vocabulary, learned, strict=True)
    return Lexicon.of(name, (f"{term}\t{weight:.{_DIGITS}f}" for term, weight in told if weight))
