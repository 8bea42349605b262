"""One revision as a file tells it, before parents and pasts are known: what both readers yield.

Readers check and clean here, at the boundary, so that nothing behind them has to: ids are
positive and fit 63 bits, times are whole seconds UTC, strings hold no lone surrogates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from ipaddress import ip_address
from typing import Literal

from assay.revisions.types import UNKNOWN, Known

MAX_ID = 2**63 - 1
MAX_TEXT_BYTES = 8 * 2**20
"""Default limit of one text. MediaWiki's own (`$wgMaxArticleSize`) is 2 MiB; some wikis raise it."""

_MASKED_ADDRESS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){2}\.xxx")
_SURROGATE = re.compile("[\ud800-\udfff]")


class TextState(IntEnum):
    """Whether a record's text is there, and why not. The numbers are stored in indexes."""

    PRESENT = 0
    HIDDEN = 1
    MISSING = 2
    TOO_LARGE = 3


@dataclass(slots=True)
class Record:
    """One revision of a file.

    `timestamp_s`: seconds since 1970, UTC. `user`, `comment`: None when hidden. `user_id`: None for
    an anonymous actor. `text`: UTF-8, None unless `text_state` is PRESENT. `parent_id`: None for a
    page creation; UNKNOWN when the format has no parents, then it is the page's revision before.
    """

    rev_id: int
    title: str
    timestamp_s: int
    user: str | None
    is_anonymous: bool
    comment: str | None
    text: bytes | None
    text_state: TextState
    user_id: Known[int | None] = UNKNOWN
    parent_id: Known[int | None] = UNKNOWN
    page_id: Known[int] = UNKNOWN
    namespace: Known[int] = UNKNOWN
    is_minor: Known[bool] = UNKNOWN
    size_bytes: Known[int] = UNKNOWN
    sha1: Known[str] = UNKNOWN
    content_model: str = "wikitext"


def whole(text: str) -> str:
    """`text` with every lone surrogate replaced by U+FFFD, so that it can be written as UTF-8."""
    return text if text.isascii() or not _SURROGATE.search(text) else _SURROGATE.sub("\ufffd", text)


def is_ip(name: str) -> bool:
    """Whether a user name is an IPv4 or IPv6 address, as MediaWiki names logged-out editors.

    Before 2002 the last part was masked, ``192.0.2.xxx``; MediaWiki's `UserNameUtils::isIP` knows that, too.
    """
    if _MASKED_ADDRESS.fullmatch(name):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def moment(at_s: int) -> datetime:
    """In UTC, of seconds since 1970."""
    return datetime.fromtimestamp(at_s, UTC)


def iso(at: datetime, timespec: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """As MediaWiki writes an aware time, in UTC: ``2024-01-31T00:00:00Z``."""
    return at.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def seconds(timestamp: str) -> int:
    """Seconds since 1970 of an ISO 8601 time; without a zone it is UTC. Raises ValueError, also where the
    zone leads out of the calendar: what is read so could not be told again."""
    at = datetime.fromisoformat(timestamp)
    try:
        in_utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{timestamp!r} lies before the year 1 or after 9999") from None
    return int(in_utc.timestamp())
