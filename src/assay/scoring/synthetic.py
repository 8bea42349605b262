"""Revisions made up on the spot: for the test wiki and for readiness probes.

ORES was probed by scoring ``testwiki`` at the present time as a revision id, so that no cache could
answer. The made-up revisions serve the same purpose without any wiki behind them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from assay.clock import Clock, Deadline
from assay.revisions.problem import Problem
from assay.revisions.types import Actor, Page, Revision

TEST_WIKI: Final = "testwiki"
"""Its revisions are made up, so models for any wiki have nothing to say of them."""
_EPOCH: Final = datetime(2001, 1, 15, tzinfo=UTC)
_SECONDS_IN_A_CENTURY: Final = 100 * 365 * 24 * 3600
_PARENT_TEXT: Final = (
    "'''Made up''' is a page that no wiki holds.\n\n== Purpose ==\nIt is scored, [[never]] read.\n"
)
_ADDED_TEXT: Final = "An edit adds this sentence, a {{template}} and a [http://example.org link].\n"


def synthetic_revision(rev_id: int) -> Revision:
    """The same revision for the same id, with a parent and everything known that a live wiki tells."""
    actor = Actor("Nobody", False, 1, frozenset({"*", "user", "autoconfirmed"}), _EPOCH, 100)
    timestamp = _EPOCH + timedelta(seconds=rev_id % _SECONDS_IN_A_CENTURY)
    parent_id = max(1, rev_id - 1)

    def revision(id_: int, text: str, comment: str, parent: Revision | None) -> Revision:
        return Revision(
            id=id_,
            page=Page("Made up", 1, 0),
            actor=actor,
            timestamp=timestamp,
            comment=comment,
            text=text,
            **({} if parent is None else {"parent": parent, "parent_id": parent_id}),  # type: ignore[arg-type]
            is_minor=False,
            size_bytes=len(text),
        )

    parent = revision(parent_id, _PARENT_TEXT, "begin", None)
    return revision(rev_id, _PARENT_TEXT + _ADDED_TEXT, "/* Purpose */ more", parent)


class SyntheticSource:
    """A `Source` in which every positive id exists."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def fetch(
        self,
        rev_ids: Sequence[int],
        deadline: Deadline,  # noqa: ARG002 - the interface asks for it
    ) -> Mapping[int, Revision | Problem]:
        return {rev_id: synthetic_revision(rev_id) for rev_id in rev_ids}

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:  # noqa: ARG002 - as above
        newest = int(self._clock.now().timestamp())
        return [newest - age for age in range(limit)]

    async def aclose(self) -> None:
        """Nothing to close."""
