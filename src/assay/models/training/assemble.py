"""Puts a bundle's files together, the same bytes for the same model: no time, no path, no host in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

import orjson

from assay.features.edit.revid import DELAY, REVERSED_DIGITS
from assay.features.graph.node import Feature
from assay.features.lexicon import Lexicons
from assay.models.bundle import feature_entry, file_entries, lexicon_file, packed_lexicon
from assay.models.calibrate import Calibration
from assay.models.manifest import MANIFEST, SCHEMA_VERSION, STATISTICS, TREES, Manifest, score_schema, sealed
from assay.models.model import Label

_LIBRARIES: Final = ("assay", "lightgbm", "numpy", "scipy")
REVID_DESCRIPTION: Final = (
    "A test model: the last two digits of the revision id, reversed, over 100. It says nothing of the edit."
)


@dataclass(frozen=True)
class Parts:
    """All that a bundle is made of. `trees`: None for the test model."""

    wiki: str
    model: str
    version: str
    kind: str
    labels: Sequence[Label]
    features: Sequence[Feature]
    description: str
    statistics: Mapping[str, Any]
    calibration: Calibration
    trees: str | None = None
    lexicons: Lexicons = field(default_factory=Lexicons)
    needs_parent: bool = False
    population_rates: Mapping[str, float] | None = None
    training: Mapping[str, Any] = field(default_factory=dict)


def assemble(parts: Parts, cards: Mapping[str, str] | None = None) -> tuple[Manifest, dict[str, bytes]]:
    """The sealed manifest and every file of the bundle by name. `cards`: texts of card.md and card.html."""
    contents = {STATISTICS: _json(parts.statistics)}
    if parts.trees is not None:
        contents[TREES] = parts.trees.encode("ascii")
    contents |= {lexicon_file(lexicon): packed_lexicon(lexicon) for lexicon in parts.lexicons.values()}
    card_contents = {name: text.encode() for name, text in (cards or {}).items()}
    manifest = sealed(
        {
            **_described(parts),
            "libraries": {name: version(name) for name in _LIBRARIES},
            "files": file_entries(contents),
            "cards": file_entries(card_contents),
        }
    )
    return manifest, {MANIFEST: manifest.to_bytes(), **contents, **card_contents}


def revid_parts() -> Parts:
    """The deterministic test model (see `assay.models.revid`), under the version that ORES's own checks of a
    running server compare."""
    return Parts(
        wiki="testwiki",
        model="revid",
        version="0.0.0",
        kind="revid",
        labels=(True, False),
        features=(REVERSED_DIGITS, DELAY),
        description=REVID_DESCRIPTION,
        statistics={},
        calibration=Calibration.identity(1),
    )


def _described(parts: Parts) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "wiki": parts.wiki,
        "model": parts.model,
        "version": parts.version,
        "kind": parts.kind,
        "labels": list(parts.labels),
        "features": [feature_entry(feature) for feature in parts.features],
        "lexicons": [
            {"name": lexicon.name, "digest": lexicon.digest, "file": lexicon_file(lexicon)}
            for lexicon in parts.lexicons.values()
        ],
        "needs_parent": parts.needs_parent,
        "calibration": {"scale": parts.calibration.scale, "bias": list(parts.calibration.bias)},
        "population_rates": dict(parts.population_rates) if parts.population_rates else None,
        "description": parts.description,
        "score_schema": score_schema(parts.model, list(parts.labels), parts.description),
        "training": dict(parts.training),
    }


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
