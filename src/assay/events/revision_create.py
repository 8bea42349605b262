"""``mediawiki.revision-create``, which ORES was fed with, and ``mediawiki.page-create`` of the same schema
(``/mediawiki/revision/create/1.x`` and ``2.x``)."""

from __future__ import annotations

from typing import Any

from assay.events.change import Change, NoEdit
from assay.events.document import Document
from assay.events.meta import is_canary, shown
from assay.events.performer import OLDER, read_performer


def read_revision_create(event: Any) -> Change | NoEdit:
    """Every such event is an edit. Raises `BadParameter`."""
    document = Document(event)
    wiki, rev_id = document.text("database"), document.rev_id("rev_id")
    meta = document.inner("meta")
    if is_canary(meta):
        return NoEdit("canary")
    actor, is_bot = read_performer(document, "performer", OLDER)
    return Change(
        wiki=wiki,
        rev_id=rev_id,
        parent_id=document.parent_id("rev_parent_id"),
        actor=actor,
        is_bot=is_bot,
        title=shown(document.known_text("page_title")),
        namespace=document.known_number("page_namespace"),
        page_id=document.loose_id("page_id"),
        timestamp=document.known_moment("rev_timestamp") or meta.known_moment("dt"),
        is_minor=document.flag("rev_minor_edit"),
        is_redirect=document.flag("page_is_redirect"),
        uri=meta.known_text("uri"),
        domain=meta.known_text("domain"),
        request_id=meta.known_text("request_id"),
    )
