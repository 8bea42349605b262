"""What is read straight from a revision, under ORES's datasource names.

A root's value may be a `Problem` (hidden, deleted) or `UNKNOWN` (the source does not tell); the
solver carries both on to whatever depends on it. `parent.*` of a page creation is None.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from assay.features.node import Root
from assay.revisions.problem import Problem, unexpected_content_model
from assay.revisions.types import UNKNOWN, UNSAVED, Actor, Revision


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value.encode("utf-8", "replace").decode("utf-8")


def _optional_string(value: Any) -> str | None:
    return None if value is None else _string(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise ValueError("must be a whole number below 2^63")
    return value


def _optional_integer(value: Any) -> int | None:
    return None if value is None else _integer(value)


def _timestamp(value: Any) -> datetime:
    """ISO 8601, as MediaWiki writes it; without a zone it is taken as UTC."""
    try:
        moment = datetime.fromisoformat(_string(value))
    except ValueError:
        raise ValueError("must be a time such as 2016-08-01T12:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _optional_timestamp(value: Any) -> datetime | None:
    return None if value is None else _timestamp(value)


def _groups(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise ValueError("must be a list of group names")
    return frozenset(_string(group) for group in value)


def _of_actor(field: str) -> Callable[[Revision], Any]:
    def read(revision: Revision) -> Any:
        return getattr(revision.actor, field) if type(revision.actor) is Actor else revision.actor

    return read


def _of_parent(field: str) -> Callable[[Revision], Any]:
    def read(revision: Revision) -> Any:
        parent = revision.parent
        return getattr(parent, field) if type(parent) is Revision else parent

    return read


def _text(revision: Revision | Problem | Any) -> Any:
    """Text of wikitext revisions only: other content models are not what the features describe."""
    if type(revision) is not Revision:
        return revision
    if revision.content_model != "wikitext":
        return unexpected_content_model(revision.id, revision.content_model)
    return revision.text


def _parent_actor(revision: Revision) -> Any:
    """The parent's `Actor`, None for a page creation, or UNKNOWN; a hidden name is merely unknown."""
    parent = revision.parent
    if type(parent) is not Revision:
        return parent
    return UNKNOWN if type(parent.actor) is Problem else parent.actor


def _parent_comment(revision: Revision) -> Any:
    parent = revision.parent
    if type(parent) is not Revision:
        return parent
    return UNKNOWN if type(parent.comment) is Problem else parent.comment


REVISION_ID = Root(
    "datasource.revision.id",
    "Revision id, positive; unknown of a text that is not saved.",
    read=lambda r: UNKNOWN if r.id == UNSAVED else r.id,
    from_json=_integer,
)
TIMESTAMP = Root(
    "datasource.revision.timestamp",
    "When the revision was saved, UTC.",
    read=lambda r: r.timestamp,
    from_json=_timestamp,
)
COMMENT = Root(
    "datasource.revision.comment",
    "Edit summary, wikitext, possibly empty.",
    read=lambda r: r.comment,
    from_json=_string,
)
TEXT = Root("datasource.revision.text", "Wikitext.", read=_text, from_json=_string)
MINOR = Root(
    "datasource.revision.minor",
    "Whether the author called the edit minor.",
    read=lambda r: r.is_minor,
    from_json=_boolean,
)
PARENT_TEXT = Root(
    "datasource.revision.parent.text",
    "Wikitext of the parent; None for a page creation.",
    read=lambda r: _text(r.parent),
    from_json=_optional_string,
)
PARENT_TIMESTAMP = Root(
    "datasource.revision.parent.timestamp",
    "When the parent was saved, UTC; None for a page creation.",
    read=_of_parent("timestamp"),
    from_json=_optional_timestamp,
)
PARENT_COMMENT = Root(
    "datasource.revision.parent.comment",
    "Edit summary of the parent; None for a page creation.",
    read=_parent_comment,
    from_json=_optional_string,
)
PARENT_ACTOR = Root(
    "datasource.revision.parent.user",
    "The parent's author (`Actor`); None for a page creation.",
    read=_parent_actor,
)
PAGE_TITLE = Root(
    "datasource.revision.page.title",
    "Page title with its namespace prefix.",
    read=lambda r: r.page.title,
    from_json=_string,
)
PAGE_NAMESPACE = Root(
    "datasource.revision.page.namespace.id",
    "MediaWiki's namespace number.",
    read=lambda r: r.page.namespace,
    from_json=_integer,
)
USER_NAME = Root(
    "datasource.revision.user.text",
    "User name or IP address.",
    read=_of_actor("name"),
    from_json=_string,
)
USER_IS_ANONYMOUS = Root(
    "datasource.revision.user.is_anon",
    "Whether the author was not logged in.",
    read=_of_actor("is_anonymous"),
    from_json=_boolean,
)
USER_ID = Root(
    "datasource.revision.user.id",
    "User id; None for anonymous authors.",
    read=_of_actor("id"),
    from_json=_optional_integer,
)
USER_GROUPS = Root(
    "datasource.revision.user.info.groups",
    "Names of the author's groups at the time of asking.",
    read=_of_actor("groups"),
    from_json=_groups,
)
USER_REGISTRATION = Root(
    "datasource.revision.user.info.registration",
    "When the author registered, UTC; None where the wiki has no date.",
    read=_of_actor("registered_at"),
    from_json=_optional_timestamp,
)
USER_EDIT_COUNT = Root(
    "datasource.revision.user.info.editcount",
    "The author's edits on the wiki at the time of asking.",
    read=_of_actor("edit_count"),
    from_json=_integer,
)
PAGE_HISTORY = Root(
    "datasource.revision.page.history",
    "The page's past before the edit (`PageHistory`).",
    read=lambda r: r.page_history,
)
ACTOR_HISTORY = Root(
    "datasource.revision.user.history",
    "The author's past before the edit (`ActorHistory`).",
    read=lambda r: r.actor_history,
)
