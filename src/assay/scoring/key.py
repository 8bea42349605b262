"""The identity of a score: two scores with equal keys are equal, whoever computed them and when.

ORES's key had the model's version *string* only, so a retrained model with an old version served
stale scores for years, and a canary's scores mixed with stable ones. The bundle's digest covers trees,
feature list, feature versions and lexicons.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import orjson

from assay.scoring.request import Injection

KEY_VERSION: Final = 1
"""Raised when the encoding of cached scores changes, so that old entries are never read."""


@dataclass(frozen=True, slots=True)
class ScoreKey:
    """`bundle`: the bundle's digest. `injection`: see `injection_digest`, empty when nothing is injected."""

    wiki: str
    model: str
    bundle: str
    rev_id: int
    injection: str = ""

    def __str__(self) -> str:
        return f"score:{KEY_VERSION}:{self.wiki}:{self.model}:{self.bundle}:{self.rev_id}:{self.injection}"


def injection_digest(injection: Injection) -> str:
    """Equal for injections that differ in the order of keys only; empty for an empty one.

    1 and 1.0 differ: costs one more computation, never a wrong answer.
    """
    if not injection:
        return ""
    return hashlib.sha256(orjson.dumps(dict(injection), option=orjson.OPT_SORT_KEYS)).hexdigest()
