"""``mediawiki.page_change.v1``, the successor of revision-create (``/mediawiki/page/change/1.x``)."""

from __future__ import annotations

from typing import Any, Final

from assay.events.change import Change, NoEdit
from assay.events.document import Document
from assay.events.meta import is_canary, shown
from assay.events.performer import NEWER, read_performer

EDITS: Final = frozenset({"create", "edit"})
"""The kinds of page change that save somebody's new text. A move saves a revision, too, with its parent's
text: there is nothing to score."""


def read_page_change(event: Any) -> Change | NoEdit:
    """Raises `BadParameter`."""
    document = Document(event)
    meta = document.inner("meta")
    if is_canary(meta):
        return NoEdit("canary")
    if document.text("page_change_kind") not in EDITS:
        return NoEdit("page")
    page, revision = document.inner("page"), document.inner("revision")
    actor, is_bot = read_performer(revision, "editor", NEWER)
    if not revision.has("editor") and revision.flag("is_editor_visible") is not False:
        actor, is_bot = read_performer(document, "performer", NEWER)
    return Change(
        wiki=document.text("wiki_id"),
        rev_id=revision.rev_id("rev_id"),
        parent_id=revision.parent_id("rev_parent_id"),
        actor=actor,
        is_bot=is_bot,
        title=shown(page.known_text("page_title")),
        namespace=page.known_number("namespace_id"),
        page_id=page.loose_id("page_id"),
        timestamp=revision.known_moment("rev_dt") or document.known_moment("dt"),
        is_minor=revision.flag("is_minor_edit"),
        is_redirect=page.flag("is_redirect"),
        uri=meta.known_text("uri"),
        domain=meta.known_text("domain"),
        request_id=meta.known_text("request_id"),
    )
