"""Scores of the 300 oracle edits twice: from our own feature values, and from the legacy's."""

from __future__ import annotations

import lzma
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from assay.features.graph.node import FeatureValue
from assay.features.graph.plan import Plan
from assay.models.bundle import load_bundle
from assay.models.library import shipped_folder
from assay.models.model import Model
from assay.models.training.examples import IS_ANONYMOUS, USER_TYPE
from assay.revisions.open import open_indexed
from assay.revisions.problem import Problem
from assay.revisions.types import Actor, Revision
from shared_data import shared

MODELS = ("damaging", "goodfaith")


def scored_twice(cache_dir: Path) -> dict[str, list[tuple[float, float]]]:
    """(from our values, from the legacy's) for each edit, by model. `cache_dir`: for indexes of histories."""
    models = [load_bundle(shipped_folder() / "enwiki" / name) for name in MODELS]
    with lzma.open(shared("data/oracle/editquality_enwiki_damaging.jsonl.xz")) as lines:
        recorded = [orjson.loads(line) for line in lines]
    by_wiki: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in recorded:
        by_wiki[row["wiki"]].append(row)
    columns = models[0].features
    assert columns == models[1].features
    own_plan = Plan(columns)
    legacy_plan = Plan(
        columns, frozenset(legacy_values(recorded[0])) & {node.name for node in own_plan.nodes}
    )
    pairs: dict[str, list[tuple[float, float]]] = {model.name: [] for model in models}
    for wiki, rows in by_wiki.items():
        source = open_indexed(shared(f"data/histories/{wiki}/revisions.jsonl.xz"), cache_dir=cache_dir)
        for row in rows:
            revision = source.get(row["rev_id"])
            assert isinstance(revision, Revision)
            own = own_plan.run(as_the_oracle_saw_it(revision)).row(columns)
            legacy = legacy_plan.run(revision, legacy_values(row)).row(columns)
            for model in models:
                pairs[model.name].append((chance(model, own), chance(model, legacy)))
        source.close()
    return pairs


def as_the_oracle_saw_it(revision: Revision) -> Revision:
    """Every registered author as registered in 2004 and autoconfirmed, every page an article."""
    assert isinstance(revision.actor, Actor)
    actor = replace(
        revision.actor,
        groups=frozenset({"*"} if revision.actor.is_anonymous else {"*", "user", "autoconfirmed"}),
        registered_at=None if revision.actor.is_anonymous else datetime(2004, 1, 1, tzinfo=UTC),
        id=None if revision.actor.is_anonymous else 1,
    )
    return replace(revision, actor=actor, page=replace(revision.page, namespace=0))


def legacy_values(row: Mapping[str, Any]) -> Mapping[str, FeatureValue]:
    """The recorded features, with the kind of user that they imply."""
    base = row["base_features"]
    return {**base, USER_TYPE: 0 if base[IS_ANONYMOUS] else 2}


def chance(model: Model, row: list[FeatureValue] | Problem) -> float:
    assert isinstance(row, list)
    return model.score(row).probability[True]
