"""Articles with ratings of their words: whole, resumable, and blind to the article's own class."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assay.features.article.any_wiki import NAMES_LEXICON, rating_name
from assay.features.article.names import article_names
from assay.features.lexicon import shipped
from assay.models.dataset import Dataset
from assay.models.recipe import Split
from assay.models.training.examples import ArticleExamples, Example, Unusable
from assay.models.training.rated_articles import RatedArticles
from assay.models.training.splits import parts

NAME = "english.article_rating"
SPLIT = Split("folds", by="page")


Line = dict[str, object]


def lines() -> list[Line]:
    """Good articles say "well", bad ones "so"; four states of each page."""
    return [
        {
            "n": i + 1,
            "label": "FA" if i % 2 else "Stub",
            "text": f"'''Page {i // 4}''' is {'well' if i % 2 else 'so'}",
        }
        for i in range(200)
    ]


def written(folder: Path, rows: list[Line]) -> ArticleExamples:
    path = folder / "enwiki.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ArticleExamples("enwiki", path, ("FA", "Stub"))


@pytest.fixture
def examples(tmp_path: Path) -> ArticleExamples:
    return written(tmp_path, lines())


def rated(examples: ArticleExamples, seed: int = 1, split: Split = SPLIT, name: str = NAME) -> RatedArticles:
    names = article_names(shipped(NAMES_LEXICON)[NAMES_LEXICON])
    return RatedArticles(examples, rating_name(name), names, split, seed)


def ratings(source: RatedArticles) -> dict[int, object]:
    (feature,) = source.given
    return {
        item.columns["rev_id"]: item.given[feature] for item in source.since(0) if isinstance(item, Example)
    }


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


def test_other_folds_weights_and_names_have_another_identity(examples: ArticleExamples) -> None:
    others = (
        rated(examples, seed=2),
        rated(examples, split=Split("folds", folds=7, by="page")),
        rated(examples, name="french.article_rating"),
    )
    assert len({source.identity for source in (rated(examples), *others)}) == 4


def test_weights_are_learned_from_all_articles(examples: ArticleExamples) -> None:
    weights = dict(entry.split("\t") for entry in rated(examples).lexicon(NAME).entries)
    assert float(weights["well"]) > 0 > float(weights["so"])


def test_no_rating_knows_the_classes_of_what_is_held_out_with_it(tmp_path: Path) -> None:
    """The folds are those that training measures on, else a measured article would have had a part in it."""
    examples = written(tmp_path, lines())
    columns = [item.columns for item in examples.since(0) if isinstance(item, Example)]
    data = Dataset.of((), np.zeros((200, 0)), **{name: [it[name] for it in columns] for name in columns[0]})
    before = ratings(rated(examples))
    for part in parts(data, SPLIT, seed=1)[:2]:
        turned = lines()
        for row in part.held_out.tolist():
            turned[row]["label"] = "Stub" if turned[row]["label"] == "FA" else "FA"
        after = ratings(rated(written(tmp_path, turned)))
        held_out = data["rev_id"][part.held_out].tolist()
        assert [after[n] for n in held_out] == [before[n] for n in held_out]
        assert after != before


def test_what_cannot_be_used_is_passed_on_in_its_place(tmp_path: Path) -> None:
    spoiled = lines()
    spoiled[3] = {"n": 4, "label": "no class", "text": "x"}
    source = rated(written(tmp_path, spoiled))
    items = list(source.since(2))
    assert items[1] == Unusable("bad_line")
    assert [type(item) for item in items].count(Unusable) == 1
    assert source.total == 200


def test_no_articles_have_no_ratings(tmp_path: Path) -> None:
    source = rated(written(tmp_path, []))
    assert list(source.since(0)) == []
    assert list(source.lexicon(NAME).entries) == []


def test_texts_are_read_once_more_and_not_before_they_are_needed(tmp_path: Path) -> None:
    """The English ones have 212 MB."""
    read: list[int] = []

    class Counted(ArticleExamples):
        def since(self, position: int) -> Iterator[Example | Unusable]:
            read.append(position)
            return super().since(position)

    written(tmp_path, lines())
    source = rated(Counted("enwiki", tmp_path / "enwiki.jsonl", ("FA", "Stub")))
    assert (source.total, read) == (200, [])
    list(source.since(150))
    source.lexicon(NAME)
    assert sorted(read) == [0, 150]
