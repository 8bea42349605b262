"""Build ``english.article_rating.txt.gz``: what each word and template says of an article's quality.

    python tools/build_article_rating.py --data ../shared/data

Learned by `assay.models.training.rating` from all articles of the English Wikipedia with their classes. The
trees of enwiki/articlequality learn from ratings that never saw the article's own class, computed anew at
training; the lexicon serves when articles are scored. The same data give the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

from assay.features.article.any_wiki import NAMES_LEXICON, rating_name
from assay.features.article.names import article_names
from assay.features.lexicon import shipped
from assay.models.recipe import Split
from assay.models.training.examples import ArticleExamples
from assay.models.training.rated_articles import RatedArticles

NAME = "english.article_rating"
LABELS = ("FA", "GA", "B", "C", "Start", "Stub")
TARGET = Path(__file__).parent.parent / f"src/assay/features/lexicons/{NAME}.txt.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="the data folder")
    parser.add_argument("--output", type=Path, default=TARGET)
    arguments = parser.parse_args()
    examples = ArticleExamples("enwiki", arguments.data / "articlequality/enwiki.jsonl.xz", LABELS)
    names = article_names(shipped(NAMES_LEXICON)[NAMES_LEXICON])
    rated = RatedArticles(examples, rating_name(NAME), names, Split("folds", by="page"), 0)
    header = "# Learned from articles with classes by tools/build_article_rating.py: term, tab, weight.\n"
    text = header + rated.lexicon(NAME).lines
    arguments.output.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
