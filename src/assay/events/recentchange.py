"""MediaWiki's RCFeed in JSON (``JSONRCFeedFormatter``), and ``mediawiki.recentchange``: the same with a
`meta`."""

from __future__ import annotations

from typing import Any, Final

from assay.events.change import Change, NoEdit
from assay.events.document import Document
from assay.events.meta import is_canary, shown
from assay.events.performer import named_actor

_EDITS: Final = frozenset({"edit", "new"})
_OTHERS: Final = frozenset({"log", "categorize", "external"})


def read_recentchange(event: Any) -> Change | NoEdit:
    """It tells neither the page's id nor the actor's, nor groups. Raises `BadParameter`."""
    document = Document(event)
    meta = document.optional("meta")
    if is_canary(meta):
        return NoEdit("canary")
    if (other := no_edit(document)) is not None:
        return other
    revision = document.inner("revision")
    return Change(
        wiki=document.text("wiki"),
        rev_id=revision.rev_id("new"),
        parent_id=revision.parent_id("old"),
        actor=named_actor(document.text("user")) if document.has("user") else None,
        is_bot=document.flag("bot") is True,
        title=shown(document.known_text("title")),
        namespace=document.known_number("namespace"),
        timestamp=document.known_moment("timestamp"),
        is_minor=document.flag("minor"),
        uri=meta.known_text("uri"),
        domain=meta.known_text("domain") or document.known_text("server_name"),
        request_id=meta.known_text("request_id"),
    )


def no_edit(document: Document) -> NoEdit | None:
    """What its ``type`` says of a recent change that is none of somebody's edits; None of one that is."""
    kind = document.text("type")
    return None if kind in _EDITS else NoEdit(kind if kind in _OTHERS else "other")
