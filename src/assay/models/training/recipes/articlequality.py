"""Article quality for the English, French and Russian Wikipedias, learned from articles with classes.

The features are the same for every wiki (`assay.features.article.any_wiki`); only word lists differ. None
sees templates that tell the class. All articles are held out once: what is measured is cross-validated, and
the shipped trees have learned from all.
"""

from __future__ import annotations

from typing import Any, Final

from assay.features.article.any_wiki import NAMES_LEXICON, names_of_features, rating_name
from assay.models.recipe import Recipe, Split
from assay.models.training.recipes import register

_ENGLISH_WORDS: Final = ("english.badwords", "english.idioms", "english.informals", "english.words_to_watch")
_TOPICS: Final = "english.topics"
_RATING: Final = "english.article_rating"
_PARAMS: Final[dict[str, Any]] = {
    "learning_rate": 0.05,
    "num_leaves": 12,
    "min_data_in_leaf": 30,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "path_smooth": 5.0,
    "max_bin": 127,
}
_FEW: Final = {**_PARAMS, "num_leaves": 7, "min_data_in_leaf": 15, "learning_rate": 0.04}
_FORESTS: Final = 3
"""As many as fit: a bundle is smaller than 3 MB, and the English one has 2.7."""
_BALANCED: Final = (
    "Measured on as many articles of each class; on the wiki most articles are of the lowest classes."
)
_OLD: Final = "The articles are as they were before 2018; what a class asks for has changed since."


def _recipe(wiki: str, labels: tuple[str, ...], description: str, **more: Any) -> Recipe:
    return register(
        Recipe(
            wiki=wiki,
            name="articlequality",
            kind="multiclass",
            labels=labels,
            seeds=_FORESTS,
            description=description,
            limits=(_BALANCED, _OLD),
            command=f"assay train {wiki}/articlequality --data ../shared/data --output src/assay/bundles",
            **more,
        )
    )


ENWIKI: Final = _recipe(
    "enwiki",
    ("FA", "GA", "B", "C", "Start", "Stub"),
    "The quality class that English Wikipedia's editors would give the article, from FA (best) to Stub.",
    features=(*names_of_features(_ENGLISH_WORDS, (_TOPICS,)), rating_name(_RATING)),
    lexicons=(NAMES_LEXICON, *_ENGLISH_WORDS, _TOPICS, _RATING),
    params=_PARAMS,
    rounds=200,
    split=Split("folds", folds=10, by="page"),
    inputs="9 000 articles of the English Wikipedia with their classes, 1 500 of each class.",
)
FRWIKI: Final = _recipe(
    "frwiki",
    ("AdQ", "BA", "A", "B", "BD", "E"),
    "The quality class that French Wikipedia's editors would give the article, from AdQ (best) to E (stub).",
    features=names_of_features(),
    lexicons=(NAMES_LEXICON,),
    params=_FEW,
    rounds=150,
    split=Split("folds", folds=10, by="page"),
    inputs="720 articles of the French Wikipedia with their classes, 120 of each class.",
)
RUWIKI: Final = _recipe(
    "ruwiki",
    ("ИС", "ХС", "ДС", "I", "II", "III", "IV"),
    "The quality class that Russian Wikipedia's editors would give the article, from ИС (best) to IV.",
    features=names_of_features(),
    lexicons=(NAMES_LEXICON,),
    params=_FEW,
    rounds=150,
    split=Split("folds", folds=10, by="page"),
    inputs="560 articles of the Russian Wikipedia with their classes, 80 of each class.",
)
