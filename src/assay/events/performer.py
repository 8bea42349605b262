"""Who made an edit, as Wikimedia's events tell it; the older and the newer ones differ in the keys only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from assay.events.document import Document
from assay.revisions.record import is_ip
from assay.revisions.types import UNKNOWN, Actor, Known


@dataclass(frozen=True, slots=True)
class Keys:
    """The names of a performer's fields."""

    groups: str
    is_bot: str
    registered: str
    edit_count: str


OLDER: Final = Keys("user_groups", "user_is_bot", "user_registration_dt", "user_edit_count")
NEWER: Final = Keys("groups", "is_bot", "registration_dt", "edit_count")
BOT: Final = "bot"
"""The group by which ORES knew a bot."""


def read_performer(parent: Document, key: str, keys: Keys) -> tuple[Actor | None, bool]:
    """The actor, None when hidden or not told, and whether it is a bot."""
    performer = parent.optional(key)
    groups = performer.texts(keys.groups)
    is_bot = performer.flag(keys.is_bot) is True or (groups is not UNKNOWN and BOT in groups)
    if not performer.has("user_text"):
        return None, is_bot
    name, user_id = performer.text("user_text"), performer.parent_id("user_id")
    is_anonymous = performer.flag("is_temp") is True or (user_id is None and is_ip(name))
    return (
        Actor(
            name,
            is_anonymous=is_anonymous,
            id=user_id if user_id is not None or is_anonymous else UNKNOWN,
            groups=groups,
            registered_at=performer.known_moment(keys.registered),
            edit_count=performer.known_number(keys.edit_count),
        ),
        is_bot,
    )


def named_actor(name: str, user_id: Known[int] = UNKNOWN) -> Actor:
    """One of whom a stream tells no more than this."""
    is_anonymous = is_ip(name)
    return Actor(name, is_anonymous=is_anonymous, id=None if is_anonymous else user_id)
