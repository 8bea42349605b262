"""The latest edits of a wiki with their scores: what a list for patrollers shows, in one piece.

Many readers watch one wiki, so what the wiki told is shared by all: its latest ids for `FRESH_S` seconds,
what is known of an edit for `KEPT_S`. Texts are not kept. Scores come from the score cache; what is not in
there is computed from the revision that was just fetched, once for all readers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from assay.clock import Clock, Deadline
from assay.errors import AssayError, DeadlineExceeded, Overloaded, RetryableError
from assay.revisions.problem import Problem
from assay.revisions.types import Actor, Revision
from assay.scoring.options import MAX_REVISIONS
from assay.scoring.problems import deadline_passed, engine_away, overloaded
from assay.scoring.request import Cell, ScoreRequest
from assay.scoring.service import ScoringService
from assay.scoring.wikis import Wiki
from assay.serving.native.revision import revision_document

MAX_EDITS: Final = MAX_REVISIONS
DEFAULT_EDITS: Final = 25
FRESH_S: Final = 3.0
KEPT_S: Final = 60.0
"""What is hidden on the wiki disappears here as late."""
PATIENCE_S: Final = 8.0
"""For one answer; scores that come later are in the next one."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit. `revision`: ``REVISION`` of the native API with ``is_bot``; None when the wiki does not
    give it, which `cells` then say."""

    id: int
    revision: Mapping[str, Any] | None
    cells: Mapping[str, Cell]

    @property
    def is_complete(self) -> bool:
        """Whether asking again would tell no more."""
        return not any(isinstance(cell, Problem) and cell.retryable for cell in self.cells.values())


class Feed:
    """Of all wikis of a service."""

    def __init__(self, service: ScoringService, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._wikis: dict[str, _Kept] = {}

    async def latest(self, wiki: Wiki, limit: int, deadline: Deadline) -> Sequence[Edit]:
        """Up to `limit` edits, at most `MAX_EDITS`, newest first, each with a cell for every model.

        What is late is a retryable problem in its cell. Raises `SourceUnavailable` when the wiki does not
        even say which edits are the latest.
        """
        deadline = min(deadline, Deadline.after(PATIENCE_S, self._clock), key=Deadline.remaining_s)
        kept = self._wikis.setdefault(wiki.name, _Kept())
        async with kept.lock:
            fetched = await self._refresh(wiki, kept, deadline)
        ids = kept.ids[:limit]
        facts = {rev_id: kept.facts[rev_id] for rev_id in ids}
        cells = await self._cells(wiki, ids, facts, fetched, deadline)
        return [Edit(rev_id, _told(facts[rev_id]), cells[rev_id]) for rev_id in ids]

    async def _refresh(self, wiki: Wiki, kept: _Kept, deadline: Deadline) -> Mapping[int, Revision]:
        """Look at the wiki if the last look is old. The revisions that were fetched."""
        now_s = self._clock.monotonic_s()
        if now_s < kept.looked_at_s + FRESH_S:
            return {}
        ids = await self._service.recent(wiki, MAX_EDITS, deadline)
        missing = kept.missing(ids, now_s)
        found = (await self._service.fetch(wiki, missing, deadline)).found if missing else {}
        kept.keep(ids, found, now_s)
        return {rev_id: got for rev_id, got in found.items() if isinstance(got, Revision)}

    async def _cells(
        self,
        wiki: Wiki,
        ids: Sequence[int],
        facts: Mapping[int, Mapping[str, Any] | Problem],
        fetched: Mapping[int, Revision],
        deadline: Deadline,
    ) -> Mapping[int, Mapping[str, Cell]]:
        names = tuple(wiki.models)
        lost = {rev_id: told for rev_id, told in facts.items() if isinstance(told, Problem)}
        asked = tuple(rev_id for rev_id in ids if rev_id not in lost)
        cells: dict[int, Mapping[str, Cell]] = {
            rev_id: dict.fromkeys(names, problem) for rev_id, problem in lost.items()
        }
        at_hand = {rev_id: fetched[rev_id] for rev_id in asked if rev_id in fetched}
        try:
            if asked:
                cells.update(
                    await self._service.score(ScoreRequest(wiki.name, asked, names), deadline, at_hand)
                )
        except RetryableError as error:
            # every cell would say so; who, where and when can be told all the same
            cells.update({rev_id: dict.fromkeys(names, _reason(error, rev_id)) for rev_id in asked})
        return cells


@dataclass(slots=True)
class _Kept:
    """What is known of a wiki's latest edits. `facts`: by id, as `Edit.revision`, or why it is not to be had.
    `known_at_s`: when they were told."""

    ids: Sequence[int] = ()
    facts: dict[int, Mapping[str, Any] | Problem] = field(default_factory=dict)
    known_at_s: dict[int, float] = field(default_factory=dict)
    looked_at_s: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def missing(self, ids: Sequence[int], now_s: float) -> list[int]:
        return [rev_id for rev_id in ids if self.known_at_s.get(rev_id, float("-inf")) <= now_s - KEPT_S]

    def keep(self, ids: Sequence[int], found: Mapping[int, Revision | Problem], now_s: float) -> None:
        """What is no longer among the latest is forgotten; what may come is asked for the next time."""
        told = {rev_id: got if isinstance(got, Problem) else _facts(got) for rev_id, got in found.items()}
        lasting = {r: now_s for r, got in told.items() if not (isinstance(got, Problem) and got.retryable)}
        facts, known_at_s = {**self.facts, **told}, {**self.known_at_s, **lasting}
        self.facts = {rev_id: facts[rev_id] for rev_id in ids}
        self.known_at_s = {rev_id: known_at_s[rev_id] for rev_id in ids if rev_id in known_at_s}
        self.ids, self.looked_at_s = ids, now_s


def _facts(revision: Revision) -> Mapping[str, Any]:
    groups = revision.actor.groups if isinstance(revision.actor, Actor) else None
    return {
        **revision_document(revision),
        "is_bot": "bot" in groups if isinstance(groups, frozenset) else None,
    }


def _told(facts: Mapping[str, Any] | Problem) -> Mapping[str, Any] | None:
    return None if isinstance(facts, Problem) else facts


def _reason(error: AssayError, rev_id: int) -> Problem:
    match error:
        case Overloaded():
            return overloaded(rev_id)
        case DeadlineExceeded():
            return deadline_passed(rev_id)
        case _:
            return engine_away(rev_id)
