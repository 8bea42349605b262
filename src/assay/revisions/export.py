"""MediaWiki XML exports, schemas 0.3 to 0.11, as a stream of records.

A thin reader on expat, because no ready one tells hidden, lost and empty texts apart, says where
an export is broken, and refuses document type definitions (docs/decisions has the measurements).
Only the main slot is read; log items and uploads are passed over.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from assay.errors import SourceError
from assay.revisions.compressed import CHUNK_BYTES, Stream
from assay.revisions.digest import EMPTY, base36, sha1_base36
from assay.revisions.record import MAX_ID, MAX_TEXT_BYTES, Record, TextState, is_ip, seconds
from assay.revisions.types import UNKNOWN, Known

VERSIONS = tuple((0, minor) for minor in range(3, 12))
PARENTS_SINCE = (0, 7)
NAMESPACES_SINCE = (0, 6)
MAX_DEPTH = 12
"""A real export nests seven elements deep."""
MAX_FIELD_BYTES = 2**20
"""Limit of every element but the text: titles, names, comments. MediaWiki's own are below 1 KiB."""

_READ = {
    "namespaces": {"namespace"},
    "page": {"title", "ns", "id"},
    "revision": {"id", "minor", "parentid", "timestamp", "comment", "model", "text", "sha1", "contributor"},
    "contributor": {"username", "ip", "id"},
    "content": {"role", "model", "text"},
}


def read_export(stream: Stream, path: Path, *, max_text_bytes: int = MAX_TEXT_BYTES) -> Iterator[Record]:
    """Every revision of an export in the file's order.

    Raises `SourceError` with byte, page and revision where the file is broken, is no export, holds
    a DTD, or has a schema that is not known; records before that place have been given.
    """
    reader = _Reader(path, max_text_bytes)
    while chunk := stream.read(CHUNK_BYTES):
        reader.feed(chunk)
        yield from reader.take()
    reader.end()
    yield from reader.take()


@dataclass(slots=True)
class _Page:
    title: str = ""
    id: Known[int] = UNKNOWN
    namespace: Known[int] = UNKNOWN


@dataclass(slots=True)
class _Draft:
    """A revision's elements as they were read. A `deleted` attribute leaves its name in `hidden`."""

    values: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    text: bytes | None = None
    text_bytes: int = 0
    """Length of the text as read, also of one too large to be kept."""
    text_sha1: str | None = None
    text_attributes: dict[str, str] = field(default_factory=dict)


