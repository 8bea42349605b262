"""Models from bundles on disk, the same way in the server and in its scoring processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from assay.models.bundle import load_bundles
from assay.scoring.pool.nursery_handle import Loader
from assay.scoring.wikis import ModelSets


def load_models(paths: Sequence[str], borrowed: Mapping[str, str], *, with_trees: bool = True) -> ModelSets:
    """The bundles at `paths`, sharing equal lexicons. `with_trees`: False where nothing is scored.

    Raises `BundleError` naming all that are refused.
    """
    return ModelSets(load_bundles(map(Path, paths), with_trees=with_trees), borrowed)


def bundle_loader(paths: Sequence[Path], borrowed: Mapping[str, str]) -> Loader:
    """What a `PoolEngine` needs to have its processes load the same."""
    arguments = {"paths": [str(path) for path in paths], "borrowed": dict(borrowed)}
    return Loader(f"{__name__}:load_models", arguments)
