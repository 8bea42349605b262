"""An event of any kind that Assay knows, told apart by what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from assay.events.change import Change, NoEdit
from assay.events.document import Document, missing
from assay.events.page_change import read_page_change
from assay.events.recentchange import read_recentchange
from assay.events.revision_create import read_revision_create

Read = Callable[[Any], Change | NoEdit]

_SCHEMAS: Final[tuple[tuple[str, Read], ...]] = (
    ("/mediawiki/revision/create/", read_revision_create),
    ("/mediawiki/page/change/", read_page_change),
    ("/mediawiki/recentchange/", read_recentchange),
)
_STREAMS: Final[tuple[tuple[str, Read], ...]] = (
    ("mediawiki.revision-create", read_revision_create),
    ("mediawiki.page-create", read_revision_create),
    ("mediawiki.page_change.v1", read_page_change),
    ("mediawiki.recentchange", read_recentchange),
)
"""Events without a schema, as ORES took them, name their stream or (before 2019) their topic."""

_NEEDED: Final = ("database", "rev_id", "meta")
"""What ORES asked of an event, in its order."""


def read_event(event: Any) -> Change | NoEdit:
    """By its ``$schema``, else by its stream or topic, else by its shape (RCFeed has neither).

    An event of another kind is a `NoEdit`. Raises `BadParameter` for one that says nothing of its kind, or is
    malformed.
    """
    document = Document(event)
    if document.has("$schema"):
        schema = document.text("$schema")
        return _first(_SCHEMAS, schema.startswith, event)
    meta = document.optional("meta")
    for key in ("stream", "topic"):
        if meta.has(key):
            return _first(_STREAMS, meta.text(key).endswith, event)
    if document.has("type") and document.has("wiki"):
        return read_recentchange(event)
    raise missing(next((key for key in _NEEDED if not document.has(key)), "meta.stream"))


def _first(known: tuple[tuple[str, Read], ...], fits: Callable[[str], bool], event: Any) -> Change | NoEdit:
    return next((read(event) for name, read in known if fits(name)), NoEdit("other"))
