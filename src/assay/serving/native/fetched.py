"""Revisions that a page has just asked for, kept a moment: a moved slider must not ask the wiki each time."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from assay.clock import Clock
from assay.revisions.types import Revision

MAX_REVISIONS: Final = 32
MAX_CHARS: Final = 16 * 1024 * 1024
"""Of all kept texts and their parents' together; characters take 1 to 4 bytes."""

KEPT_S: Final = 300.0


class FetchedRevisions:
    """Bounded by number, size and age; the oldest goes first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, int], tuple[Revision, float]] = OrderedDict()
        self._chars = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, wiki: str, rev_id: int) -> Revision | None:
        self._forget_old()
        kept = self._kept.get((wiki, rev_id))
        return kept[0] if kept else None

    def put(self, wiki: str, revision: Revision) -> None:
        self._drop((wiki, revision.id))
        self._kept[wiki, revision.id] = (revision, self._clock.monotonic_s())
        self._chars += _chars(revision)
        while len(self._kept) > MAX_REVISIONS or self._chars > MAX_CHARS:
            self._drop(next(iter(self._kept)))

    def _forget_old(self) -> None:
        oldest_s = self._clock.monotonic_s() - KEPT_S
        while self._kept:
            key, (_, at_s) = next(iter(self._kept.items()))
            if at_s > oldest_s:
                return
            self._drop(key)

    def _drop(self, key: tuple[str, int]) -> None:
        if kept := self._kept.pop(key, None):
            self._chars -= _chars(kept[0])


def _chars(revision: Revision) -> int:
    parent = revision.parent.text if isinstance(revision.parent, Revision) else ""
    return sum(len(text) for text in (revision.text, parent) if isinstance(text, str))
