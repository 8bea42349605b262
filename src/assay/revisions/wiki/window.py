"""Pasts of one edit from the latest edits of its page and its actor, which a live wiki tells cheaply.

The same counting as over a whole history (`assay.revisions.past`) and the same values wherever the window
holds everything that came before; beyond it counts stop growing. How wide it is, and what that costs:
docs/decisions/2026-11-26-pasts-of-a-live-wiki.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from assay.revisions.labels import Edit, identity_reverts
from assay.revisions.past import PageRow, actor_pasts, page_pasts
from assay.revisions.record import moment
from assay.revisions.types import ActorHistory, PageHistory

PAGE_EDITS: Final = 499
"""Earlier revisions of a page: with the edit itself as many as MediaWiki gives in one answer (500)."""
ACTOR_EDITS: Final = 499
"""Earlier edits of an actor: likewise."""
ACTOR_PAGES: Final = 5
"""Pages on which it is looked up what became of the actor's edits: those edited last. One query for each."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One edit of an actor. `page`: a number that is the page's alone."""

    rev_id: int
    timestamp_s: int
    page: int


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an edit. `undone`: (time, id) of the first revision of somebody else that undid it."""

    reverts_other: bool = False
    undone: tuple[int, int] | None = None


def page_history(before: Sequence[Edit], edit: Edit, created_at_s: int | None = None) -> PageHistory:
    """The page's past from its revisions `before` the edit, in the order of time.

    `created_at_s`: of the page, where `before` does not reach back to it.
    """
    names: dict[str, int] = {}
    rows: list[PageRow] = [
        (
            0,
            it.rev_id,
            it.timestamp_s,
            it.user,
            it.sha1,
            None if it.user is None else names.setdefault(it.user, len(names)),
            None,
        )
        for it in (*before[-PAGE_EDITS:], edit)
    ]
    ((_, _, edits, reverts, reverted, actors, first, last_revert, recent_reverts, recent_reverted, *_),) = (
        deque(page_pasts(rows), maxlen=1)
    )
    return PageHistory(
        edits=_count(edits),
        reverts=_count(reverts),
        reverted=_count(reverted),
        actors=_count(actors),
        created_at=moment(_count(first) if created_at_s is None else created_at_s),
        last_revert_at=None if last_revert is None else moment(last_revert),
        recent_reverts=_count(recent_reverts),
        recent_reverted=_count(recent_reverted),
    )


def actor_history(
    before: Sequence[Contribution],
    edit: Contribution,
    fates: Mapping[int, Fate],
    first_edit_at_s: int | None = None,
) -> ActorHistory:
    """The actor's past from the edits `before` this one, in the order of time.

    `fates`: by revision id, of the edits to `latest_pages`; others count as neither reverted nor reverting.
    `first_edit_at_s`: of the actor, where `before` does not reach back to it.
    """
    rows = []
    for it in (*before[-ACTOR_EDITS:], edit):
        fate = fates.get(it.rev_id, Fate())
        at, by = fate.undone or (None, None)
        rows.append((0, it.rev_id, it.timestamp_s, it.rev_id, it.page, fate.reverts_other, at, by))
    ((_, edits, reverted, reverts, pages, to_page, first, last, last_reverted),) = deque(
        actor_pasts(rows), maxlen=1
    )
    first = first if first is None or first_edit_at_s is None else first_edit_at_s
    return ActorHistory(
        edits=_count(edits),
        reverted=_count(reverted),
        reverts=_count(reverts),
        pages=_count(pages),
        edits_to_page=_count(to_page),
        first_edit_at=None if first is None else moment(first),
        last_edit_at=None if last is None else moment(last),
        last_reverted_at=None if last_reverted is None else moment(last_reverted),
    )


def latest_pages(before: Sequence[Contribution]) -> list[int]:
    """The `ACTOR_PAGES` pages that were edited last, the latest first."""
    pages = dict.fromkeys(it.page for it in reversed(before[-ACTOR_EDITS:]))
    return list(pages)[:ACTOR_PAGES]


def fates(page: Iterable[Edit]) -> dict[int, Fate]:
    """What became of each revision of ONE page, given in the order of time."""
    edits = list(page)
    times = {edit.rev_id: edit.timestamp_s for edit in edits}
    return {
        label.rev_id: Fate(
            label.reverts_other,
            None if label.reverted_by is None else (times[label.reverted_by], label.reverted_by),
        )
        for label in identity_reverts(edits)
    }


def _count(value: int | None) -> int:
    assert value is not None
    return value
