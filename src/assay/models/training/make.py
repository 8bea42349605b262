"""A bundle in one go: rows and a recipe in, proved files out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from assay.features.catalogue import features
from assay.features.graph.node import Feature
from assay.features.lexicon import Lexicons, shipped
from assay.models.base_model import Base
from assay.models.cards.card import card_html, card_markdown
from assay.models.dataset import Dataset
from assay.models.files import write_directory, write_zip
from assay.models.forest import Forest
from assay.models.manifest import Manifest
from assay.models.recipe import Recipe
from assay.models.training.assemble import Parts, assemble, revid_parts
from assay.models.training.evaluate import importances, measured
from assay.models.training.train import Progress, Trained, silent, train
from assay.models.trees import TreeModel


def recipe_lexicons(recipe: Recipe) -> Lexicons:
    """The shipped word lists that the recipe names. Raises `ConfigurationError` for unknown ones."""
    return shipped(*recipe.lexicons)


def recipe_features(recipe: Recipe) -> tuple[Feature, ...]:
    """The catalogue's features that the recipe names. Raises `GraphError` naming what does not exist."""
    return features(recipe.features, recipe_lexicons(recipe))


def make_bundle(
    dataset: Dataset,
    recipe: Recipe,
    path: Path,
    progress: Progress = silent,
    base: Base | None = None,
) -> tuple[Manifest, dict[str, Any]]:
    """Train, measure and write the bundle at `path` (a directory, or a zip by its ending).

    `base`: what the recipe's `grown_on` names. The same rows, recipe and base give the same bytes. Gives the
    manifest and the statistics. Raises `ConfigurationError` when rows do not fit the recipe.
    """
    trained = train(dataset, recipe, progress, base)
    statistics = measured(trained)
    manifest, contents = bundle_files(trained, statistics)
    path.parent.mkdir(parents=True, exist_ok=True)
    (write_zip if path.suffix == ".zip" else write_directory)(path, contents)
    return manifest, statistics


def make_test_bundle(path: Path) -> Manifest:
    """Write the legacy's deterministic test model, which nothing is learned for, with its card."""
    parts = revid_parts()
    sealed, _ = assemble(parts)
    manifest, contents = assemble(parts, _cards(sealed, parts.statistics))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_directory(path, contents)
    return manifest


def bundle_files(trained: Trained, statistics: dict[str, Any]) -> tuple[Manifest, dict[str, bytes]]:
    """Every file of the bundle, cards included. Adds the features' importances to `statistics`."""
    columns = recipe_features(trained.recipe)
    statistics["assay"]["importance"] = importances(_model(trained, columns), trained.data.x)
    parts = _parts(trained, columns, statistics)
    sealed, _ = assemble(parts)
    return assemble(parts, _cards(sealed, statistics))


def _cards(manifest: Manifest, statistics: Mapping[str, Any]) -> dict[str, str]:
    return {"card.md": card_markdown(manifest, statistics), "card.html": card_html(manifest, statistics)}


def _parts(trained: Trained, columns: tuple[Feature, ...], statistics: Mapping[str, Any]) -> Parts:
    recipe = trained.recipe
    return Parts(
        wiki=recipe.wiki,
        model=recipe.name,
        version=recipe.version,
        kind=recipe.kind,
        labels=recipe.labels,
        features=columns,
        description=recipe.description,
        statistics=statistics,
        calibration=trained.calibration,
        trees=trained.trees,
        lexicons=recipe_lexicons(recipe),
        needs_parent=recipe.needs_parent,
        population_rates=recipe.population_rates,
        training=_training(trained),
    )


def _training(trained: Trained) -> dict[str, Any]:
    data = trained.data
    wikis, counts = np.unique(data["wiki"], return_counts=True)
    return {
        "recipe": trained.recipe.to_json(),
        "recipe_digest": trained.recipe.digest,
        "data_digest": data.digest,
        "rows": len(data),
        "rows_learned": len(trained.train_rows),
        "rows_by_wiki": dict(zip(wikis.tolist(), counts.tolist(), strict=True)),
        "rounds": trained.rounds,
        "seed": trained.recipe.seed,
        "command": trained.recipe.command,
    }


def _model(trained: Trained, columns: tuple[Feature, ...]) -> TreeModel:
    recipe = trained.recipe
    return TreeModel(
        wiki=recipe.wiki,
        name=recipe.name,
        version=recipe.version,
        digest="",
        labels=recipe.labels,
        features=columns,
        needs_parent=recipe.needs_parent,
        forest=Forest(trained.trees, len(columns), len(trained.calibration.bias)),
        calibration=trained.calibration,
    )
