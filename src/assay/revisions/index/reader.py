"""Rows and texts of a complete index, put together into revisions."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote

import zstandard

from assay.clock import Deadline
from assay.errors import SourceError
from assay.revisions.index.textstore import TextReader
from assay.revisions.problem import (
    Problem,
    comment_deleted,
    parent_not_found,
    revision_not_found,
    source_failed,
    text_deleted,
    text_missing,
    text_too_large,
    user_deleted,
)
from assay.revisions.record import MAX_ID, TextState, moment
from assay.revisions.types import (
    UNKNOWN,
    Actor,
    ActorHistory,
    Known,
    Page,
    PageHistory,
    Revision,
    anonymous_actor,
)

T = TypeVar("T")
Order = Literal["page", "time"]
"""Page after page, or by time over the whole wiki."""

_COLUMNS = """
SELECT r.rev_id, r.timestamp, r.user_id, r.anonymous, r.comment, r.minor, r.size, r.sha1, r.model,
  r.text_state,
  g.title, g.page_id, g.namespace, a.name,
  p.parent_id, p.edits, p.reverts, p.reverted, p.actors, p.created_at, p.last_revert_at,
  p.recent_reverts, p.recent_reverted,
  h.edits AS h_edits, h.reverted AS h_reverted, h.reverts AS h_reverts, h.pages AS h_pages,
  h.edits_to_page AS h_edits_to_page, h.first_edit_at AS h_first, h.last_edit_at AS h_last,
  h.last_reverted_at AS h_last_reverted
FROM revisions r JOIN pages g ON g.page = r.page JOIN page_pasts p ON p.rev_id = r.rev_id
LEFT JOIN actors a ON a.actor = r.actor LEFT JOIN actor_pasts h ON h.rev_id = r.rev_id
"""
_ONE = _COLUMNS + "WHERE r.rev_id = ?"
_ORDERS = {
    "page": "SELECT rev_id FROM revisions ORDER BY page, timestamp, position",
    "time": "SELECT rev_id FROM revisions ORDER BY timestamp, position",
}
_RECENT = """
SELECT rev_id FROM revisions r JOIN pages g ON g.page = r.page WHERE IFNULL(g.namespace, 0) {test} 0
ORDER BY timestamp DESC, position DESC LIMIT ?
"""
_EDITS = """
SELECT r.page, g.title, r.rev_id, r.timestamp, a.name, r.sha1, r.anonymous FROM revisions r
JOIN pages g ON g.page = r.page LEFT JOIN actors a ON a.actor = r.actor
ORDER BY r.page, r.timestamp, r.position
"""


_DAMAGE: Final = (sqlite3.Error, zstandard.ZstdError, ValueError, TypeError, OverflowError)
"""What SQLite, and who reads its values, raises on bytes that were not written so."""
_PASSING: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""SQLite's result codes that accuse the disk, the memory or another writer, and not what the file holds."""


@contextmanager
def _sound() -> Iterator[None]:
    """Says what to do when the index is not. Without its place, since clients are told, too."""
    try:
        yield
    except _DAMAGE as error:
        if _is_passing(error):  # a new index of a large dump takes an hour
            raise SourceError(f"The index cannot be read just now: {error}.") from None
        raise SourceError(
            f"The index is damaged ({error}): delete the index file, it is built again."
        ) from None


