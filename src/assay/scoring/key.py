"""The identity of a score: two scores with equal keys are equal, whoever computed them and when.

ORES's key had the model's version *string* only, so a retrained model with an old version served
stale scores for years, and a canary's scores mixed with stable ones. A model's identity covers trees,
lexicons, the versions of features and of all that they are computed from, and the code itself.
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
    """`model_identity`: see `assay.scoring.identity`. `injection`: see `injection_digest`."""

    wiki: str
    model: str
    model_identity: str
    rev_id: int
    injection: str = ""

    def __str__(self) -> str:
        parts = (self.wiki, self.model, self.model_identity, self.rev_id, self.injection)
        return ":".join(["score", str(KEY_VERSION), *map(str, parts)])


def injection_digest(injection: Injection) -> str:
    """Equal for injections that differ in the order of keys only; empty for an empty one.

    1 and 1.0 differ: costs one more computation, never a wrong answer.
    """
    if not injection:
        return ""
    return hashlib.sha256(orjson.dumps(dict(injection), option=orjson.OPT_SORT_KEYS)).hexdigest()
