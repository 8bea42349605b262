"""Ratings by words: learned from other folds only, and the same on every run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assay.features.article_names import article_names
from assay.features.articles import NAMES_LEXICON, rating_name
from assay.features.lexicon import shipped
from assay.models.examples import ArticleExamples, Example
from assay.models.rated_articles import RatedArticles
from assay.models.rating import Terms, lexicon_of, out_of_fold
from assay.models.recipe import Split

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


@pytest.fixture
def examples(tmp_path: Path) -> ArticleExamples:
    path = tmp_path / "enwiki.jsonl"
    lines = [
        {
            "n": i + 1,
            "label": "FA" if i % 2 else "Stub",
            "text": f"'''Page {i // 4}''' is {'well' if i % 2 else 'so'}",
        }
        for i in range(200)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return ArticleExamples("enwiki", path, ("FA", "Stub"))


def rated(examples: ArticleExamples) -> RatedArticles:
    names = article_names(shipped(NAMES_LEXICON)[NAMES_LEXICON])
    return RatedArticles(examples, rating_name(NAME), names, Split("folds", by="page"), 1)


def test_every_article_comes_with_its_rating_and_can_be_resumed(examples: ArticleExamples) -> None:
    source = rated(examples)
    rows = [item for item in source.since(0) if isinstance(item, Example)]
    ratings = [row.given[rating_name(NAME)] for row in rows]
    assert len(rows) == source.total == 200
    assert all(value is not None for value in ratings)
    assert [row.given[rating_name(NAME)] for row in source.since(150) if isinstance(row, Example)] == ratings[
        150:
    ]
    good = [value or 0.0 for row, value in zip(rows, ratings, strict=True) if row.columns["label"] == 0]
    bad = [value or 0.0 for row, value in zip(rows, ratings, strict=True) if row.columns["label"] == 1]
    assert min(good) > max(bad)


def test_the_same_articles_give_the_same_lexicon_and_identity(examples: ArticleExamples) -> None:
    first, second = rated(examples), rated(examples)
    assert first.lexicon(NAME).digest == second.lexicon(NAME).digest
    assert first.identity == second.identity != examples.identity


def test_states_of_one_page_go_together(examples: ArticleExamples) -> None:
    pages = [item.columns["page"] for item in examples.since(0) if isinstance(item, Example)]
    assert len(set(pages)) == 50
