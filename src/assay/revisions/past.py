"""The pasts of pages and actors as they were known just before each edit.

Two sweeps over an index's rows, one page and then one actor at a time, so that memory does not grow
with the dump. "Before" is strict: an edit's own revert, or anything after it, never enters.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from assay.revisions.labels import Edit, Label, identity_reverts
from assay.revisions.types import NOBODY as NOBODY

SCHEMA = """
CREATE TABLE page_pasts(rev_id INTEGER PRIMARY KEY, parent_id INTEGER, edits INTEGER, reverts INTEGER,
  reverted INTEGER, actors INTEGER, created_at INTEGER, last_revert_at INTEGER,
  recent_reverts INTEGER, recent_reverted INTEGER,
  reverts_other INTEGER, reverted_by INTEGER);
CREATE TABLE actor_pasts(rev_id INTEGER PRIMARY KEY, edits INTEGER, reverted INTEGER, reverts INTEGER,
  pages INTEGER, edits_to_page INTEGER, first_edit_at INTEGER, last_edit_at INTEGER,
  last_reverted_at INTEGER);
"""

PageRow = tuple[int, int, int, str | None, str | None, int | None, int | None]
"""Page, revision, time, author's name, sha1, author, parent: of one revision (`_PAGE_ROWS`)."""
RECENT = 10
"""How many of the page's latest revisions tell whether people quarrel about it right now."""

_PAGE_ROWS = """
SELECT r.page, r.rev_id, r.timestamp, a.name, r.sha1, r.actor, r.parent_id
FROM revisions r LEFT JOIN actors a ON a.actor = r.actor ORDER BY r.page, r.timestamp, r.position
"""
_ACTOR_ROWS = """
SELECT r.actor, r.rev_id, r.timestamp, r.position, r.page, p.reverts_other, b.timestamp, b.position
FROM revisions r JOIN page_pasts p ON p.rev_id = r.rev_id
LEFT JOIN revisions b ON b.rev_id = p.reverted_by
WHERE r.actor IS NOT NULL ORDER BY r.actor, r.timestamp, r.position
"""


def write_pasts(connection: sqlite3.Connection) -> None:
    """Fill both tables from scratch. Not resumable within, but quick: it reads no texts."""
    connection.execute("DELETE FROM page_pasts")
    connection.execute("DELETE FROM actor_pasts")
    rows = connection.execute(_PAGE_ROWS)
    for _, page in groupby(rows, key=itemgetter(0)):
        connection.executemany(
            "INSERT INTO page_pasts VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", list(page_pasts(list(page)))
        )
    nobody = connection.execute("SELECT actor FROM actors WHERE name = ?", (NOBODY,)).fetchone()
    for actor, edits in groupby(connection.execute(_ACTOR_ROWS), key=itemgetter(0)):
        if nobody is None or actor != nobody[0]:
            connection.executemany(
                "INSERT INTO actor_pasts VALUES(?,?,?,?,?,?,?,?,?)", list(actor_pasts(edits))
            )


def page_pasts(
    rows: list[PageRow],
) -> Iterator[tuple[int | None, ...]]:
    """Rows of `page_pasts` for one page's rows (`_PAGE_ROWS`), in the order of time.

    `parent_id` in the result is settled: 0 for a creation, where the file gave none the revision before.
    """
    labels = identity_reverts([Edit(row[1], row[2], row[3], row[4]) for row in rows])
    undone = _undone(labels)
    actors: set[int] = set()
    reverts = reverted = before = 0
    last_revert_at: int | None = None
    recent: deque[tuple[int, bool]] = deque(maxlen=RECENT)
    gone: set[int] = set()
    for edits, (row, label) in enumerate(zip(rows, labels, strict=True)):
        _, rev_id, timestamp, _, _, actor, parent_id = row
        yield (
            rev_id, before if parent_id is None else parent_id, edits, reverts, reverted, len(actors),
            rows[0][2], last_revert_at, sum(it[1] for it in recent), sum(it[0] in gone for it in recent),
            label.reverts_other, label.reverted_by,
        )  # fmt: skip
        reverted += len(undone.get(rev_id, ()))
        gone.update(undone.get(rev_id, ()))
        recent.append((rev_id, label.is_reverting))
        if label.is_reverting:
            reverts, last_revert_at = reverts + 1, timestamp
        if actor is not None:
            actors.add(actor)
        before = rev_id


def _undone(labels: Iterable[Label]) -> dict[int, list[int]]:
    """Which edits each revision was the first to undo."""
    undone: dict[int, list[int]] = {}
    for label in labels:
        if label.reverted_by is not None:
            undone.setdefault(label.reverted_by, []).append(label.rev_id)
    return undone


def actor_pasts(
    rows: Iterable[tuple[int, int, int, int, int, bool, int | None, int | None]],
) -> Iterator[tuple[int | None, ...]]:
    """Rows of `actor_pasts` for one actor's rows (`_ACTOR_ROWS`), in the order of time."""
    pages: dict[int, int] = {}
    pending: list[tuple[int, int]] = []
    edits = reverted = reverts = 0
    first_edit_at: int | None = None
    last_edit_at: int | None = None
    last_reverted_at: int | None = None
    for _, rev_id, timestamp, position, page, reverts_other, undone_at, undone_position in rows:
        while pending and pending[0] < (timestamp, position):
            last_reverted_at = heapq.heappop(pending)[0]
            reverted += 1
        yield (
            rev_id, edits, reverted, reverts, len(pages), pages.get(page, 0), first_edit_at, last_edit_at,
            last_reverted_at,
        )  # fmt: skip
        edits, reverts = edits + 1, reverts + bool(reverts_other)
        pages[page] = pages.get(page, 0) + 1
        first_edit_at, last_edit_at = first_edit_at if first_edit_at is not None else timestamp, timestamp
        if undone_at is not None and undone_position is not None:
            heapq.heappush(pending, (undone_at, undone_position))
