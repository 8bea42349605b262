"""One request, one job, one cell: the words that web, engine and cache share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.features.graph.node import FeatureValue
from assay.models.model import Explanation, Score
from assay.revisions.problem import Problem
from assay.revisions.types import Revision

Injection = Mapping[str, Any]
"""Raw JSON values by the full name of a feature or datasource (``feature.…``, ``datasource.…``)."""


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Validated: the wiki and models exist, ids are positive, unique and at most `MAX_REVISIONS`.

    `injection`: by revision id. A request with `features` or `explain` is answered by computing, not
    from the cache. `bulk`: nobody sits and waits for it.
    """

    wiki: str
    rev_ids: tuple[int, ...]
    models: tuple[str, ...]
    injection: Mapping[int, Injection] = field(default_factory=dict)
    features: bool = False
    explain: bool = False
    bulk: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """A good cell. `features`: by name, only when asked for: the model's own, and those told with it
    unless they were not wanted;
    `explanation` likewise, of its own. `is_cached`: found, not computed; the same score either way. `cpu_s`:
    processor seconds of the job that computed it, shared by all its cells; None when it was not computed for
    this request alone."""

    score: Score
    features: Mapping[str, FeatureValue] | None = None
    explanation: Explanation | None = None
    is_cached: bool = field(default=False, compare=False)
    cpu_s: float | None = field(default=None, compare=False)


Cell = Scored | Problem
"""What is said of one revision by one model."""


@dataclass(frozen=True, slots=True)
class Job:
    """All missing models of one revision: the unit of work, so that shared features are computed once.

    `bulk`: whether it gives way to jobs that somebody waits for; the lane, not a part of what is computed.
    `told`: with `features`, also those that are told with a model and that it does not read.
    """

    wiki: str
    models: tuple[str, ...]
    revision: Revision
    injection: Injection = field(default_factory=dict)
    features: bool = False
    explain: bool = False
    bulk: bool = False
    told: bool = True
