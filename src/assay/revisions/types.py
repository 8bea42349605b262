"""What an edit is: immutable, typed, and honest about what is not known.

Three different things may stand where a value could be:

* ``None``: there is none (a page creation has no parent).
* ``UNKNOWN``: this source does not tell (a dump holds no user groups). Features computed from
  it are *missing*, never zero.
* a `Problem`: it exists, but cannot be had (hidden text). Models that need it answer with the problem.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar

from assay.revisions.called import UNSAVED as UNSAVED
from assay.revisions.problem import Problem

NOBODY: Final = "Unknown user"
"""What histories taken from mirrors write for authors they do not know: many people, not one."""


class Unknown(Enum):
    """The type of `UNKNOWN`, so that mypy can tell it from every value."""

    UNKNOWN = "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> Literal[False]:
        return False


UNKNOWN: Final = Unknown.UNKNOWN

T = TypeVar("T")
Known: TypeAlias = T | Unknown


@dataclass(frozen=True, slots=True)
class Page:
    """The page that a revision belongs to. `namespace`: MediaWiki's number, 0 for articles."""

    title: str
    id: Known[int] = UNKNOWN
    namespace: Known[int] = UNKNOWN


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made the edit, as the wiki tells it.

    `name`: UNKNOWN only of one who has not saved yet. `id`: None for an anonymous actor. `groups`:
    explicit and implicit group names (``bot``, ``sysop``, ``user``, …). `registered_at`: None where the
    wiki itself has no date (accounts from before 2005). `edit_count`: at the time of asking, not of the edit.
    """

    name: Known[str]
    is_anonymous: bool
    id: Known[int | None] = UNKNOWN
    groups: Known[frozenset[str]] = UNKNOWN
    registered_at: Known[datetime | None] = UNKNOWN
    edit_count: Known[int] = UNKNOWN


def anonymous_actor(name: Known[str]) -> Actor:
    """A logged-out author: what is known of every one of them, on every wiki and from every source."""
    return Actor(name, is_anonymous=True, id=None, groups=frozenset({"*"}), registered_at=None)


@dataclass(frozen=True, slots=True)
class PageHistory:
    """A page's past as known just *before* the edit; nothing that came later is in it.

    Counts of earlier revisions of the page: all of them (`edits`), identity-reverting ones
    (`reverts`), ones whose revert had already happened (`reverted`), distinct actor names
    (`actors`). `created_at`: time of the first revision.
    `last_revert_at`: time of the latest reverting revision, None if there was none.
    `recent_reverts`, `recent_reverted`: the same counts among the latest 10 revisions.
    """

    edits: int
    reverts: int
    reverted: int
    actors: int
    created_at: datetime
    last_revert_at: datetime | None
    recent_reverts: Known[int] = UNKNOWN
    recent_reverted: Known[int] = UNKNOWN


@dataclass(frozen=True, slots=True)
class ActorHistory:
    """An actor's past on this wiki as known just *before* the edit.

    Counts of the actor's earlier edits: all (`edits`), ones that had been reverted by another actor
    before this edit (`reverted`), ones that reverted others (`reverts`), distinct pages (`pages`),
    and edits to this very page (`edits_to_page`). Times are None when there was no earlier edit.
    `last_reverted_at`: when another actor last undid an edit, None if nobody had.
    """

    edits: int
    reverted: int
    reverts: int
    pages: int
    edits_to_page: int
    first_edit_at: datetime | None
    last_edit_at: datetime | None
    last_reverted_at: Known[datetime | None] = UNKNOWN


@dataclass(frozen=True, slots=True)
class Revision:
    """One saved state of a page, with its parent one step deep (a parent's own parent is UNKNOWN).

    `id`: positive, or `UNSAVED`. `timestamp`: aware, UTC. `size_bytes`: UTF-8 length of the text.
    `sha1`: base 36, as dumps write it. `text` never holds lone surrogates.
    `parent`: None for a page creation.
    """

    id: int
    page: Page
    actor: Known[Actor | Problem]
    timestamp: Known[datetime]
    comment: Known[str | Problem]
    text: str | Problem
    parent: Revision | Problem | Known[None] = UNKNOWN
    parent_id: Known[int | None] = UNKNOWN
    is_minor: Known[bool] = UNKNOWN
    size_bytes: Known[int] = UNKNOWN
    sha1: Known[str] = UNKNOWN
    content_model: str = "wikitext"
    tags: Known[tuple[str, ...]] = UNKNOWN
    page_history: Known[PageHistory] = UNKNOWN
    actor_history: Known[ActorHistory] = UNKNOWN
