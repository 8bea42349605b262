"""Revisions of a dump or a history, found by id or read through in order, from its index."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from assay.clock import Deadline
from assay.errors import SourceError, SourceUnavailable
from assay.revisions.labels import RADIUS, WINDOW_S, Edit, Label, identity_reverts
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
from assay.revisions.record import MAX_ID, MAX_TEXT_BYTES, TextState
from assay.revisions.textstore import TextReader
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


@dataclass(frozen=True, slots=True)
class LabelledEdit:
    """One revision with what became of it. `user`: None when hidden."""

    page_title: str
    rev_id: int
    timestamp: datetime
    user: str | None
    is_anonymous: bool
    label: Label


class IndexedSource:
    """A `Source` over one complete index (`assay.revisions.index.ensure_index`).

    The `async` methods run SQLite in a thread of their own; the others block, each on its own connection.
    """

    def __init__(self, index: Path, *, max_text_bytes: int = MAX_TEXT_BYTES) -> None:
        self._index = index
        self._max_text_bytes = max_text_bytes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="assay-index")
        self._finder = _Finder(_connect(index), max_text_bytes)
        self._is_closed = False

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        wanted = list(dict.fromkeys(rev_ids))
        try:
            return await self._in_thread(partial(self._finder.find_all, wanted, deadline), deadline)
        except TimeoutError:
            return {rev_id: source_failed(rev_id, "the deadline passed") for rev_id in wanted}

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        try:
            return await self._in_thread(partial(self._finder.recent, limit), deadline)
        except TimeoutError:
            raise SourceUnavailable("The index did not answer in time: try again.") from None

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        """The same for callers without an event loop."""
        if not self._is_closed:
            self._is_closed = True
            self._thread.submit(self._finder.close).result()
            self._thread.shutdown()

    async def _in_thread(self, work: Callable[[], T], deadline: Deadline) -> T:
        loop = asyncio.get_running_loop()
        return await asyncio.wait_for(loop.run_in_executor(self._thread, work), deadline.remaining_s())

    @property
    def damage(self) -> str | None:
        """What is wrong with the file behind the first damaged place, None if it was read to its end."""
        with _Finder(_connect(self._index), self._max_text_bytes) as finder:
            return finder.meta().get("damage")

    def count(self) -> int:
        """How many revisions there are."""
        with _Finder(_connect(self._index), self._max_text_bytes) as finder:
            return finder.count()

    def ids(self, order: Literal["page", "time"] = "page") -> Iterator[int]:
        """Ids of all revisions, page after page or by time over the whole wiki."""
        with _Finder(_connect(self._index), self._max_text_bytes) as finder:
            yield from finder.ordered(order)

    def get(self, rev_id: int) -> Revision | Problem:
        """One revision, as `fetch` gives it."""
        with _Finder(_connect(self._index), self._max_text_bytes) as finder:
            return finder.find(rev_id)

    def revisions(
        self, order: Literal["page", "time"] = "page", *, rev_ids: Sequence[int] | None = None
    ) -> Iterator[Revision]:
        """Every revision with its parent and pasts, page after page or by time over the whole wiki.

        Holds a few texts at once, whatever the size of the dump. `rev_ids`: only these, in the order given;
        unknown ones are left out.
        """
        with _Finder(_connect(self._index), self._max_text_bytes) as finder:
            for rev_id in finder.ordered(order) if rev_ids is None else rev_ids:
                revision = finder.find(rev_id)
                if type(revision) is Revision:
                    yield revision

    def labels(self, *, radius: int = RADIUS, window_s: float = WINDOW_S) -> Iterator[LabelledEdit]:
        """Identity-revert labels of every revision, page after page in the order of time; reads no texts."""
        with _Finder(_connect(self._index), self._max_text_bytes) as finder:
            for _, rows in groupby(finder.edits(), key=itemgetter(0)):
                yield from _labelled(list(rows), radius, window_s)


def _labelled(rows: list[tuple[Any, ...]], radius: int, window_s: float) -> Iterator[LabelledEdit]:
    edits = [Edit(rev_id, timestamp, user, sha1) for _, _, rev_id, timestamp, user, sha1, _ in rows]
    for row, label in zip(rows, identity_reverts(edits, radius=radius, window_s=window_s), strict=True):
        _, title, rev_id, timestamp, user, _, anonymous = row
        yield LabelledEdit(title, rev_id, _moment(timestamp), user, bool(anonymous), label)


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


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _moment_or_none(seconds: int | None) -> datetime | None:
    return None if seconds is None else _moment(seconds)


def _known(value: T | None) -> Known[T]:
    return UNKNOWN if value is None else value


class _Finder:
    """Rows and texts into revisions; synchronous, for one thread at a time."""

    def __init__(self, connection: sqlite3.Connection, max_text_bytes: int) -> None:
        self._db = connection
        self._texts = TextReader(connection)
        self._max_text_bytes = max_text_bytes

    def __enter__(self) -> _Finder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def meta(self) -> dict[str, str]:
        return {row["key"]: row["value"] for row in self._db.execute("SELECT key, value FROM meta")}

    def count(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM revisions").fetchone()[0])

    def ordered(self, order: str) -> Iterator[int]:
        for row in self._db.execute(_ORDERS[order]):
            yield row[0]

    def edits(self) -> Iterator[tuple[Any, ...]]:
        for row in self._db.execute(_EDITS):
            yield tuple(row)

    def recent(self, limit: int) -> list[int]:
        """Latest edits of articles (or of pages whose namespace is not known), then of other pages."""
        found: list[int] = []
        for test in ("=", "<>"):
            rows = self._db.execute(_RECENT.format(test=test), (limit - len(found),))
            found += [row[0] for row in rows]
        return found

    def find_all(self, rev_ids: Sequence[int], deadline: Deadline) -> dict[int, Revision | Problem]:
        return {
            rev_id: source_failed(rev_id, "the deadline passed") if deadline.passed else self._try(rev_id)
            for rev_id in rev_ids
        }

    def _try(self, rev_id: int) -> Revision | Problem:
        try:
            return self.find(rev_id)
        except (SourceError, sqlite3.Error) as error:
            return source_failed(rev_id, str(error))

    def find(self, rev_id: int) -> Revision | Problem:
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
            timestamp=_moment(row["timestamp"]),
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
        return self._texts.read(rev_id).decode()


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
        created_at=_moment(row["created_at"]),
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
