"""Who made the edit: rights and experience, as ORES asked for them.

Groups and registration come from the wiki's user record. Where the source has none (a dump), these
features are unknown, never "no": except for anonymous users, who belong to no group anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.roots import (
    ACTOR_HISTORY,
    TIMESTAMP,
    USER_EDIT_COUNT,
    USER_GROUPS,
    USER_IS_ANONYMOUS,
    USER_REGISTRATION,
)
from assay.revisions.types import UNKNOWN, ActorHistory

_GROUPS: Final = {
    "is_bot": ["bot"],
    "has_advanced_rights": ["bureaucrat", "checkuser", "oversight", "steward"],
    "is_admin": ["sysop"],
    "is_trusted": [
        "accountcreator",
        "autopatrolled",
        "browsearchive",
        "centralnoticeadmin",
        "deletedhistory",
        "interface-editor",
        "massmessage-sender",
        "noratelimit",
        "propertycreator",
        "templateeditor",
    ],
    "is_patroller": [
        "abusefilter",
        "autoeditor",
        "autoreview",
        "autoreviewer",
        "editor",
        "eliminator",
        "patroller",
        "reviewer",
        "rollback",
    ],
    "is_curator": ["filemover", "import", "suppressredirect"],
}
"""Which groups make which of ORES's truth values; as in editquality's ``mediawiki.user_rights``."""

ANONYMOUS: Final = 0
NEWCOMER: Final = 1
EXPERIENCED: Final = 2

CONFIRMED_AFTER: Final = timedelta(days=4)
CONFIRMED_EDITS: Final = 10
"""What makes an account "autoconfirmed" on Wikipedia; see also `assay.models.actor_group`."""


def user_type(anonymous: Any, registered_at: Any, edit_count: Any, past: Any, timestamp: Any) -> Any:
    """Anonymous, newcomer or experienced, by the rule that makes an account "autoconfirmed".

    Experienced: registered at least 4 days before the edit and with at least 10 edits; where the
    number of edits is unknown the age decides alone. An account without a date is from before 2006. Where
    the registration is unknown, edits before this one that are long or many enough prove
    experience; fewer prove nothing (they may lie outside the dump), so the type is unknown.
    """
    if anonymous is not False:
        return ANONYMOUS if anonymous is True else UNKNOWN
    if timestamp is UNKNOWN:
        return UNKNOWN
    if registered_at is UNKNOWN:
        return EXPERIENCED if _proves_experience(past, timestamp) else UNKNOWN
    is_young = registered_at is not None and timestamp - registered_at < CONFIRMED_AFTER
    has_few_edits = edit_count is not UNKNOWN and edit_count < CONFIRMED_EDITS
    return NEWCOMER if is_young or has_few_edits else EXPERIENCED


def _proves_experience(past: Any, timestamp: datetime) -> bool:
    return (
        isinstance(past, ActorHistory)
        and past.first_edit_at is not None
        and past.edits >= CONFIRMED_EDITS
        and timestamp - past.first_edit_at >= CONFIRMED_AFTER
    )


def _in_groups(names: Iterable[str]) -> Callable[[Any, Any], Any]:
    wanted = frozenset(names)

    def decide(anonymous: Any, groups: Any) -> Any:
        if groups is UNKNOWN:
            return False if anonymous is True else UNKNOWN
        return not wanted.isdisjoint(groups)

    return decide


_NODES: Final = (
    Feature(
        "feature.revision.user.is_anon",
        "Whether the author was not logged in.",
        (USER_IS_ANONYMOUS,),
        lambda anonymous: anonymous,
        type="bool",
    ),
    *(
        Feature(
            f"feature.revision.user.{name}",
            f"Whether the author is in one of the groups {', '.join(groups)}.",
            (USER_IS_ANONYMOUS, USER_GROUPS),
            _in_groups(groups),
            type="bool",
            accepts_unknown=True,
        )
        for name, groups in _GROUPS.items()
    ),
    Feature(
        "feature.assay.user.type",
        "0 anonymous, 1 newcomer (less than 4 days or 10 edits), 2 experienced.",
        (USER_IS_ANONYMOUS, USER_REGISTRATION, USER_EDIT_COUNT, ACTOR_HISTORY, TIMESTAMP),
        user_type,
        type="int",
        accepts_unknown=True,
    ),
)


def family(_: Lexicons) -> Iterable[Node]:
    """All nodes of this module; they need no lexicon."""
    return _NODES
