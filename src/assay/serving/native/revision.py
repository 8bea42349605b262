"""A revision as JSON: who, when, where and with what words; its text is told by the diff alone."""

from __future__ import annotations

from typing import Any

from assay.revisions.problem import Problem
from assay.revisions.types import UNKNOWN, UNSAVED, Actor, Revision
from assay.serving.cells import error_document


def revision_document(revision: Revision) -> dict[str, Any]:
    """``REVISION`` of the contract in `assay.serving.native.api`."""
    actor, page, timestamp = revision.actor, revision.page, plain(revision.timestamp)
    hidden = (revision.actor, revision.comment, revision.text, revision.parent)
    return {
        "id": None if revision.id == UNSAVED else revision.id,
        "parent_id": plain(revision.parent_id),
        "page": {"title": page.title, "namespace": plain(page.namespace)},
        "actor": {"name": plain(actor.name), "is_anonymous": actor.is_anonymous}
        if isinstance(actor, Actor)
        else None,
        "timestamp": timestamp and timestamp.isoformat().replace("+00:00", "Z"),
        "comment": plain(revision.comment),
        "size_bytes": plain(revision.size_bytes),
        "size_change_bytes": size_change_bytes(revision),
        "is_minor": plain(revision.is_minor),
        "is_creation": revision.parent is None,
        "problems": [error_document(value) for value in hidden if isinstance(value, Problem)],
    }


def size_change_bytes(revision: Revision) -> int | None:
    """Bytes of wikitext that the edit added, less those that it removed; a new page's are all its own.
    None where one of the two sizes is not told."""
    after = plain(revision.size_bytes)
    if revision.parent is None:
        return int(after) if after is not None else None
    before = plain(revision.parent.size_bytes) if isinstance(revision.parent, Revision) else None
    return None if after is None or before is None else int(after) - int(before)


def plain(value: Any) -> Any:
    """None for what is hidden or not told."""
    return None if value is UNKNOWN or isinstance(value, Problem) else value
