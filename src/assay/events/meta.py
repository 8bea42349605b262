"""What all of Wikimedia's events have in common: their `meta`."""

from __future__ import annotations

from typing import Final

from assay.events.document import Document
from assay.revisions.types import UNKNOWN, Known

_CANARY: Final = "canary"


def is_canary(meta: Document) -> bool:
    """Whether the event was made up to see that its stream flows; nothing happened on any wiki."""
    return meta.known_text("domain") == _CANARY


def shown(title: Known[str]) -> Known[str]:
    """A title as people write it; in events it may be as addresses have it."""
    return UNKNOWN if title is UNKNOWN else title.replace("_", " ")