class _Reader:
    """Takes bytes, gives records. The stack holds the names of the open elements."""

    def __init__(self, path: Path, max_text_bytes: int) -> None:
        self._path, self._max_text_bytes = path, max_text_bytes
        self._stack: list[str] = []
        self._wanted: set[str] | None = None
        self._version = (0, 0)
        self._prefixes: dict[str, int] = {}
        self._namespace_key = ""
        self._page: _Page | None = None
        self._draft: _Draft | None = None
        self._slot: dict[str, str] | None = None
        self._pieces: list[str] | None = None
        self._collected = 0
        self._overflow: hashlib._Hash | None = None
        self._doubtful: deque[Record] = deque(maxlen=1)
        self._after_blank = False
        self._ready: list[Record] = []
        self._rev_id = 0
        self._parser = self._new_parser()

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = CHUNK_BYTES
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        return parser

    def feed(self, chunk: bytes) -> None:
        self._parse(chunk, final=False)

    def end(self) -> None:
        self._parse(b"", final=True)

    def take(self) -> list[Record]:
        """Records completed since the last call."""
        ready, self._ready = self._ready, []
        return ready

    def _parse(self, chunk: bytes, *, final: bool) -> None:
        try:
            self._parser.Parse(chunk, final)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise self._fault(f"is broken ({reason})", max(0, self._parser.ErrorByteIndex)) from None

    def _fault(self, what: str, at_byte: int | None = None) -> SourceError:
        place = f"byte {self._parser.CurrentByteIndex if at_byte is None else at_byte} of the unpacked XML"
        if self._page is not None:
            place += f", page {self._page.title!r}"
        if self._rev_id:
            place += f", at or after revision {self._rev_id}"
        return SourceError(f"{self._path} {what} at {place}: fetch or export it again.")

    def _doctype(self, *_: object) -> None:
        raise self._fault("holds a document type definition, which no MediaWiki export does,")

    # Elements

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        parent = self._stack[-1] if self._stack else None
        self._stack.append(name)
        if len(self._stack) > MAX_DEPTH:
            raise self._fault(f"nests more than {MAX_DEPTH} elements")
        if parent is None:
            self._open_export(name, attributes)
        elif parent == "mediawiki" and name == "page":
            self._page = _Page()
        elif parent == "page" and name == "revision":
            self._draft = _Draft()
        elif parent == "revision" and name == "content":
            self._slot = {}
        elif name in _READ.get(parent, ()):
            self._open_field(parent, name, attributes)

    def _open_export(self, name: str, attributes: dict[str, str]) -> None:
        if name != "mediawiki":
            raise self._fault(f"is no MediaWiki export (its root element is <{name}>)")
        version = attributes.get("version", "")
        if version not in {f"{major}.{minor}" for major, minor in VERSIONS}:
            raise self._fault(f"has schema version {version!r}; 0.3 to 0.11 can be read. The version is")
        major, minor = version.split(".")
        self._version = (int(major), int(minor))

    def _open_field(self, parent: str, name: str, attributes: dict[str, str]) -> None:
        if name == "namespace":
            self._namespace_key = attributes.get("key", "")
        elif self._draft is not None and parent == "revision":
            if "deleted" in attributes:
                self._draft.hidden.add(name)
            if name == "text":
                self._draft.text_attributes = attributes
            if name == "contributor":
                return
        self._pieces, self._collected, self._overflow = [], 0, None
        self._parser.CharacterDataHandler = self._characters

    def _characters(self, data: str) -> None:
        if self._pieces is None:
            return
        if self._overflow is not None:
            self._count(data)
            return
        self._pieces.append(data)
        self._collected += len(data)
        if self._stack[-1] != "text":
            if self._collected > MAX_FIELD_BYTES:
                raise self._fault(f"has a <{self._stack[-1]}> of more than {MAX_FIELD_BYTES} characters")
        elif self._collected > self._max_text_bytes:
            self._overflow, self._collected = hashlib.sha1(usedforsecurity=False), 0
            self._count("".join(self._pieces))
            self._pieces = []

    def _count(self, data: str) -> None:
        """A text beyond the limit is measured and digested, but not kept."""
        encoded = data.encode()
        self._collected += len(encoded)
        if self._overflow is not None:
            self._overflow.update(encoded)

    def _end(self, name: str) -> None:
        self._stack.pop()
        parent = self._stack[-1] if self._stack else ""
        if self._pieces is not None:
            self._close_field(parent, name)
        elif name == "revision" and parent == "page":
            self._close_revision()
        elif name == "content" and parent == "revision":
            self._slot = None
        elif name == "page" and parent == "mediawiki":
            self._settle(blank_follows=False)
            self._after_blank = False
            self._page = None

    def _close_field(self, parent: str, name: str) -> None:
        pieces, self._pieces = self._pieces or [], None
        self._parser.CharacterDataHandler = None
        if name == "text":
            self._close_text(parent, pieces)
            return
        value = "".join(pieces)
        if parent == "namespaces":
            self._prefixes[value] = self._number(self._namespace_key, "namespace key")
        elif parent == "page" and self._page is not None:
            self._close_page_field(self._page, name, value)
        elif parent == "content" and self._slot is not None:
            self._slot[name] = value
        elif self._draft is not None:
            self._draft.values[f"contributor {name}" if parent == "contributor" else name] = value
            if (parent, name) == ("revision", "id") and value.isdecimal():
                self._rev_id = int(value)

    def _close_page_field(self, page: _Page, name: str, value: str) -> None:
        if name == "title":
            page.title = value
            if self._version < NAMESPACES_SINCE:
                page.namespace = self._prefixes.get(value.partition(":")[0], 0) if ":" in value else 0
        elif name == "ns":
            page.namespace = self._number(value, "namespace")
        else:
            page.id = self._number(value, "page id")

    def _close_text(self, parent: str, pieces: list[str]) -> None:
        draft = self._draft
        if draft is None or (parent == "content" and (self._slot or {}).get("role") != "main"):
            return
        if self._overflow is not None:
            draft.text, draft.text_bytes = None, self._collected
            draft.text_sha1 = base36(int.from_bytes(self._overflow.digest(), "big"))
        else:
            draft.text = "".join(pieces).encode()
            draft.text_bytes = len(draft.text)
            if draft.text_bytes > self._max_text_bytes:
                draft.text_sha1, draft.text = sha1_base36(draft.text), None

    def _number(self, value: str, what: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise self._fault(f"has the {what} {value[:40]!r}, which is no number,") from None
        if abs(number) > MAX_ID:
            raise self._fault(f"has the {what} {number}, which is too large,")
        return number

    # Revisions

    def _close_revision(self) -> None:
        draft, self._draft = self._draft, None
        if draft is None or self._page is None:
            return
        record = self._record(draft, self._page)
        if _is_doubtful(draft):
            self._settle(blank_follows=True)
            if self._after_blank:
                _lose_text(record)
                self._ready.append(record)
            else:
                self._doubtful.append(record)
            self._after_blank = True
        else:
            self._settle(blank_follows=False)
            self._after_blank = False
            self._ready.append(record)

    def _settle(self, *, blank_follows: bool) -> None:
        """Decide about an empty text that may be a blanking or a loss, now that the next one is known.

        Old schemas give no length. No edit leaves an empty page empty, so that empty revisions in
        a row are lost texts and a single one is a blanking. In the export of Anarchism this
        separates 616 lost texts from 8 blankings without a mistake.
        """
        while self._doubtful:
            record = self._doubtful.pop()
            if blank_follows:
                _lose_text(record)
            self._ready.append(record)

    def _record(self, draft: _Draft, page: _Page) -> Record:
        values = draft.values
        rev_id = self._number(values.get("id", ""), "revision id")
        if rev_id < 1:
            raise self._fault(f"has the revision id {rev_id}, which is not positive,")
        state = _text_state(draft)
        user, anonymous = _user(draft)
        return Record(
            rev_id=rev_id,
            title=page.title,
            timestamp_s=self._seconds(values.get("timestamp", "")),
            user=user,
            is_anonymous=anonymous,
            comment=None if "comment" in draft.hidden else values.get("comment", ""),
            text=draft.text if state is TextState.PRESENT else None,
            text_state=state,
            user_id=None if anonymous else self._user_id(values),
            parent_id=self._parent_id(values),
            page_id=page.id,
            namespace=page.namespace,
            is_minor="minor" in values,
            size_bytes=self._size(draft, state),
            sha1=_sha1(draft, state),
            content_model=values.get("model") or "wikitext",
        )

    def _seconds(self, value: str) -> int:
        try:
            return seconds(value)
        except (ValueError, OverflowError):
            raise self._fault(f"has the timestamp {value[:40]!r}, which is no time,") from None

    def _user_id(self, values: dict[str, str]) -> Known[int]:
        """Imported edits have the id 0 beside a name: whose account it is, is not told."""
        user_id = values.get("contributor id")
        return (self._number(user_id, "user id") or UNKNOWN) if user_id else UNKNOWN

    def _parent_id(self, values: dict[str, str]) -> Known[int | None]:
        if "parentid" in values:
            return self._number(values["parentid"], "parent id") or None
        return None if self._version >= PARENTS_SINCE else UNKNOWN

    def _size(self, draft: _Draft, state: TextState) -> Known[int]:
        if state in (TextState.PRESENT, TextState.TOO_LARGE):
            return draft.text_bytes
        declared = draft.text_attributes.get("bytes")
        return self._number(declared, "text length") if declared else UNKNOWN


def _lose_text(record: Record) -> None:
    record.text, record.text_state = None, TextState.MISSING
    record.size_bytes = record.sha1 = UNKNOWN


def _declared_sha1(draft: _Draft) -> str:
    return draft.values.get("sha1") or draft.text_attributes.get("sha1") or ""


def _is_doubtful(draft: _Draft) -> bool:
    """An empty text of which the export tells neither length nor digest."""
    attributes = draft.text_attributes
    return (
        draft.text == b""
        and "text" not in draft.hidden
        and not (attributes.get("bytes") or _declared_sha1(draft))
    )


def _text_state(draft: _Draft) -> TextState:
    if "text" in draft.hidden:
        return TextState.HIDDEN
    if draft.text is None:
        return TextState.TOO_LARGE if draft.text_bytes else TextState.MISSING
    if draft.text:
        return TextState.PRESENT
    declared_bytes, declared_sha1 = draft.text_attributes.get("bytes"), _declared_sha1(draft)
    lost = declared_bytes not in (None, "", "0") or declared_sha1 not in ("", EMPTY)
    return TextState.MISSING if lost else TextState.PRESENT


def _user(draft: _Draft) -> tuple[str | None, bool]:
    """Name (None when hidden) and whether it is an anonymous author's."""
    if "contributor" in draft.hidden:
        return None, False
    if "contributor ip" in draft.values:
        return draft.values["contributor ip"], True
    name = draft.values.get("contributor username")
    if not name:
        return None, False
    return name, draft.values.get("contributor id") in (None, "0") and is_ip(name)


def _sha1(draft: _Draft, state: TextState) -> Known[str]:
    if state in (TextState.HIDDEN, TextState.MISSING):
        return UNKNOWN
    return _declared_sha1(draft) or draft.text_sha1 or sha1_base36(draft.text or b"")
