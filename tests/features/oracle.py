"""The 300 real edits whose feature values the legacy recorded, as revisions.

Their actor is the one that the oracle assumed: registered on 2004-01-01, confirmed, without rights.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from assay.revisions.types import Actor, Page, Revision
from shared_data import shared

REGISTERED_AT = datetime(2004, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """One edit, with the legacy's values by feature name."""

    wiki: str
    revision: Revision
    expected: dict[str, Any]


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    rows = list(_lines("oracle/editquality_enwiki_damaging.jsonl.xz"))
    wanted: dict[str, set[int]] = {}
    for row in rows:
        wanted.setdefault(row["wiki"], set()).update((row["rev_id"], row["parent_id"]))
    recorded = {
        (wiki, line["rev_id"]): line
        for wiki, rev_ids in wanted.items()
        for line in _lines(f"histories/{wiki}/revisions.jsonl.xz")
        if line["rev_id"] in rev_ids
    }
    return tuple(
        Case(
            row["wiki"],
            _revision(recorded[row["wiki"], row["rev_id"]], recorded.get((row["wiki"], row["parent_id"]))),
            row["base_features"],
        )
        for row in rows
    )


def _lines(relative: str) -> Iterator[dict[str, Any]]:
    with lzma.open(shared(f"data/{relative}"), "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _revision(line: dict[str, Any], parent: dict[str, Any] | None) -> Revision:
    return Revision(
        id=line["rev_id"],
        page=Page(line["page_title"], namespace=0),
        actor=Actor(
            line["user"],
            line["anon"],
            groups=frozenset({"*", "user", "autoconfirmed"}),
            registered_at=REGISTERED_AT,
        ),
        timestamp=datetime.fromisoformat(line["timestamp"]),
        comment=line["comment"],
        text=line["text"],
        parent=None if parent is None else _revision(parent, None),
    )
