"""Fills an index: reads a file in batches that are committed together with the reader's position, then links.

After a kill it goes on where the last batch ended (the records before it are parsed again, but neither
packed nor stored).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from assay.errors import SourceError
from assay.revisions import past
from assay.revisions.files.compressed import Stream, open_stream
from assay.revisions.files.reader import record_reader
from assay.revisions.index import textstore
from assay.revisions.index.progress import IndexProgress, ReportProgress
from assay.revisions.record import Record
from assay.revisions.types import UNKNOWN, Known, Unknown

FORMAT: Final = 4
"""Raised whenever the tables or what is put into them change: older indexes are then built anew."""
BATCH_RECORDS: Final = 500
_REMEMBERED_ACTORS: Final = 50_000

_SCHEMA = f"""
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE pages(page INTEGER PRIMARY KEY, title TEXT NOT NULL, page_id INTEGER, namespace INTEGER);
CREATE UNIQUE INDEX pages_by_title ON pages(title, IFNULL(page_id, -1));
CREATE TABLE actors(actor INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE revisions(rev_id INTEGER PRIMARY KEY, position INTEGER NOT NULL, page INTEGER NOT NULL,
  actor INTEGER, user_id INTEGER, anonymous INTEGER NOT NULL, parent_id INTEGER, timestamp INTEGER NOT NULL,
  comment TEXT, minor INTEGER, size INTEGER, sha1 TEXT, model TEXT NOT NULL, text_state INTEGER NOT NULL);
{textstore.SCHEMA};
{past.SCHEMA}
"""
_LOOKUPS = """
CREATE INDEX IF NOT EXISTS revisions_of_page ON revisions(page, timestamp, position);
CREATE INDEX IF NOT EXISTS revisions_of_actor ON revisions(actor, timestamp, position);
CREATE INDEX IF NOT EXISTS revisions_in_time ON revisions(timestamp, position);
"""


class IndexBuilder:
    """One run over a file: reads, packs, stores, then links."""

    def __init__(
        self, path: Path, index: Path, fingerprint: str, max_text_bytes: int, progress: ReportProgress | None
    ) -> None:
        self._path, self._max_text_bytes = path, max_text_bytes
        self._report = progress or (lambda _: None)
        self._total_bytes = path.stat().st_size
        self._db = _connect_for_writing(index, fingerprint)
        self._meta: dict[str, str] = dict(self._db.execute("SELECT key, value FROM meta"))
        self._position = int(self._meta.get("position", "0"))
        self._texts = textstore.TextWriter()
        self._page: tuple[str, Known[int], int] = ("", UNKNOWN, 0)
        self._actors: dict[str, int] = {}

    def run(self) -> None:
        """Raises `SourceError` for a file that is damaged, and keeps it in mind."""
        try:
            if self._meta["state"] == "reading":
                self._read()
            self._link()
        finally:
            self._db.close()

    def _read(self) -> None:
        with open_stream(self._path) as stream:
            records = record_reader(self._path)(stream, self._path, max_text_bytes=self._max_text_bytes)
            self._skip(records, stream)
            try:
                self._store_all(records, stream)
                self._db.execute("COMMIT")
            except SourceError as damage:
                self._remember(damage=str(damage))
                self._db.execute("COMMIT")
                raise
        self._remember(state="linking")

    def _skip(self, records: Iterator[Record], stream: Stream) -> None:
        """Pass what the last run stored; the fingerprint has shown that the file is the same."""
        for passed in range(1, self._position + 1):
            if next(records, None) is None:
                raise SourceError(f"{self._path} became shorter while it was indexed: try again.")
            if passed % BATCH_RECORDS == 0:
                self._tell("reading", stream.packed_position(), passed)

    def _store_all(self, records: Iterator[Record], stream: Stream) -> None:
        self._db.execute("BEGIN")
        for record in records:
            self._store(record)
            self._position += 1
            if self._position % BATCH_RECORDS == 0:
                self._commit_batch(stream)
        self._commit_batch(stream)

    def _commit_batch(self, stream: Stream) -> None:
        self._remember(position=str(self._position))
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")
        self._tell("reading", stream.packed_position(), self._position)

    def _store(self, record: Record) -> None:
        page = self._page_key(record)
        added = self._db.execute(
            "INSERT OR IGNORE INTO revisions VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                record.rev_id,
                self._position,
                page,
                None if record.user is None else self._actor_key(record.user),
                0 if record.user_id is None else _null(record.user_id),
                record.is_anonymous,
                0 if record.parent_id is None else _null(record.parent_id),
                record.timestamp_s,
                record.comment,
                _null(record.is_minor),
                _null(record.size_bytes),
                record.sha1 or None,
                record.content_model,
                record.text_state,
            ),
        ).rowcount
        if added and record.text is not None:
            row = self._texts.pack(page, record.rev_id, record.text)
            self._db.execute("INSERT INTO texts VALUES(?,?,?)", row)

    def _page_key(self, record: Record) -> int:
        title, page_id, key = self._page
        if (title, page_id) == (record.title, record.page_id) and key:
            return key
        values = (record.title, _null(record.page_id), _null(record.namespace))
        self._db.execute("INSERT OR IGNORE INTO pages(title, page_id, namespace) VALUES(?,?,?)", values)
        (key,) = self._db.execute(
            "SELECT page FROM pages WHERE title = ? AND IFNULL(page_id, -1) = IFNULL(?, -1)", values[:2]
        ).fetchone()
        self._page = (record.title, record.page_id, key)
        return int(key)

    def _actor_key(self, name: str) -> int:
        key = self._actors.get(name)
        if key is None:
            self._db.execute("INSERT OR IGNORE INTO actors(name) VALUES(?)", (name,))
            (key,) = self._db.execute("SELECT actor FROM actors WHERE name = ?", (name,)).fetchone()
            if len(self._actors) >= _REMEMBERED_ACTORS:
                self._actors.clear()
            self._actors[name] = int(key)
        return int(key)

    def _link(self) -> None:
        """Lookups, parents and pasts."""
        self._tell("linking", self._total_bytes, self._position)
        self._db.executescript(_LOOKUPS)
        self._db.execute("BEGIN")
        past.write_pasts(self._db)
        self._remember(state="complete")
        self._db.execute("COMMIT")
        self._db.execute("PRAGMA journal_mode = DELETE")

    def _remember(self, **values: str) -> None:
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES(?,?)", values.items())

    def _tell(self, phase: Literal["reading", "linking"], done_bytes: int, revisions: int) -> None:
        self._report(IndexProgress(phase, min(done_bytes, self._total_bytes), self._total_bytes, revisions))


def _connect_for_writing(index: Path, fingerprint: str) -> sqlite3.Connection:
    connection = sqlite3.connect(index, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -32000")
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        connection.executemany(
            "INSERT INTO meta VALUES(?,?)", [("source", fingerprint), ("state", "reading")]
        )
    return connection


def _null(value: Known[int | None]) -> int | None:
    return None if isinstance(value, Unknown) else value
