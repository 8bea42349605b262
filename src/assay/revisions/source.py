"""Where revisions come from: one small interface for a live wiki, a dump and a recorded history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from assay.clock import Deadline
from assay.revisions.problem import Problem
from assay.revisions.types import Revision


class Source(Protocol):
    """Finds the revisions of one wiki by their ids.

    Every implementation passes the one suite in ``tests/revisions/test_source.py``.
    """

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        """Each of `rev_ids` (any number, duplicates allowed) with its revision or the reason why not.

        A revision comes with its parent, page and actor. A failure that concerns only some ids is a
        `Problem` for those ids. Never raises for a wiki's misbehaviour: what could not be had in time
        is a retryable problem.
        """
        ...

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        """Ids of up to `limit` latest edits, newest first; of what a dump holds, its latest.

        Raises `SourceUnavailable` when a live wiki does not answer.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections and file handles; calling it twice is harmless."""
        ...


@dataclass(frozen=True, slots=True)
class Pasts:
    """`revisions`: by id. `short`: ids of those whose pasts are there, but could not be had now: another time
    they would be scored otherwise."""

    revisions: Mapping[int, Revision]
    short: frozenset[int] = frozenset()


@runtime_checkable
class TellsPasts(Protocol):
    """A source whose `fetch` leaves pasts UNKNOWN, for they cost queries: ask when a model reads them."""

    async def with_pasts(self, revisions: Sequence[Revision], deadline: Deadline) -> Pasts:
        """The same revisions with what could be had of their pages' and actors' pasts in a part of the time.
        Never raises for a wiki's misbehaviour."""
        ...
