"""Who made an edit, as cards divide people: anonymous, new, experienced; and bots, who are left out.

The numbers are those of the feature ``feature.assay.user.type``. The two differ where a history does not tell
how old an account is: the feature is unknown then, since a veteran's first edit *there* must not look like a
beginner's, but a card needs a group for everybody and counts the edits alone.
"""

from __future__ import annotations

from typing import Final

from assay.features.edit.actor import ANONYMOUS, CONFIRMED_EDITS, EXPERIENCED, NEWCOMER
from assay.revisions.problem import Problem
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, Known, Revision

UNKNOWN_GROUP: Final = -1
GROUP_NAMES: Final = {
    ANONYMOUS: "anonymous",
    NEWCOMER: "new",
    EXPERIENCED: "experienced",
    UNKNOWN_GROUP: "unknown",
}
"""As they stand in statistics and cards."""


def actor_group(revision: Revision) -> int:
    """One of `GROUP_NAMES`; unknown where the author is hidden, or neither past nor edit count is known.

    A newcomer is who has fewer than `CONFIRMED_EDITS` earlier edits in the history: new *there*.
    """
    actor, past = revision.actor, revision.actor_history
    if not isinstance(actor, Actor):
        return UNKNOWN_GROUP
    if actor.is_anonymous:
        return ANONYMOUS
    edits = past.edits if isinstance(past, ActorHistory) else actor.edit_count
    if not isinstance(edits, int):
        return UNKNOWN_GROUP
    return NEWCOMER if edits < CONFIRMED_EDITS else EXPERIENCED


def is_bot(actor: Known[Actor | Problem]) -> bool:
    """By group where groups are known, or by name."""
    if not isinstance(actor, Actor):
        return False
    groups = () if actor.groups is UNKNOWN else actor.groups
    return "bot" in groups or (isinstance(actor.name, str) and is_bot_name(actor.name))


def is_bot_name(name: str) -> bool:
    """Whether a user name ends in "bot", in any case: all that a history tells of bots."""
    return name.casefold().endswith("bot")
