"""A row of the action API's ``list=recentchanges`` (formatversion 2)."""

from __future__ import annotations

from typing import Any, Final

from assay.events.change import Change, NoEdit
from assay.events.document import Document
from assay.events.meta import shown
from assay.events.performer import named_actor
from assay.events.recentchange import no_edit

CHANGE_PROPERTIES: Final = "ids|title|timestamp|user|userid|flags|redirect"
"""``rcprop`` for all that `read_row` reads."""


def read_row(row: Any, wiki: str) -> Change | NoEdit:
    """`wiki`: its database name, which rows do not tell. Raises `BadParameter`."""
    document = Document(row)
    if (other := no_edit(document)) is not None:
        return other
    return Change(
        wiki=wiki,
        rev_id=document.rev_id("revid"),
        parent_id=document.parent_id("old_revid"),
        actor=named_actor(document.text("user"), document.loose_id("userid"))
        if document.has("user")
        else None,
        is_bot=document.flag("bot") is True,
        title=shown(document.known_text("title")),
        namespace=document.known_number("ns"),
        page_id=document.loose_id("pageid"),
        timestamp=document.known_moment("timestamp"),
        is_minor=document.flag("minor"),
        is_redirect=document.flag("redirect"),
    )
