"""Ratings by words: learned from other folds only, and the same on every run."""

from __future__ import annotations

import numpy as np

from assay.models.training.rating import Terms, lexicon_of, out_of_fold

NAME = "english.article_rating"


def articles(count: int) -> tuple[list[set[str]], np.ndarray]:
    """Good articles (rank 0) say "sourced", bad ones "lol"; each has one word of its own, too."""
    found = [{"the", "sourced" if i % 2 == 0 else "lol", f"own{i}"} for i in range(count)]
    return found, np.array([float(i % 2) for i in range(count)])


def test_good_words_weigh_more_than_bad_ones() -> None:
    found, rank = articles(4000)
    lexicon = lexicon_of(NAME, Terms.of(found), rank)
    weights = dict(entry.split("\t") for entry in lexicon.entries)
    assert float(weights["sourced"]) > 0 > float(weights["lol"])
    assert "own7" not in weights


def test_a_row_is_never_rated_by_its_own_class() -> None:
    found, rank = articles(400)
    terms = Terms.of([article | {"odd"} if i == 0 else article for i, article in enumerate(found)], least=1)
    folds = np.arange(len(rank)) % 5
    before = out_of_fold(terms, rank, folds)
    turned = rank.copy()
    turned[folds == 0] = 1 - turned[folds == 0]
    after = out_of_fold(terms, turned, folds)
    assert np.array_equal(before[folds == 0], after[folds == 0])
    assert not np.array_equal(before[folds != 0], after[folds != 0])


def test_terms_in_few_articles_get_no_weight() -> None:
    assert Terms.of([{"a", "b"}, {"a"}], least=2).vocabulary == ("a",)
    assert Terms.of([], least=1).present.shape == (0, 0)


def test_no_terms_give_zero_ratings() -> None:
    terms = Terms.of([set(), set()], least=1)
    assert out_of_fold(terms, np.array([0.0, 1.0]), np.array([0, 1])).tolist() == [0.0, 0.0]
