"""``revision_data``: a text that is not saved yet, as Extension:ORES and others tell it to Lift Wing.

Lift Wing needs fourteen members; what Assay can do without may be left out, and then it is unknown. ``id``,
``bytes`` and the ``lang`` of the parent tell nothing that the rest does not, and are not read.
"""

from __future__ import annotations

from typing import Any, Final

from assay.errors import BadParameter
from assay.events.document import Document
from assay.revisions.record import is_ip
from assay.revisions.types import UNKNOWN, Actor, Known, anonymous_actor
from assay.scoring.unsaved import ParentText, Unsaved

UNSAVED_REV_ID: Final = -1
"""What Lift Wing calls a text that is not saved."""


def read_revision_data(value: Any) -> Unsaved:
    """A parent with an id and no text is fetched from the wiki; without a parent the text begins its page.

    Raises `BadParameter`.
    """
    data = Document(value, "revision_data")
    page = data.inner("page")
    return Unsaved(
        text=data.prose("text"),
        parent=_parent(data.inner("parent")) if data.has("parent") else None,
        title=page.text("title"),
        page_id=page.loose_id("id"),
        namespace=page.known_number("namespace_id"),
        actor=_actor(data.inner("user")) if data.has("user") else UNKNOWN,
        comment=data.known_prose("comment"),
        timestamp=data.known_moment("timestamp") or None,
    )


def _parent(parent: Document) -> ParentText | int:
    if parent.has("text"):
        return ParentText(
            parent.prose("text"),
            timestamp=parent.known_moment("timestamp"),
            comment=parent.known_prose("comment"),
            rev_id=parent.loose_id("id"),
        )
    if parent.has("id"):
        return parent.rev_id("id")
    raise BadParameter("Could not interpret 'revision_data.parent': give its text, or its id.")


def _actor(user: Document) -> Known[Actor]:
    """MediaWiki's id 0 is a logged-out author."""
    name = user.known_text("name")
    if user.has("id") and user.whole_number("id") == 0:
        return anonymous_actor(name)
    if not user.has("id") and isinstance(name, str) and is_ip(name):
        return anonymous_actor(name)
    if not user.has("id") and name is UNKNOWN:
        return UNKNOWN
    return Actor(
        name,
        is_anonymous=False,
        id=user.rev_id("id") if user.has("id") else UNKNOWN,
        groups=user.texts("groups"),
        registered_at=user.known_moment("registration_timestamp"),
        edit_count=user.known_number("edit_count"),
    )
