"""Recorded histories: one JSON object a line, plain or packed.

Fields: `rev_id`, `page_title`, `timestamp`, `user`, `comment`, `text` are needed (the last three
may be null: hidden user, hidden comment, text not in the file; a line without `text` is of a revision whose
text was not fetched: by its `sha1` it counts for labels and pasts), `parent_id` (0 or null: the page's
creation; absent: the page's revision before), `anon`, `user_id`, `page_id`, `namespace`, `minor`,
`bytes`, `sha1`, `content_model` and `text_hidden` may be given. Others are ignored, labels among them:
these are computed anew.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from assay.errors import SourceError
from assay.revisions.digest import sha1_base36
from assay.revisions.files.compressed import CHUNK_BYTES, Stream
from assay.revisions.record import MAX_ID, MAX_TEXT_BYTES, Record, TextState, is_ip, seconds, whole
from assay.revisions.types import UNKNOWN, Known

MAX_LINE_BYTES = 2**26
"""A line may hold a text six times larger than the limit, escaped; beyond it the file is refused."""


class _Bad(Exception):
    """What is wrong with a line."""


def read_history(stream: Stream, path: Path, *, max_text_bytes: int = MAX_TEXT_BYTES) -> Iterator[Record]:
    """Every record of a history in the file's order.

    Raises `SourceError` naming the line where the file is damaged; records before it have been given.
    """
    for number, line in enumerate(_lines(stream, path), 1):
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)  # as editors on Windows write it
        if not line.strip():
            continue
        try:
            yield _record(_parse(line), max_text_bytes)
        except _Bad as fault:
            raise SourceError(f"{path}, line {number}: {fault}. Mend or remove this line.") from None


def _lines(stream: Stream, path: Path) -> Iterator[bytes]:
    begun: list[bytes] = []
    begun_bytes = 0
    while chunk := stream.read(CHUNK_BYTES):
        first, *others = chunk.split(b"\n")
        begun.append(first)
        begun_bytes += len(first)
        if begun_bytes > MAX_LINE_BYTES:
            raise SourceError(f"{path} has a line of more than {MAX_LINE_BYTES} bytes: it is no history.")
        if others:
            yield b"".join(begun)
            yield from others[:-1]
            begun, begun_bytes = others[-1:], len(others[-1])
    yield b"".join(begun)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _parse_leniently(line)
    if not isinstance(value, dict):
        raise _Bad("is not a JSON object")
    return value


def _parse_leniently(line: bytes) -> Any:
    """orjson refuses escaped lone surrogates, which Python's own module reads."""
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise _Bad(f"is not JSON ({error})") from None


def _record(row: dict[str, Any], max_text_bytes: int) -> Record:
    user = _string(row, "user", optional=True)
    comment = _string(row, "comment", optional=True)
    text = _string(row, "text", optional=True)
    data = None if text is None else text.encode()
    told = _truth(row, "anon")
    anonymous = user is not None and is_ip(user) if told is UNKNOWN else told
    state = _text_state(row, data, max_text_bytes)
    return Record(
        rev_id=_integer(row, "rev_id", 1),
        title=_string(row, "page_title", optional=False) or "",
        timestamp_s=_seconds(row),
        user=user,
        is_anonymous=anonymous,
        comment=comment,
        text=data if state is TextState.PRESENT else None,
        text_state=state,
        user_id=None if anonymous else _optional(row, "user_id", 1),
        parent_id=_parent_id(row),
        page_id=_optional(row, "page_id", 0),
        namespace=_optional(row, "namespace", -MAX_ID),
        is_minor=_truth(row, "minor"),
        size_bytes=len(data) if data is not None else _optional(row, "bytes", 0),
        sha1=_sha1(row, data, state),
        content_model=_string(row, "content_model", optional=True) or "wikitext",
    )


def _text_state(row: dict[str, Any], data: bytes | None, max_text_bytes: int) -> TextState:
    if _truth(row, "text_hidden") is True:
        return TextState.HIDDEN
    if data is None:
        return TextState.MISSING
    return TextState.TOO_LARGE if len(data) > max_text_bytes else TextState.PRESENT


def _sha1(row: dict[str, Any], data: bytes | None, state: TextState) -> Known[str]:
    """The file's own, which is right even where the text has lost trailing blanks; else the text's."""
    if state is TextState.HIDDEN or (state is TextState.MISSING and "text" in row):
        return UNKNOWN
    given = _string(row, "sha1", optional=True)
    if state is TextState.MISSING:
        return given or UNKNOWN
    return given or sha1_base36(data or b"")


def _string(row: dict[str, Any], field: str, *, optional: bool) -> str | None:
    value = row.get(field)
    if isinstance(value, str):
        return whole(value)
    if value is None and optional:
        return None
    raise _Bad(f"{field} must be a string" + (" or null" if optional else ""))


def _truth(row: dict[str, Any], field: str) -> Known[bool]:
    """A word such as "False" would count as true, silently."""
    value = row.get(field)
    if value is None:
        return UNKNOWN
    if value not in (True, False):
        raise _Bad(f"{field} must be true, false or null")
    return bool(value)


def _integer(row: dict[str, Any], field: str, least: int) -> int:
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_ID:
        raise _Bad(f"{field} must be a whole number from {least} to 2^63 − 1")
    return value


def _optional(row: dict[str, Any], field: str, least: int) -> Known[int]:
    if row.get(field) is None or (row[field] == 0 and least == 1):
        return UNKNOWN
    return _integer(row, field, least)


def _parent_id(row: dict[str, Any]) -> Known[int | None]:
    if "parent_id" not in row:
        return UNKNOWN
    return None if row["parent_id"] is None else _integer(row, "parent_id", 0) or None


def _seconds(row: dict[str, Any]) -> int:
    try:
        return seconds(_string(row, "timestamp", optional=False) or "")
    except (ValueError, OverflowError):
        raise _Bad("timestamp must be a time such as 2016-08-01T12:00:00Z") from None
