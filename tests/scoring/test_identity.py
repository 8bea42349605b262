"""A score's identity changes with everything that can change the score."""

from __future__ import annotations

from dataclasses import replace

from assay.features.graph.node import Feature
from assay.scoring.identity import identity
from small_models import IS_LONG, TEXT_CHARS, LinearModel

MODEL = LinearModel("smallwiki", "damaging", (IS_LONG,))


def test_equal_models_have_one_identity() -> None:
    assert identity(MODEL) == identity(replace(MODEL))


def test_another_bundle_is_another_model() -> None:
    assert identity(MODEL) != identity(replace(MODEL, weight=0.5))


def test_the_version_of_what_a_feature_is_computed_from_counts() -> None:
    newer = replace(TEXT_CHARS, version=TEXT_CHARS.version + 1)
    over = Feature(IS_LONG.name, IS_LONG.doc, (newer,), IS_LONG.compute, type="bool")
    assert over.version == IS_LONG.version
    assert identity(MODEL) != identity(replace(MODEL, features=(over,)))