def _is_passing(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in _PASSING and code != sqlite3.SQLITE_IOERR_SHORT_READ  # the file is cut short


class IndexReader:
    """Blocks; for one thread at a time. Raises `SourceError` when the index is not there or not complete, and
    from each method when it is damaged."""

    def __init__(self, index: Path, max_text_bytes: int) -> None:
        self._db = _connect(index)
        self._texts = TextReader(self._db)
        self._decoded: tuple[bytes, str] = (b"", "")
        self._max_text_bytes = max_text_bytes

    def __enter__(self) -> IndexReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def count(self) -> int:
        with _sound():
            return int(self._db.execute("SELECT COUNT(*) FROM revisions").fetchone()[0])

    def ordered(self, order: Order) -> Iterator[int]:
        """Ids of all revisions."""
        for row in self._rows(_ORDERS[order]):
            yield row[0]

    def edits(self) -> Generator[tuple[Any, ...], None, None]:
        """Page, title, revision, time, author, sha1, anonymous or not: page after page, by time."""
        for row in self._rows(_EDITS):
            yield tuple(row)

    def _rows(self, query: str) -> Iterator[sqlite3.Row]:
        with _sound():  # what the reader of these rows raises does not come by here
            yield from self._db.execute(query)

    def recent(self, limit: int) -> list[int]:
        """Latest edits of articles (or of pages whose namespace is not known), then of other pages."""
        found: list[int] = []
        with _sound():
            for test in ("=", "<>"):
                rows = self._db.execute(_RECENT.format(test=test), (limit - len(found),))
                found += [row[0] for row in rows]
        return found

    def find_all(self, rev_ids: Sequence[int], deadline: Deadline) -> dict[int, Revision | Problem]:
        """What the index cannot give, and what the deadline leaves no time for, is a problem."""
        return {
            rev_id: source_failed(rev_id, "the deadline passed") if deadline.passed else self._try(rev_id)
            for rev_id in rev_ids
        }

    def _try(self, rev_id: int) -> Revision | Problem:
        try:
            return self.find(rev_id)
        except SourceError as error:
            return source_failed(rev_id, str(error))

    def find(self, rev_id: int) -> Revision | Problem:
        """With parent and pasts."""
        with _sound():
            return self._found(rev_id)

    def _found(self, rev_id: int) -> Revision | Problem:
        row = self._row(rev_id)
        if row is None:
            return revision_not_found(rev_id)
        parent_id = row["parent_id"]
        return self._revision(
            row,
            parent=self._parent(rev_id, parent_id) if parent_id else None,
            page_history=_page_history(row),
            actor_history=_actor_history(row),
        )

    def _row(self, rev_id: int) -> sqlite3.Row | None:
        if not 0 < rev_id <= MAX_ID:
            return None
        row: sqlite3.Row | None = self._db.execute(_ONE, (rev_id,)).fetchone()
        return row

    def _parent(self, rev_id: int, parent_id: int) -> Revision | Problem:
        row = self._row(parent_id)
        return parent_not_found(rev_id, parent_id) if row is None else self._revision(row, parent=UNKNOWN)

    def _revision(
        self,
        row: sqlite3.Row,
        *,
        parent: Revision | Problem | Known[None],
        page_history: Known[PageHistory] = UNKNOWN,
        actor_history: Known[ActorHistory] = UNKNOWN,
    ) -> Revision:
        rev_id = row["rev_id"]
        return Revision(
            id=rev_id,
            page=Page(row["title"], _known(row["page_id"]), _known(row["namespace"])),
            actor=_actor(row),
            timestamp=moment(row["timestamp"]),
            comment=comment_deleted(rev_id) if row["comment"] is None else row["comment"],
            text=self._text(row),
            parent=parent,
            parent_id=row["parent_id"] or None,
            is_minor=UNKNOWN if row["minor"] is None else bool(row["minor"]),
            size_bytes=_known(row["size"]),
            sha1=_known(row["sha1"]),
            content_model=row["model"],
            page_history=page_history,
            actor_history=actor_history,
        )

    def _text(self, row: sqlite3.Row) -> str | Problem:
        rev_id, state = row["rev_id"], TextState(row["text_state"])
        if state is TextState.HIDDEN:
            return text_deleted(rev_id)
        if state is TextState.MISSING:
            return text_missing(rev_id)
        if state is TextState.TOO_LARGE:
            return text_too_large(rev_id, row["size"], self._max_text_bytes)
        return self._decode(self._texts.read(rev_id))

    def _decode(self, text: bytes) -> str:
        """An edit's text is the next edit's parent's: neither decoded nor held in memory twice."""
        if text is not self._decoded[0]:
            self._decoded = text, text.decode()
        return self._decoded[1]


def _actor(row: sqlite3.Row) -> Actor | Problem:
    name = row["name"]
    if name is None:
        return user_deleted(row["rev_id"])
    if row["anonymous"]:
        return anonymous_actor(name)
    return Actor(name, is_anonymous=False, id=_known(row["user_id"] or None))


def _page_history(row: sqlite3.Row) -> PageHistory:
    return PageHistory(
        edits=row["edits"],
        reverts=row["reverts"],
        reverted=row["reverted"],
        actors=row["actors"],
        created_at=moment(row["created_at"]),
        last_revert_at=_moment_or_none(row["last_revert_at"]),
        recent_reverts=row["recent_reverts"],
        recent_reverted=row["recent_reverted"],
    )


def _actor_history(row: sqlite3.Row) -> Known[ActorHistory]:
    """UNKNOWN for hidden and nameless authors."""
    if row["h_edits"] is None:
        return UNKNOWN
    return ActorHistory(
        edits=row["h_edits"],
        reverted=row["h_reverted"],
        reverts=row["h_reverts"],
        pages=row["h_pages"],
        edits_to_page=row["h_edits_to_page"],
        first_edit_at=_moment_or_none(row["h_first"]),
        last_edit_at=_moment_or_none(row["h_last"]),
        last_reverted_at=_moment_or_none(row["h_last_reverted"]),
    )


def _connect(index: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(index.resolve()))}?mode=ro", uri=True, check_same_thread=False
        )
        state = connection.execute("SELECT value FROM meta WHERE key = 'state'").fetchone()
    except sqlite3.Error as error:
        raise SourceError(f"The index {index} cannot be read ({error}): delete it.") from None
    if state != ("complete",):
        connection.close()
        raise SourceError(f"The index {index} is not complete: open its file again to finish it.")
    connection.row_factory = sqlite3.Row
    return connection


def _moment_or_none(at_s: int | None) -> datetime | None:
    return None if at_s is None else moment(at_s)


def _known(value: T | None) -> Known[T]:
    return UNKNOWN if value is None else value
