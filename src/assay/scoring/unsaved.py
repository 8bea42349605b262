"""A text that is not saved yet, as the revision it would become.

Whoever asks knows some of it: a gadget the text and the page, MediaWiki's own hook the author and the
parent's text besides. What nobody tells is UNKNOWN, so features of it are missing, as they are for a dump
without accounts. Pasts of page and author are among these: they are known of saved revisions only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from assay.revisions.types import UNKNOWN, UNSAVED, Actor, Known, Page, Revision


@dataclass(frozen=True, slots=True)
class ParentText:
    """The text that the new one is to replace, as the client tells it. `timestamp`: aware."""

    text: str
    timestamp: Known[datetime] = UNKNOWN
    comment: Known[str] = UNKNOWN
    rev_id: Known[int] = UNKNOWN


@dataclass(frozen=True, slots=True)
class Unsaved:
    """What a client tells.

    `parent`: the parent's text, the id of a revision to fetch from the wiki, or None for a text that would
    begin its page. `title`: with its namespace's name; UNKNOWN only beside a revision to fetch, whose page it
    then is. `timestamp`: None for now.
    """

    text: str
    parent: ParentText | int | None = None
    title: Known[str] = UNKNOWN
    page_id: Known[int] = UNKNOWN
    namespace: Known[int] = UNKNOWN
    actor: Known[Actor] = UNKNOWN
    comment: Known[str] = UNKNOWN
    is_minor: Known[bool] = UNKNOWN
    timestamp: datetime | None = None


def unsaved_revision(told: Unsaved, fetched: Revision | None, now: datetime) -> Revision:
    """`fetched`: the parent, where `told` names one by its id. The revision's id is `UNSAVED`."""
    page = _page(told, fetched)
    parent = _parent(told, fetched, page)
    return Revision(
        id=UNSAVED,
        page=page,
        actor=told.actor,
        timestamp=told.timestamp or now,
        comment=told.comment,
        text=told.text,
        parent=parent,
        parent_id=_parent_id(told.parent),
        is_minor=told.is_minor,
        size_bytes=_size_bytes(told.text),
        content_model="wikitext" if parent is None else parent.content_model,
    )


def _page(told: Unsaved, fetched: Revision | None) -> Page:
    if isinstance(told.title, str):
        known = Page("") if fetched is None else fetched.page
        return Page(
            told.title,
            known.id if told.page_id is UNKNOWN else told.page_id,
            known.namespace if told.namespace is UNKNOWN else told.namespace,
        )
    if fetched is None:
        raise ValueError("a text needs a title, or a parent of the wiki's")
    return fetched.page


def _parent(told: Unsaved, fetched: Revision | None, page: Page) -> Revision | None:
    if isinstance(told.parent, int):
        assert fetched is not None
        return replace(fetched, parent=UNKNOWN, page_history=UNKNOWN, actor_history=UNKNOWN)
    if told.parent is None:
        return None
    given = told.parent
    return Revision(
        id=given.rev_id if isinstance(given.rev_id, int) else UNSAVED,
        page=page,
        actor=UNKNOWN,
        timestamp=given.timestamp,
        comment=given.comment,
        text=given.text,
        size_bytes=_size_bytes(given.text),
    )


def _parent_id(parent: ParentText | int | None) -> Known[int | None]:
    return parent.rev_id if isinstance(parent, ParentText) else parent


def _size_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
