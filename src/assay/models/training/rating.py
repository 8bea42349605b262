"""Learns a weight for each word and template from articles with classes, and rates articles out of fold.

Ridge regression of the class's rank on the presence of terms: linear, convex and deterministic. A row must
never be rated by weights that saw its own class, or the trees would trust the rating too much: training
rows are rated by weights learned from the *other* folds. The shipped lexicon is learned from all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import lsmr

from assay.features.lexicon import Lexicon
from assay.models.dataset import Floats, Indices

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
    def of(cls, articles: Iterable[Iterable[str]], least: int = LEAST_ARTICLES) -> Terms:
        """`articles`: each one's distinct terms; read once, one after the other, and not kept."""
        numbers: dict[str, int] = {}
        rows = [_numbered(article, numbers) for article in articles]
        flat = np.concatenate([*rows, np.empty(0, np.int32)])
        ends = np.cumsum([0, *map(len, rows)])
        everything = csr_matrix((np.ones(len(flat)), flat, ends), shape=(len(rows), len(numbers)))
        counts = np.bincount(flat, minlength=len(numbers))
        kept = sorted((term, number) for term, number in numbers.items() if counts[number] >= least)
        present = everything[:, [number for _, number in kept]]
        present.sort_indices()  # sets have no order, but sums of floats depend on theirs
        return cls(tuple(term for term, _ in kept), present)


def _numbered(article: Iterable[str], numbers: dict[str, int]) -> npt.NDArray[np.int32]:
    """The terms' numbers; new terms get the next ones."""
    return np.array([numbers.setdefault(term, len(numbers)) for term in article], dtype=np.int32)


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
