"""The models of the bundles that were chosen."""

from __future__ import annotations

from assay.compose.bundles import Choice
from assay.scoring.pool.loading import load_models
from assay.scoring.wikis import ModelSets


def load_chosen(choice: Choice, *, with_trees: bool) -> ModelSets:
    """`with_trees`: False where nothing is scored. Raises `BundleError` naming all that are refused."""
    return load_models([str(path) for path in choice.paths], choice.borrowed, with_trees=with_trees)
