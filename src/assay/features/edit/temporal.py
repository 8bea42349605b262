"""When the edit was made, and how long that was after other events. All times are UTC."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.roots import PARENT_TIMESTAMP, TIMESTAMP, USER_IS_ANONYMOUS, USER_REGISTRATION
from assay.revisions.types import UNKNOWN

_YEAR_S: Final = 365 * 24 * 60 * 60
_FIRST_REGISTRATIONS: Final = datetime(2006, 1, 1, tzinfo=UTC)
"""Older accounts have no date in MediaWiki; the legacy took this one for all of them."""


def seconds_since_registration(anonymous: Any, registered_at: Any, timestamp: Any) -> Any:
    """Age of the account at the edit; 0 for anonymous users, who have none.

    A registration after the edit (imported edits, renamed accounts) counts as one year, as in ORES.
    """
    if anonymous is True:
        return 0
    if UNKNOWN in (anonymous, registered_at, timestamp):
        return UNKNOWN
    registered_at = registered_at or _FIRST_REGISTRATIONS
    return _YEAR_S if registered_at > timestamp else int((timestamp - registered_at).total_seconds())


def seconds_since_parent(parent_timestamp: datetime | None, timestamp: datetime) -> int:
    return 0 if parent_timestamp is None else int((timestamp - parent_timestamp).total_seconds())


_NODES: Final = (
    Feature(
        "feature.temporal.revision.user.seconds_since_registration",
        "Seconds from the author's registration to the edit; 0 for anonymous users.",
        (USER_IS_ANONYMOUS, USER_REGISTRATION, TIMESTAMP),
        seconds_since_registration,
        type="int",
        accepts_unknown=True,
    ),
    Feature(
        "feature.temporal.revision.parent.seconds_since",
        "Seconds from the parent's edit to this one; 0 for a page creation.",
        (PARENT_TIMESTAMP, TIMESTAMP),
        seconds_since_parent,
        type="int",
    ),
    Feature(
        "feature.temporal.revision.day_of_week",
        "Day of the week, 0 Monday to 6 Sunday.",
        (TIMESTAMP,),
        datetime.weekday,
        type="int",
    ),
    Feature(
        "feature.temporal.revision.hour_of_day",
        "Hour of the day, 0 to 23.",
        (TIMESTAMP,),
        lambda timestamp: timestamp.hour,
        type="int",
    ),
)


def family(_: Lexicons) -> Iterable[Node]:
    """All nodes of this module; they need no lexicon."""
    return _NODES
