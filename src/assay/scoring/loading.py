"""Models from bundles on disk, the same way in the server and in its scoring processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from assay.features.lexicon import Lexicon
from assay.models.bundle import load_bundle
from assay.scoring.pool import Loader
from assay.scoring.wikis import ModelSets


def load_models(paths: Sequence[str], borrowed: Mapping[str, str]) -> ModelSets:
    """The bundles at `paths`, sharing equal lexicons. Raises `BundleError` for the first that is refused."""
    pool: dict[str, Lexicon] = {}
    return ModelSets([load_bundle(Path(path), pool) for path in paths], borrowed)


def bundle_loader(paths: Sequence[Path], borrowed: Mapping[str, str]) -> Loader:
    """What a `PoolEngine` needs to have its processes load the same."""
    arguments = {"paths": [str(path) for path in paths], "borrowed": dict(borrowed)}
    return Loader(f"{__name__}:load_models", arguments)
