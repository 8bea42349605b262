"""What the action API says about revisions and users, read into our types; pure.

For serving every entry is read on its own: one that is malformed is a problem for its id and for no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from assay.errors import SourceUnavailable
from assay.revisions.digest import base36_of_hex
from assay.revisions.problem import (
    Problem,
    comment_deleted,
    revision_not_found,
    source_failed,
    text_deleted,
    text_missing,
    text_too_large,
    user_deleted,
)
from assay.revisions.record import is_ip, moment, seconds, whole
from assay.revisions.types import UNKNOWN, Actor, Known, Page, Revision, anonymous_actor

REVISION_PROPERTIES = "ids|timestamp|user|userid|comment|flags|size|sha1|contentmodel|content|tags"


def read_revisions(document: Mapping[str, Any], max_text_bytes: int) -> dict[int, Revision | Problem]:
    """The revisions of one answer to `prop=revisions`, and those it says not to exist.

    Their `parent` is still UNKNOWN, and `parent_id` tells which one it is.
    """
    query = _mapping(document.get("query"))
    found: dict[int, Revision | Problem] = {rev_id: revision_not_found(rev_id) for rev_id in _bad_ids(query)}
    for page in _sequence(query.get("pages")):
        for entry in _sequence(_mapping(page).get("revisions")):
            rev_id = _mapping(entry).get("revid")
            if isinstance(rev_id, int):
                found[rev_id] = _try_revision(rev_id, _mapping(page), _mapping(entry), max_text_bytes)
    return found


def read_users(document: Mapping[str, Any]) -> dict[int, Actor]:
    """Accounts by id, from an answer to `list=users`; ids that do not exist are left out."""
    query = _mapping(document.get("query"))
    users: dict[int, Actor] = {}
    for entry in map(_mapping, _sequence(query.get("users"))):
        user_id, name = entry.get("userid"), entry.get("name")
        if isinstance(user_id, int) and isinstance(name, str) and not entry.get("missing"):
            users[user_id] = _account(user_id, name, entry)
    return users


@contextmanager
def well_formed() -> Iterator[None]:
    """For reading an answer that must be whole: one of another shape raises `SourceUnavailable`."""
    try:
        yield
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise SourceUnavailable(
            f"The wiki's answer is malformed ({type(error).__name__}: {error}): try again."
        ) from None


def with_account(actor: Actor, account: Actor) -> Actor:
    """The author of a revision with what the account tells; the name stays as the revision has it."""
    return replace(account, name=actor.name, is_anonymous=actor.is_anonymous)


def _bad_ids(query: Mapping[str, Any]) -> Iterator[int]:
    bad = query.get("badrevids")
    entries = bad.values() if isinstance(bad, dict) else _sequence(bad)
    for entry in map(_mapping, entries):
        if isinstance(entry.get("revid"), int):
            yield entry["revid"]


def _try_revision(
    rev_id: int, page: Mapping[str, Any], entry: Mapping[str, Any], max_text_bytes: int
) -> Revision | Problem:
    try:
        return _revision(rev_id, page, entry, max_text_bytes)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        return source_failed(rev_id, f"the wiki's answer is malformed ({type(error).__name__}: {error})")


def _revision(
    rev_id: int, page: Mapping[str, Any], entry: Mapping[str, Any], max_text_bytes: int
) -> Revision:
    slot = _mapping(_mapping(entry.get("slots")).get("main"))
    sha1 = base36_of_hex(entry["sha1"]) if isinstance(entry.get("sha1"), str) else None
    return Revision(
        id=rev_id,
        page=Page(_string(page["title"]), _integer(page.get("pageid")), _integer(page.get("ns"))),
        actor=_author(rev_id, entry),
        timestamp=moment(seconds(entry["timestamp"])),
        comment=comment_deleted(rev_id) if entry.get("commenthidden") else _string(entry["comment"]),
        text=_text(rev_id, slot, max_text_bytes),
        parent_id=int(entry["parentid"]) or None,
        is_minor=bool(entry["minor"]) if "minor" in entry else UNKNOWN,
        size_bytes=_integer(entry.get("size")),
        sha1=UNKNOWN if sha1 is None else sha1,
        content_model=str(slot.get("contentmodel", "wikitext")),
        tags=tuple(map(str, entry["tags"])) if isinstance(entry.get("tags"), list) else UNKNOWN,
    )


def _author(rev_id: int, entry: Mapping[str, Any]) -> Actor | Problem:
    """The author as the revision tells it.

    A temporary account (MediaWiki ≥ 1.42) is a logged-out person's: anonymous, but with an account id.
    MediaWiki flags imported authors without an account here ``anon``, too; their names are no addresses.
    """
    if entry.get("userhidden"):
        return user_deleted(rev_id)
    name, user_id = _string(entry["user"]), entry.get("userid")
    if entry.get("temp"):
        return replace(anonymous_actor(name), id=_integer(user_id))
    if not user_id and is_ip(name):
        return anonymous_actor(name)
    return Actor(name, is_anonymous=False, id=_integer(user_id or None))


def _text(rev_id: int, slot: Mapping[str, Any], max_text_bytes: int) -> str | Problem:
    if slot.get("texthidden"):
        return text_deleted(rev_id)
    if slot.get("textmissing") or slot.get("missing"):
        return text_missing(rev_id)
    text = _string(slot["content"])
    size_bytes = len(text) if text.isascii() else len(text.encode())
    return text if size_bytes <= max_text_bytes else text_too_large(rev_id, size_bytes, max_text_bytes)


def _account(user_id: int, name: str, entry: Mapping[str, Any]) -> Actor:
    groups = entry.get("groups")
    return Actor(
        whole(name),
        is_anonymous=False,
        id=user_id,
        groups=frozenset(map(str, groups)) if isinstance(groups, list) else UNKNOWN,
        registered_at=_registered_at(entry),
        edit_count=_integer(entry.get("editcount")),
    )


def _registered_at(entry: Mapping[str, Any]) -> Known[datetime | None]:
    if "registration" not in entry:
        return UNKNOWN
    try:
        return None if entry["registration"] is None else moment(seconds(entry["registration"]))
    except (TypeError, ValueError, OverflowError):
        return UNKNOWN


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not a string")
    return whole(value)


def _integer(value: Any) -> Known[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) else UNKNOWN


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
