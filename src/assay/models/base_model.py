"""A finished model on whose scores another is grown.

A small wiki has a few hundred reverted edits: too few to learn what vandalism looks like (a model from these
alone is worse than `anywiki`, docs/measurements.md), and enough to learn what is peculiar to
the wiki. So its trees begin where the general model's end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import lightgbm
import numpy as np

from assay.errors import BundleError
from assay.models.bundle import load_bundle
from assay.models.dataset import Floats
from assay.models.facts import read_manifest
from assay.models.files import MAX_FILE_BYTES, open_files
from assay.models.manifest import TREES


@dataclass(frozen=True, eq=False)
class Base:
    """`id`: ``wiki/model``. `digest`: of its bundle. `trees`: LightGBM's text. Binary models only."""

    id: str
    digest: str
    features: tuple[str, ...]
    trees: str

    @cached_property
    def _booster(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_str=self.trees)

    def raw(self, x: Floats) -> Floats:
        """Uncalibrated log-odds [n, 1] of rows of `features`."""
        raw = np.asarray(self._booster.predict(x, raw_score=True, num_threads=1), dtype=np.float64)
        return raw.reshape(len(x), -1)


def read_base(path: Path) -> Base:
    """The bundle at `path`, proved as for serving. Raises `BundleError`."""
    model = load_bundle(path)
    if model.labels != (True, False):
        raise BundleError(f"{path} is no model of trees with two outcomes: nothing can be grown on it")
    text = open_files(path).read(TREES, MAX_FILE_BYTES).decode("ascii")
    names = tuple(feature.name for feature in model.features)
    return Base(f"{model.wiki}/{model.name}", read_manifest(path).digest, names, text)
