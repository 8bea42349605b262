"""MediaWiki XML exports, schemas 0.3 to 0.11, as a stream of records.

A thin reader on expat, because no ready one tells hidden, lost and empty texts apart, says where
an export is broken, and refuses document type definitions (docs/decisions has the measurements).
Only the main slot is read; log items and uploads are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from assay.errors import SourceError
from assay.revisions.files.bounded_text import BoundedText
from assay.revisions.files.compressed import CHUNK_BYTES, Stream
from assay.revisions.files.export_draft import Draft, PageDraft, Unreadable, number, record_of
from assay.revisions.files.lost_texts import LostTexts
from assay.revisions.record import MAX_ID, MAX_TEXT_BYTES, Record

VERSIONS = tuple((0, minor) for minor in range(3, 12))
NAMESPACES_SINCE = (0, 6)
MAX_DEPTH = 12
"""A real export nests seven elements deep."""
MAX_FIELD_CHARS = 2**20
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


class _Reader:
    """Takes bytes, gives records. The stack holds the names of the open elements."""

    def __init__(self, path: Path, max_text_bytes: int) -> None:
        self._path, self._max_text_bytes = path, max_text_bytes
        self._stack: list[str] = []
        self._version = (0, 0)
        self._prefixes: dict[str, int] = {}
        self._namespace_key = ""
        self._page: PageDraft | None = None
        self._draft: Draft | None = None
        self._slot: dict[str, str] | None = None
        self._field: BoundedText | None = None
        self._texts = LostTexts()
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

    # -- elements ------------------------------------------------------------------------------------

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        parent = self._stack[-1] if self._stack else None
        self._stack.append(name)
        if len(self._stack) > MAX_DEPTH:
            raise self._fault(f"nests more than {MAX_DEPTH} elements")
        if parent is None:
            self._open_export(name, attributes)
        elif parent == "mediawiki" and name == "page":
            self._page = PageDraft()
        elif parent == "page" and name == "revision":
            self._draft = Draft()
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
        self._field = BoundedText(self._max_text_bytes if name == "text" else MAX_FIELD_CHARS)
        self._parser.CharacterDataHandler = self._characters

    def _characters(self, data: str) -> None:
        if self._field is None:
            return
        self._field.add(data)
        if self._field.overflowed and self._stack[-1] != "text":
            raise self._fault(f"has a <{self._stack[-1]}> of more than {MAX_FIELD_CHARS} characters")

    def _end(self, name: str) -> None:
        self._stack.pop()
        parent = self._stack[-1] if self._stack else ""
        try:
            self._close(parent, name)
        except Unreadable as fault:
            raise self._fault(str(fault)) from None

    def _close(self, parent: str, name: str) -> None:
        if self._field is not None:
            field, self._field = self._field, None
            self._parser.CharacterDataHandler = None
            self._close_field(parent, name, field)
        elif name == "revision" and parent == "page":
            self._close_revision()
        elif name == "content" and parent == "revision":
            self._slot = None
        elif name == "page" and parent == "mediawiki":
            self._ready.extend(self._texts.end_page())
            self._page = None

    def _close_field(self, parent: str, name: str, field: BoundedText) -> None:
        if name == "text":
            self._close_text(parent, field)
        elif parent == "namespaces":
            self._prefixes[field.string()] = number(self._namespace_key, "namespace key")
        elif parent == "page" and self._page is not None:
            self._close_page_field(self._page, name, field.string())
        elif parent == "content" and self._slot is not None:
            self._slot[name] = field.string()
        elif self._draft is not None:
            self._close_revision_field(self._draft, parent, name, field.string())

    def _close_text(self, parent: str, field: BoundedText) -> None:
        is_main = parent != "content" or (self._slot or {}).get("role") == "main"
        if self._draft is not None and is_main:
            self._draft.text = field.measured()

    def _close_page_field(self, page: PageDraft, name: str, value: str) -> None:
        if name == "title":
            page.title = value
            if self._version < NAMESPACES_SINCE:
                page.namespace = self._prefixes.get(value.partition(":")[0], 0) if ":" in value else 0
        elif name == "ns":
            page.namespace = number(value, "namespace")
        else:
            page.id = number(value, "page id")

    def _close_revision_field(self, draft: Draft, parent: str, name: str, value: str) -> None:
        draft.values[f"contributor {name}" if parent == "contributor" else name] = value
        if (parent, name) == ("revision", "id") and value.isdecimal() and len(value) <= len(str(MAX_ID)):
            self._rev_id = int(value)

    def _close_revision(self) -> None:
        draft, self._draft = self._draft, None
        if draft is not None and self._page is not None:
            record = record_of(draft, self._page, self._version)
            self._ready.extend(self._texts.pass_on(record, is_doubtful=draft.has_doubtful_text))
