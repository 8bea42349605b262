"""Small edits for the tests of features that describe edits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from assay.features.catalogue import features
from assay.features.graph.node import FeatureValue
from assay.features.graph.plan import Plan
from assay.features.lexicon import Lexicons
from assay.revisions.types import UNKNOWN, Actor, Page, Revision

NOW = datetime(2020, 5, 4, 12, 30, tzinfo=UTC)
EDITOR = Actor("Editor", is_anonymous=False)
VISITOR = Actor("192.0.2.7", is_anonymous=True)


def edit(before: str | None, after: str, comment: str = "", **changes: Any) -> Revision:
    """An edit an hour after its parent; `before` None: a page creation."""
    page = Page("Some page")
    parent = None
    if before is not None:
        parent = Revision(
            1, page, EDITOR, NOW - timedelta(hours=1), "first", before, parent=UNKNOWN, parent_id=None
        )
    revision = Revision(2, page, VISITOR, NOW, comment, after, parent=parent)
    return replace(revision, **changes)


def values(revision: Revision, names: Iterable[str], lexicons: Lexicons | None = None) -> list[FeatureValue]:
    """Values of the features called ``feature.assay.<name>``; fails when the revision has a problem."""
    return values_called([f"feature.assay.{name}" for name in names], revision, lexicons)


def values_called(
    names: Iterable[str], revision: Revision, lexicons: Lexicons | None = None
) -> list[FeatureValue]:
    """The same by whole names."""
    chosen = features([*names], lexicons or Lexicons())
    row = Plan(chosen).run(revision).row(chosen)
    assert isinstance(row, list), row
    return row


def value(revision: Revision, name: str, lexicons: Lexicons | None = None) -> FeatureValue:
    return values(revision, [name], lexicons)[0]
