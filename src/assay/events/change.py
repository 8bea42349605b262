"""One edit, as a wiki's stream told it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from assay.revisions.types import UNKNOWN, Actor, Known


@dataclass(frozen=True, slots=True)
class Change:
    """A revision that was saved, without its text. Not every stream tells everything: what it leaves out is
    UNKNOWN.

    `wiki`: the database name that the event gives. `parent_id`: None for a page creation. `title`: with
    blanks and the namespace's name, as people write it. `actor`: None when hidden or not told. `is_bot`: the
    account is a bot's, or the edit was flagged as one. `timestamp`: of the edit, aware, UTC. `uri`, `domain`,
    `request_id`: as in the event's `meta`.
    """

    wiki: str
    rev_id: int
    parent_id: int | None
    actor: Actor | None
    is_bot: bool
    title: Known[str] = UNKNOWN
    namespace: Known[int] = UNKNOWN
    page_id: Known[int] = UNKNOWN
    timestamp: Known[datetime] = UNKNOWN
    is_minor: Known[bool] = UNKNOWN
    is_redirect: Known[bool] = UNKNOWN
    uri: Known[str] = UNKNOWN
    domain: Known[str] = UNKNOWN
    request_id: Known[str] = UNKNOWN

    @property
    def is_creation(self) -> bool:
        return self.parent_id is None

    @property
    def identity(self) -> tuple[str, int]:
        """Equal for two tellings of the same edit, by whatever stream."""
        return self.wiki, self.rev_id


@dataclass(frozen=True, slots=True)
class NoEdit:
    """A well-formed event that tells of no new revision. `reason`: which kind it is, such as ``log``; one of
    `NO_EDIT`."""

    reason: str


NO_EDIT: Final = ("canary", "categorize", "external", "log", "page", "other")
"""Every `NoEdit.reason`. ``canary``: made up by Wikimedia to see that a stream flows. ``external``: another
wiki's edit, such as Wikidata's. ``page``: moved, deleted, restored or hidden. ``other``: another stream's."""
