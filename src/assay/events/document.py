"""Fields of a JSON object, read with checks.

What is missing is told in ORES's words ("Must provide the 'rev_id' parameter"), with the dotted name of the
field; what is there and wrong, in ours. Both are `BadParameter`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from assay.errors import BadParameter
from assay.revisions.record import MAX_ID, MAX_TEXT_BYTES, whole
from assay.revisions.types import UNKNOWN, Known

MAX_TEXT: Final = 4096
"""Characters of a name, title or address: far more than any wiki has."""
_LATEST_S: Final = 253402300799
"""The last second that `datetime` has."""


class Document:
    """An object of an event. `place`: its dotted name within the event, empty for the event itself."""

    def __init__(self, value: Any, place: str = "") -> None:
        if not isinstance(value, dict):
            raise BadParameter(f"Could not interpret {place or 'the event'}. It is not a JSON object.")
        self._fields: Mapping[str, Any] = value
        self._place = place

    def has(self, key: str) -> bool:
        """Whether it is given, and not as null."""
        return self._fields.get(key) is not None

    def inner(self, key: str) -> Document:
        return Document(self._given(key), self._name(key))

    def optional(self, key: str) -> Document:
        """An empty one when it is not given."""
        return self.inner(key) if self.has(key) else Document({}, self._name(key))

    def text(self, key: str) -> str:
        """Never empty."""
        value = self._given(key)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT:
            raise self._wrong(key, f"give a text of 1 to {MAX_TEXT} characters")
        return whole(value)

    def known_text(self, key: str) -> Known[str]:
        return self.text(key) if self.has(key) else UNKNOWN

    def prose(self, key: str) -> str:
        """A page's text or a comment: possibly empty, and as long as a text may be."""
        value = self._given(key)
        text = whole(value) if isinstance(value, str) else None
        if text is None or len(text.encode()) > MAX_TEXT_BYTES:
            raise self._wrong(key, f"give a text of at most {MAX_TEXT_BYTES} bytes")
        return text

    def known_prose(self, key: str) -> Known[str]:
        return self.prose(key) if self.has(key) else UNKNOWN

    def rev_id(self, key: str) -> int:
        value = self._given(key)
        if not _is_whole(value) or not 0 < value <= MAX_ID:
            raise self._wrong(key, f"give a whole number from 1 to {MAX_ID}")
        return int(value)

    def loose_id(self, key: str) -> Known[int]:
        """An id that nothing depends on: old wikis write some as text; 0 and what is none is UNKNOWN."""
        value = self._fields.get(key)
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
            value = int(value)
        return int(value) if _is_whole(value) and 0 < value <= MAX_ID else UNKNOWN

    def parent_id(self, key: str) -> int | None:
        """None for a creation, of which some streams say 0, some null and some nothing."""
        return self.rev_id(key) if self.has(key) and self._fields[key] != 0 else None

    def whole_number(self, key: str) -> int:
        value = self._given(key)
        if not _is_whole(value) or abs(value) > MAX_ID:
            raise self._wrong(key, "give a whole number")
        return int(value)

    def known_number(self, key: str) -> Known[int]:
        return self.whole_number(key) if self.has(key) else UNKNOWN

    def flag(self, key: str) -> Known[bool]:
        if not self.has(key):
            return UNKNOWN
        value = self._given(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "give true or false")
        return value

    def texts(self, key: str) -> Known[frozenset[str]]:
        if not self.has(key):
            return UNKNOWN
        value = self._given(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "give a list of texts")
        return frozenset(map(whole, value))

    def known_moment(self, key: str) -> Known[datetime]:
        return self.moment(key) if self.has(key) else UNKNOWN

    def moment(self, key: str) -> datetime:
        """Of ISO 8601, or of seconds since 1970, as RCFeed has them; without a zone it is UTC."""
        value = self._given(key)
        try:
            if _is_whole(value) and 0 <= value <= _LATEST_S:
                return datetime.fromtimestamp(value, UTC)
            if isinstance(value, str):
                moment = datetime.fromisoformat(value)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise self._wrong(key, "give a time, such as 2026-11-23T10:59:43Z")

    def _given(self, key: str) -> Any:
        value = self._fields.get(key)
        if value is None:
            raise missing(self._name(key))
        return value

    def _name(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def _wrong(self, key: str, advice: str) -> BadParameter:
        return BadParameter(f"Could not interpret '{self._name(key)}': {advice}.")


def missing(name: str) -> BadParameter:
    """The refusal of an event without this field, in ORES's words."""
    return BadParameter(f"Must provide the '{name}' parameter")


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
