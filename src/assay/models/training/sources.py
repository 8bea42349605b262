"""Finds a recipe's rows in a folder of data laid out as ``<kind>/<wiki>…``, and extracts them.

===================  =========================================================================
recipe               files under the data folder
===================  =========================================================================
damaging, goodfaith  ``enwiki-damaging/ores_production_scores.csv.xz``
articlequality       ``articlequality/<wiki>.jsonl.xz``
reverted             ``histories/<folder>/revisions.jsonl.xz`` or ``dump.xml.lzma``
===================  =========================================================================

A history's folder is named by its wiki, or begins with the wiki's name and a hyphen. For ``reverted``, files
can also be given one by one, each with its wiki's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from assay.errors import ConfigurationError
from assay.features.article.any_wiki import NAMES_LEXICON, RATING, rating_name
from assay.features.article.names import article_names
from assay.features.graph.node import Feature
from assay.models.dataset import COLUMNS, Dataset, concat
from assay.models.model import ANY_WIKI
from assay.models.recipe import Recipe
from assay.models.training.examples import (
    USER_TYPE,
    ArticleExamples,
    Examples,
    HistoryExamples,
    RecordedExamples,
)
from assay.models.training.extract import extract
from assay.models.training.make import recipe_features, recipe_lexicons
from assay.models.training.rated_articles import RatedArticles
from assay.models.training.train import Progress, silent
from assay.revisions.open import open_indexed

Histories = Mapping[str, Path]
"""Dumps or histories by wiki."""
Data = Path | Histories
"""A folder laid out as above, or histories."""

_PRODUCTION: Final = Path("enwiki-damaging", "ores_production_scores.csv.xz")
_HISTORY_FILES: Final = ("revisions.jsonl.xz", "revisions.jsonl", "dump.xml.lzma", "dump.xml")


def rows_of(recipe: Recipe, data: Data, work: Path, progress: Progress = silent) -> Dataset:
    """All rows that the recipe learns from, features computed; in `work` what is computed on the way is kept,
    for each wiki by itself. Recipes with equal features share files.

    Killed and begun anew, it goes on with the rows that are there. Raises `ConfigurationError` when files
    are missing.
    """
    if recipe.name == "reverted":
        wiki = ANY_WIKI if recipe.helper_weight else recipe.wiki
        files = history_files(wiki, data)
        return concat([_history(recipe, wiki, path, work, progress) for wiki, path in files])
    if isinstance(data, Mapping):
        raise ConfigurationError(f"{recipe.id} is not learned from histories: give a data folder")
    return _extracted(recipe, recipe.wiki, _texts(recipe, data), work, progress)


def history_files(wiki: str, data: Data) -> list[tuple[str, Path]]:
    """Wikis and files of the histories for `wiki`; for ``anywiki`` all there are, by name."""
    known = sorted(data.items()) if isinstance(data, Mapping) else _histories_under(data)
    found = [(name, path) for name, path in known if wiki in (name, ANY_WIKI)]
    if not found:
        there = ", ".join(name for name, _ in known) or "none"
        raise ConfigurationError(
            f"no history of {wiki} is given (there are: {there}): give its file or folder"
        )
    return found


def _histories_under(data: Path) -> list[tuple[str, Path]]:
    found: list[tuple[str, Path]] = []
    for folder in sorted((data / "histories").glob("*")):
        files = [folder / file for file in _HISTORY_FILES if (folder / file).is_file()]
        found.extend((folder.name.partition("-")[0], file) for file in files[:1])
    return found


def _history(recipe: Recipe, wiki: str, path: Path, work: Path, progress: Progress) -> Dataset:
    with closing(open_indexed(path, cache_dir=work / "index")) as source:
        return _extracted(recipe, wiki, HistoryExamples(wiki, source), work, progress)


def _texts(recipe: Recipe, data: Path) -> Examples:
    if recipe.name == "articlequality":
        path = data / "articlequality" / f"{recipe.wiki}.jsonl.xz"
        return _rated(ArticleExamples(recipe.wiki, _existing(path), list(map(str, recipe.labels))), recipe)
    if recipe.name in ("damaging", "goodfaith"):
        path = _existing(data / _PRODUCTION)
        return RecordedExamples(recipe.wiki, path, label=recipe.label, renamed={"user.type": USER_TYPE})
    raise ConfigurationError(
        f"where the rows of {recipe.id} come from is not known: extract them yourself and train from the file"
    )


def _rated(examples: ArticleExamples, recipe: Recipe) -> Examples:
    """With ratings that never saw the article's own class, when the model looks at a rating."""
    ratings = [name for name in recipe.lexicons if name.rpartition(".")[2] == RATING]
    if not ratings:
        return examples
    names = article_names(recipe_lexicons(recipe)[NAMES_LEXICON])
    return RatedArticles(examples, rating_name(ratings[0]), names, recipe.split, recipe.seed)


def _extracted(recipe: Recipe, wiki: str, examples: Examples, work: Path, progress: Progress) -> Dataset:
    features = recipe_features(recipe)
    told = "\n".join([examples.identity, *COLUMNS, *_lexicon_digests(recipe), *map(_versioned, features)])
    target = work / f"{wiki}-{recipe.name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.npz"
    work.mkdir(parents=True, exist_ok=True)
    return extract(examples, features, target, progress=_renamed(progress, f"extracting {wiki}"))


def _renamed(progress: Progress, what: str) -> Callable[[int, int, int], None]:
    return lambda done, total, _rows: progress(done, total, what)


def _lexicon_digests(recipe: Recipe) -> list[str]:
    return [lexicon.digest for lexicon in recipe_lexicons(recipe).values()]


def _versioned(feature: Feature) -> str:
    return f"{feature.name} {feature.version}"


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ConfigurationError(f"{path} does not exist: give the right data folder")
    return path
