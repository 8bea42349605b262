"""What the elements of a page and a revision in an export say, once they have been read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from assay.revisions.digest import EMPTY, sha1_base36
from assay.revisions.files.bounded_text import MeasuredText
from assay.revisions.record import MAX_ID, Record, TextState, is_ip, seconds
from assay.revisions.types import UNKNOWN, Known

Version = tuple[int, int]
"""Of the export's schema: (0, 11) for 0.11."""

PARENTS_SINCE: Final[Version] = (0, 7)


class Unreadable(Exception):
    """An element says what it cannot; the message goes on after "The export …"."""


@dataclass(slots=True)
class PageDraft:
    """A page's elements as far as they have been read."""

    title: str = ""
    id: Known[int] = UNKNOWN
    namespace: Known[int] = UNKNOWN


@dataclass(slots=True)
class Draft:
    """A revision's elements as they were read. A `deleted` attribute leaves its element's name in `hidden`.

    `text`: None when there is no text element.
    """

    values: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    text: MeasuredText | None = None
    text_attributes: dict[str, str] = field(default_factory=dict)

    @property
    def has_doubtful_text(self) -> bool:
        """Whether it is empty, and the export tells neither its length nor its digest."""
        return (
            self.text is not None
            and self.text.text == b""
            and "text" not in self.hidden
            and not (self.declared_bytes or self.declared_sha1)
        )

    @property
    def declared_bytes(self) -> str:
        """Empty when the export does not tell; so is the next."""
        return self.text_attributes.get("bytes", "")

    @property
    def declared_sha1(self) -> str:
        return self.values.get("sha1") or self.text_attributes.get("sha1") or ""


def record_of(draft: Draft, page: PageDraft, version: Version) -> Record:
    """The revision as both readers give it. Raises `Unreadable`."""
    values = draft.values
    state = _text_state(draft)
    user, anonymous = _user(draft)
    return Record(
        rev_id=_rev_id(values),
        title=page.title,
        timestamp_s=_seconds(values.get("timestamp", "")),
        user=user,
        is_anonymous=anonymous,
        comment=None if "comment" in draft.hidden else values.get("comment", ""),
        text=draft.text.text if draft.text is not None and state is TextState.PRESENT else None,
        text_state=state,
        user_id=None if anonymous else _user_id(values),
        parent_id=_parent_id(values, version),
        page_id=page.id,
        namespace=page.namespace,
        is_minor="minor" in values,
        size_bytes=_size(draft, state),
        sha1=_sha1(draft, state),
        content_model=values.get("model") or "wikitext",
    )


def number(value: str, what: str) -> int:
    """`what`: the number's name for the message. Raises `Unreadable`."""
    try:
        found = int(value)
    except ValueError:
        raise Unreadable(f"has the {what} {value[:40]!r}, which is no number,") from None
    if abs(found) > MAX_ID:
        raise Unreadable(f"has the {what} {found}, which is too large,")
    return found


def _rev_id(values: dict[str, str]) -> int:
    rev_id = number(values.get("id", ""), "revision id")
    if rev_id < 1:
        raise Unreadable(f"has the revision id {rev_id}, which is not positive,")
    return rev_id


def _seconds(value: str) -> int:
    try:
        return seconds(value)
    except (ValueError, OverflowError):
        raise Unreadable(f"has the timestamp {value[:40]!r}, which is no time,") from None


def _user(draft: Draft) -> tuple[str | None, bool]:
    """Name (None when hidden) and whether it is an anonymous author's."""
    if "contributor" in draft.hidden:
        return None, False
    if "contributor ip" in draft.values:
        return draft.values["contributor ip"], True
    name = draft.values.get("contributor username")
    if not name:
        return None, False
    return name, draft.values.get("contributor id") in (None, "0") and is_ip(name)


def _user_id(values: dict[str, str]) -> Known[int]:
    """Imported edits have the id 0 beside a name: whose account it is, is not told."""
    user_id = values.get("contributor id")
    return (number(user_id, "user id") or UNKNOWN) if user_id else UNKNOWN


def _parent_id(values: dict[str, str], version: Version) -> Known[int | None]:
    if "parentid" in values:
        return number(values["parentid"], "parent id") or None
    return None if version >= PARENTS_SINCE else UNKNOWN


def _text_state(draft: Draft) -> TextState:
    if "text" in draft.hidden:
        return TextState.HIDDEN
    if draft.text is None:
        return TextState.MISSING
    if draft.text.text is None:
        return TextState.TOO_LARGE
    if draft.text.text:
        return TextState.PRESENT
    is_lost = draft.declared_bytes not in ("", "0") or draft.declared_sha1 not in ("", EMPTY)
    return TextState.MISSING if is_lost else TextState.PRESENT


def _size(draft: Draft, state: TextState) -> Known[int]:
    if draft.text is not None and state in (TextState.PRESENT, TextState.TOO_LARGE):
        return draft.text.size_bytes
    return number(draft.declared_bytes, "text length") if draft.declared_bytes else UNKNOWN


def _sha1(draft: Draft, state: TextState) -> Known[str]:
    if draft.text is None or state in (TextState.HIDDEN, TextState.MISSING):
        return UNKNOWN
    return draft.declared_sha1 or draft.text.sha1 or sha1_base36(draft.text.text or b"")
