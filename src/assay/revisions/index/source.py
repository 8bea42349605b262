"""Revisions of a dump or a history, found by id or read through in order, from its index."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

from assay.clock import Deadline
from assay.errors import SourceError, SourceUnavailable
from assay.revisions.index.reader import IndexReader, Order
from assay.revisions.labels import RADIUS, WINDOW_S, Edit, Label, identity_reverts
from assay.revisions.problem import Problem, source_failed
from assay.revisions.record import MAX_TEXT_BYTES, moment
from assay.revisions.types import Revision

T = TypeVar("T")


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
    """A `Source` over one complete index (`assay.revisions.index.file.ensure_index`).

    The `async` methods run SQLite in a thread of their own; the others block, each on its own connection.
    """

    def __init__(self, index: Path, *, max_text_bytes: int = MAX_TEXT_BYTES) -> None:
        self._index = index
        self._max_text_bytes = max_text_bytes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="assay-index")
        self._fetching = IndexReader(index, max_text_bytes)
        self._is_closed = False

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        wanted = list(dict.fromkeys(rev_ids))
        try:
            return await self._in_thread(partial(self._fetching.find_all, wanted, deadline), deadline)
        except TimeoutError:
            return {rev_id: source_failed(rev_id, "the deadline passed") for rev_id in wanted}

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        try:
            return await self._in_thread(partial(self._fetching.recent, limit), deadline)
        except TimeoutError:
            raise SourceUnavailable("The index did not answer in time: try again.") from None
        except SourceError as damaged:  # no client can mend it, and an operator may while this runs
            raise SourceUnavailable(str(damaged)) from None

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        """The same for callers without an event loop."""
        if not self._is_closed:
            self._is_closed = True
            self._thread.submit(self._fetching.close).result()
            self._thread.shutdown()

    async def _in_thread(self, work: Callable[[], T], deadline: Deadline) -> T:
        loop = asyncio.get_running_loop()
        return await asyncio.wait_for(loop.run_in_executor(self._thread, work), deadline.remaining_s())

    def _reader(self) -> IndexReader:
        """One for the calling thread."""
        return IndexReader(self._index, self._max_text_bytes)

    def count(self) -> int:
        """How many revisions there are."""
        with self._reader() as reader:
            return reader.count()

    def ids(self, order: Order = "page") -> Iterator[int]:
        """Ids of all revisions, page after page or by time over the whole wiki."""
        with self._reader() as reader:
            yield from reader.ordered(order)

    def get(self, rev_id: int) -> Revision | Problem:
        """One revision, as `fetch` gives it."""
        with self._reader() as reader:
            return reader.find(rev_id)

    def revisions(self, order: Order = "page", *, rev_ids: Sequence[int] | None = None) -> Iterator[Revision]:
        """Every revision with its parent and pasts, page after page or by time over the whole wiki.

        Holds a few texts at once, whatever the size of the dump. `rev_ids`: only these, in the order given;
        unknown ones are left out.
        """
        with self._reader() as reader:
            for rev_id in reader.ordered(order) if rev_ids is None else rev_ids:
                revision = reader.find(rev_id)
                if type(revision) is Revision:
                    yield revision

    def labels(self, *, radius: int = RADIUS, window_s: float = WINDOW_S) -> Iterator[LabelledEdit]:
        """Identity-revert labels of every revision, page after page in the order of time; reads no texts."""
        with self._reader() as reader, closing(reader.edits()) as edits:  # a group of rows holds them, too
            for _, rows in groupby(edits, key=itemgetter(0)):
                yield from _labelled(list(rows), radius, window_s)


def _labelled(rows: list[tuple[Any, ...]], radius: int, window_s: float) -> Iterator[LabelledEdit]:
    edits = [Edit(rev_id, timestamp, user, sha1) for _, _, rev_id, timestamp, user, sha1, _ in rows]
    for row, label in zip(rows, identity_reverts(edits, radius=radius, window_s=window_s), strict=True):
        _, title, rev_id, timestamp, user, _, anonymous = row
        yield LabelledEdit(title, rev_id, moment(timestamp), user, bool(anonymous), label)
