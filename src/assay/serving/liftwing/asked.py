"""What a client of Lift Wing asks to be scored: a saved revision, by its id or an event of it, or a text.

What is given beside is ignored, as Lift Wing ignores it. Given in several ways, the first of `revision_data`,
`event` and `rev_id` counts, as there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from assay.errors import BadParameter
from assay.events import Change, read_event
from assay.revisions.record import MAX_ID
from assay.scoring.unsaved import Unsaved
from assay.serving.liftwing.revision_data import read_revision_data

_DIGITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Asked:
    """`subject`: a revision's id, or a text that is not saved. `wiki`: which one an event is of; None when
    nothing tells."""

    subject: int | Unsaved
    wiki: str | None = None


def read_asked(body: Mapping[str, Any]) -> Asked:
    """Raises `BadParameter`."""
    if body.get("revision_data") is not None:
        return Asked(read_revision_data(body["revision_data"]))
    if body.get("event") is not None:
        change = read_event(body["event"])
        if not isinstance(change, Change):
            raise BadParameter("The event tells of no new revision; send one of a page edited or created.")
        return Asked(change.rev_id, change.wiki)
    return Asked(read_rev_id(body))


def read_rev_id(body: Mapping[str, Any]) -> int:
    """Bots and Lift Wing's own Python client write it as a string, too. Raises `BadParameter`."""
    rev_id = body.get("rev_id")
    if rev_id is None:
        raise BadParameter("Say what to score: give rev_id, event or revision_data.")
    if isinstance(rev_id, str) and _DIGITS.fullmatch(rev_id):
        rev_id = int(rev_id)
    if not isinstance(rev_id, int) or isinstance(rev_id, bool) or not 0 < rev_id <= MAX_ID:
        raise BadParameter(f"Could not interpret rev_id. Give a whole number from 1 to {MAX_ID}.")
    return rev_id


def read_extended(body: Mapping[str, Any]) -> bool:
    """Whether the features are wanted, too. Clients write true as a string, and null for no. Raises
    `BadParameter`."""
    value = body.get("extended_output")
    if isinstance(value, str):
        value = _FLAGS.get(value.lower(), value)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadParameter("Could not interpret extended_output. Give true or false.")
