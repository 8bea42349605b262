"""What makes a model's scores what they are: its bundle, and the code beneath its features."""

from __future__ import annotations

import hashlib
from functools import cache

from assay.features.graph.node import Feature
from assay.features.graph.plan import Plan
from assay.models.model import Model
from assay.scoring.code_digest import own_code_digest


def identity(model: Model) -> str:
    """Equal for two loaded models only if they give equal scores.

    The bundle's digest covers trees, word lists and the versions of the model's *features*. A feature is
    computed from datasources, which have versions of their own; they are added here, and so is the code
    itself (`assay.scoring.code_digest`), because a version can be forgotten.
    """
    return _identity(model.digest, model.features)


@cache
def _identity(digest: str, features: tuple[Feature, ...]) -> str:
    nodes = sorted(f"{node.name}@{node.version}" for node in Plan(features).nodes)
    return hashlib.sha256("\n".join([digest, own_code_digest(), *nodes]).encode()).hexdigest()
