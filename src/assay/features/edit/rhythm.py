"""When the edit was made, and who edited just before.

The hour is the server's (UTC): it separates school hours from evenings on a wiki of one country, and
means little on a wiki of the whole world; models for any wiki leave it out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.roots import PARENT_ACTOR, PARENT_TIMESTAMP, TIMESTAMP, USER_NAME
from assay.revisions.types import Actor


def _gap_s(timestamp: datetime, parent_timestamp: datetime | None) -> float | None:
    """Negative where an import shuffled the clock."""
    return None if parent_timestamp is None else (timestamp - parent_timestamp).total_seconds()


def _same_user(name: str, parent: Actor | None) -> bool | None:
    return None if parent is None else parent.name == name


FEATURES = (
    Feature(
        "feature.assay.rhythm.hour",
        "Hour of the day, UTC, 0 to 23.",
        (TIMESTAMP,),
        lambda moment: moment.hour,
        type="int",
    ),
    Feature(
        "feature.assay.rhythm.weekday",
        "Day of the week, UTC, 0 (Monday) to 6.",
        (TIMESTAMP,),
        lambda moment: moment.weekday(),
        type="int",
    ),
    Feature(
        "feature.assay.parent.seconds_since",
        "Seconds since the parent was saved; missing for a page creation.",
        (TIMESTAMP, PARENT_TIMESTAMP),
        _gap_s,
    ),
    Feature(
        "feature.assay.parent.same_user",
        "Whether the same user made the parent; missing for a page creation.",
        (USER_NAME, PARENT_ACTOR),
        _same_user,
        type="bool",
    ),
    Feature(
        "feature.assay.parent.is_anon",
        "Whether the parent's author was not logged in; missing for a page creation.",
        (PARENT_ACTOR,),
        lambda parent: None if parent is None else parent.is_anonymous,
        type="bool",
    ),
)


def family(_: Lexicons) -> Iterable[Node]:
    return FEATURES
