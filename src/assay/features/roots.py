"""What is read straight from a revision, under ORES's datasource names.

A root's value may be a `Problem` (hidden, deleted) or `UNKNOWN` (the source does not tell); the
solver carries both on to whatever depends on it. `parent.*` of a page creation is None.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from assay.features.graph.injection import boolean, groups, integer, optional, string, timestamp
from assay.features.graph.node import Root
from assay.features.graph.record import record
from assay.revisions.problem import Problem, unexpected_content_model
from assay.revisions.types import UNKNOWN, UNSAVED, Actor, ActorHistory, PageHistory, Revision


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
    from_json=integer,
)
TIMESTAMP = Root(
    "datasource.revision.timestamp",
    "When the revision was saved, UTC.",
    read=lambda r: r.timestamp,
    from_json=timestamp,
)
COMMENT = Root(
    "datasource.revision.comment",
    "Edit summary, wikitext, possibly empty.",
    read=lambda r: r.comment,
    from_json=string,
)
TEXT = Root("datasource.revision.text", "Wikitext.", read=_text, from_json=string)
MINOR = Root(
    "datasource.revision.minor",
    "Whether the author called the edit minor.",
    read=lambda r: r.is_minor,
    from_json=boolean,
)
PARENT_TEXT = Root(
    "datasource.revision.parent.text",
    "Wikitext of the parent; None for a page creation.",
    read=lambda r: _text(r.parent),
    from_json=optional(string),
)
PARENT_TIMESTAMP = Root(
    "datasource.revision.parent.timestamp",
    "When the parent was saved, UTC; None for a page creation.",
    read=_of_parent("timestamp"),
    from_json=optional(timestamp),
)
PARENT_COMMENT = Root(
    "datasource.revision.parent.comment",
    "Edit summary of the parent; None for a page creation.",
    read=_parent_comment,
    from_json=optional(string),
)
PARENT_ACTOR = Root(
    "datasource.revision.parent.user",
    "The parent's author (`Actor`); None for a page creation.",
    read=_parent_actor,
    from_json=optional(record(Actor)),
)
PAGE_TITLE = Root(
    "datasource.revision.page.title",
    "Page title with its namespace prefix.",
    read=lambda r: r.page.title,
    from_json=string,
)
PAGE_NAMESPACE = Root(
    "datasource.revision.page.namespace.id",
    "MediaWiki's namespace number.",
    read=lambda r: r.page.namespace,
    from_json=integer,
)
USER_NAME = Root(
    "datasource.revision.user.text",
    "User name or IP address.",
    read=_of_actor("name"),
    from_json=string,
)
USER_IS_ANONYMOUS = Root(
    "datasource.revision.user.is_anon",
    "Whether the author was not logged in.",
    read=_of_actor("is_anonymous"),
    from_json=boolean,
)
USER_ID = Root(
    "datasource.revision.user.id",
    "User id; None for anonymous authors.",
    read=_of_actor("id"),
    from_json=optional(integer),
)
USER_GROUPS = Root(
    "datasource.revision.user.info.groups",
    "Names of the author's groups at the time of asking.",
    read=_of_actor("groups"),
    from_json=groups,
)
USER_REGISTRATION = Root(
    "datasource.revision.user.info.registration",
    "When the author registered, UTC; None where the wiki has no date.",
    read=_of_actor("registered_at"),
    from_json=optional(timestamp),
)
USER_EDIT_COUNT = Root(
    "datasource.revision.user.info.editcount",
    "The author's edits on the wiki at the time of asking.",
    read=_of_actor("edit_count"),
    from_json=integer,
)
PAGE_HISTORY = Root(
    "datasource.revision.page.history",
    "The page's past before the edit (`PageHistory`).",
    read=lambda r: r.page_history,
    from_json=record(PageHistory),
)
ACTOR_HISTORY = Root(
    "datasource.revision.user.history",
    "The author's past before the edit (`ActorHistory`).",
    read=lambda r: r.actor_history,
    from_json=record(ActorHistory),
)
