"""Small models for tests: real LightGBM trees on made-up rows, with features made for the purpose."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from assay.features.catalogue import features
from assay.features.lexicon import Lexicons
from assay.models.calibrate import Calibration
from assay.models.dataset import Dataset
from assay.models.files import write_directory
from assay.models.manifest import Manifest
from assay.models.recipe import Recipe, Split
from assay.models.training.assemble import Parts, assemble
from assay.models.training.train import Trained, train

COLUMNS = ("feature.revision.reversed_last_two_in_rev_id", "feature.delay")
"""Two features that every Assay has."""


def rows(n: int = 600, classes: int = 2, seed: int = 5) -> Dataset:
    """Two informative columns with missing values, pages, actors and times."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    signal = x[:, 0] * 2 + np.abs(x[:, 1]) + rng.normal(size=n) * 0.7
    cuts = np.quantile(signal, np.linspace(0, 1, classes + 1)[1:-1])
    label = np.searchsorted(cuts, signal)
    x[rng.random(x.shape) < 0.05] = np.nan
    return Dataset.of(
        COLUMNS,
        x,
        label=label,
        rev_id=np.arange(1, n + 1),
        wiki=["testwiki"] * n,
        page=[f"page {i % 37}" for i in range(n)],
        actor=[f"user {i % 53}" for i in range(n)],
        timestamp=np.arange(n) * 60,
        group=rng.integers(0, 3, n),
    )


def recipe(classes: int = 2, **changes: Any) -> Recipe:
    values: dict[str, Any] = {
        "wiki": "testwiki",
        "name": "reverted",
        "kind": "binary",
        "labels": (True, False),
        "features": COLUMNS,
        "description": "A model for tests.",
        "rounds": 12,
        "params": {"num_leaves": 7, "learning_rate": 0.2, "min_data_in_leaf": 5},
        "split": Split("folds", folds=3, by="page"),
    }
    if classes > 2:
        values |= {"kind": "multiclass", "labels": tuple("ABCDEF"[:classes]), "name": "articlequality"}
    return Recipe(**{**values, **changes})


@lru_cache
def trained(classes: int = 2) -> Trained:
    return train(rows(classes=classes), recipe(classes))


def parts(classes: int = 2, **changes: Any) -> Parts:
    made = trained(classes)
    values: dict[str, Any] = {
        "wiki": made.recipe.wiki,
        "model": made.recipe.name,
        "version": "1.0.0",
        "kind": made.recipe.kind,
        "labels": made.recipe.labels,
        "features": features(COLUMNS, Lexicons()),
        "description": made.recipe.description,
        "statistics": {"counts": {"n": 1}},
        "calibration": made.calibration,
        "trees": made.trees,
    }
    return Parts(**{**values, **changes})


def bundle(folder: Path, classes: int = 2, **changes: Any) -> tuple[Path, Manifest]:
    """A bundle written to ``folder/<wiki>/<model>``."""
    manifest, contents = assemble(parts(classes, **changes), {"card.md": "# A card\n"})
    path = folder / manifest.wiki / manifest.model
    path.parent.mkdir(parents=True, exist_ok=True)
    write_directory(path, contents)
    return path, manifest


IDENTITY = Calibration.identity(1)


def contents(path: Path) -> dict[str, bytes]:
    """Of all files under `path`, by their places in it."""
    return {f.relative_to(path).as_posix(): f.read_bytes() for f in path.rglob("*") if f.is_file()}
