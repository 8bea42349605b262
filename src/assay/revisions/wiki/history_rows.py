"""Lines of a history from answers of the action API; pure.

Unlike in serving, an entry that cannot be read makes the whole answer unusable: a history with holes would
give wrong labels, and the answer can be asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from assay.revisions.digest import base36_of_hex
from assay.revisions.record import is_ip, seconds, whole
from assay.revisions.wiki.api_document import well_formed

PROPERTIES: Final = "ids|timestamp|user|userid|comment|flags|size|sha1|contentmodel"
"""Of `arvprop`, for `rows`."""
Row = dict[str, Any]
"""One revision in the fields of a history's line, without its text."""


def rows(document: Mapping[str, Any]) -> list[Row]:
    """Every revision of an answer to `list=allrevisions`. Raises `SourceUnavailable` when it is malformed."""
    with well_formed():
        pages = document["query"]["allrevisions"]
        return [_row(page, entry) for page in pages for entry in page["revisions"]]


def texts(document: Mapping[str, Any]) -> dict[int, str | None]:
    """Texts by revision of an answer to `prop=revisions`; None: hidden. Raises as `rows`."""
    with well_formed():
        pages = document["query"].get("pages", ())
        return {int(entry["revid"]): _text(entry) for page in pages for entry in page.get("revisions", ())}


def _row(page: Mapping[str, Any], entry: Mapping[str, Any]) -> Row:
    """MediaWiki's own `anon` also flags imported authors who have no account there: it is not asked."""
    user = None if entry.get("userhidden") else whole(entry["user"])
    seconds(entry["timestamp"])
    row: Row = {
        "rev_id": int(entry["revid"]),
        "page_id": int(page["pageid"]),
        "page_title": whole(page["title"]),
        "namespace": int(page["ns"]),
        "parent_id": int(entry["parentid"]),
        "timestamp": str(entry["timestamp"]),
        "user": user,
        "user_id": entry.get("userid") or None,
        "anon": bool(entry.get("temp") or (user is not None and is_ip(user))),
        "comment": None if entry.get("commenthidden") else whole(entry["comment"]),
        "minor": bool(entry.get("minor")),
        "bytes": entry.get("size"),
    }
    model = entry.get("slots", {}).get("main", {}).get("contentmodel")
    if model not in (None, "wikitext"):
        row["content_model"] = str(model)
    if isinstance(entry.get("sha1"), str):
        row["sha1"] = base36_of_hex(entry["sha1"])
    if entry.get("sha1hidden"):
        row["text_hidden"] = True
    return row


def _text(entry: Mapping[str, Any]) -> str | None:
    slot = entry["slots"]["main"]
    if slot.get("texthidden") or slot.get("textmissing") or slot.get("missing"):
        return None
    return whole(slot["content"])
