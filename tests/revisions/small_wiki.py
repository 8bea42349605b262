"""One small wiki, written down once, and its edits as an export of any schema, a history, or an API."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import py7zr

from assay.revisions.digest import sha1_base36
from servers.mediawiki import StandInMediaWiki

HIDDEN = None


@dataclass(frozen=True)
class Edit:
    """One edit; `user`, `comment` and `text` are None when hidden. `user_id` 0: an address."""

    rev_id: int
    parent_id: int
    minute: int
    user: str | None
    user_id: int
    text: str | None
    comment: str | None = "a comment"
    minor: bool = False
    model: str = "wikitext"

    @property
    def timestamp(self) -> str:
        return f"2020-01-01T00:{self.minute:02}:00Z"


@dataclass(frozen=True)
class WikiPage:
    id: int
    namespace: int
    title: str
    edits: tuple[Edit, ...]


APPLE = "An '''apple''' is a fruit.\n\n== Kinds ==\nGreen & <b>red</b> ones.\n"
STRANGE = "تفاح أخضر 🍏 עברית\ttab \u202eRTL\u202c {{deep|{{nested}}}}\n" + "ü" * 3000

WIKI = (
    WikiPage(
        1,
        0,
        "Apple",
        (
            Edit(10, 0, 0, "192.0.2.1", 0, "An apple."),
            Edit(11, 10, 1, "Alice", 5, APPLE, "longer", minor=True),
            Edit(12, 11, 2, "198.51.100.7", 0, "hahaha", ""),
            Edit(13, 12, 3, "Alice", 5, APPLE, "Reverted edits by 198.51.100.7"),
            Edit(14, 13, 4, "2001:db8::7", 0, "", "blanked"),
            Edit(15, 14, 5, "Bob", 6, STRANGE, 'strange <&> "comment"'),
        ),
    ),
    WikiPage(
        2,
        1,
        "Talk:Apple",
        (
            Edit(20, 0, 6, HIDDEN, 0, "Who wrote this?"),
            Edit(21, 20, 7, "Alice", 5, "Me.", HIDDEN),
            Edit(22, 21, 8, "198.51.100.7", 0, HIDDEN),
        ),
    ),
    WikiPage(3, 8, "MediaWiki:Common.css", (Edit(30, 0, 9, "Bob", 6, "a { b: c }", model="css"),)),
    WikiPage(4, 0, "Pear", (Edit(41, 40, 10, "Alice", 5, "A pear.", "its parent was deleted"),)),
)

EDITS = {edit.rev_id: edit for page in WIKI for edit in page.edits}


def export(version: str, wiki: tuple[WikiPage, ...] = WIKI) -> bytes:
    """The wiki as MediaWiki wrote it under this schema; older ones leave out what they did not know."""
    minor = int(version.split(".")[1])
    pages = "".join(_page(page, minor) for page in wiki)
    space = f"http://www.mediawiki.org/xml/export-{version}/"
    return f"""<mediawiki xmlns="{space}" version="{version}" xml:lang="en">
  <siteinfo>
    <sitename>Small</sitename>
    <namespaces>
      <namespace key="0" />
      <namespace key="1">Talk</namespace>
      <namespace key="8">MediaWiki</namespace>
    </namespaces>
  </siteinfo>
{pages}</mediawiki>
""".encode()


def _page(page: WikiPage, minor: int) -> str:
    namespace = f"<ns>{page.namespace}</ns>" if minor >= 6 else ""
    revisions = "".join(_revision(edit, minor) for edit in page.edits)
    return f"""  <page>
    <title>{escape(page.title)}</title>
    {namespace}
    <id>{page.id}</id>
    <redirect title="Elsewhere" />
    {revisions}
    <upload><timestamp>2020-01-01T00:00:00Z</timestamp><contributor><username>Up</username><id>9</id></contributor>
    <comment>up</comment><filename>a.png</filename><src>x</src><size>1</size></upload>
  </page>
"""


def _revision(edit: Edit, minor: int) -> str:
    parts = [f"<id>{edit.rev_id}</id>"]
    if minor >= 7 and edit.parent_id:
        parts.append(f"<parentid>{edit.parent_id}</parentid>")
    parts += [f"<timestamp>{edit.timestamp}</timestamp>", _contributor(edit)]
    parts += ["<minor/>"] if edit.minor else []
    if edit.comment is None:
        parts.append('<comment deleted="deleted" />')
    elif edit.comment:
        parts.append(f"<comment>{escape(edit.comment)}</comment>")
    if minor >= 11:
        parts.append(f"<origin>{edit.rev_id}</origin>")
    if minor >= 8:
        parts.append(f"<model>{edit.model}</model><format>text/x-wiki</format>")
    parts.append(_text(edit, minor))
    if minor >= 6:
        parts.append("<sha1/>" if edit.text is None else f"<sha1>{sha1_base36(edit.text.encode())}</sha1>")
    if minor >= 10:
        parts.append("<content><role>side</role><model>json</model><text>{}</text></content>")
    return "<revision>\n      " + "\n      ".join(parts) + "\n    </revision>\n    "


def _contributor(edit: Edit) -> str:
    if edit.user is None:
        return '<contributor deleted="deleted" />'
    if not edit.user_id:
        return f"<contributor><ip>{edit.user}</ip></contributor>"
    return f"<contributor><username>{escape(edit.user)}</username><id>{edit.user_id}</id></contributor>"


def _text(edit: Edit, minor: int) -> str:
    if edit.text is None:
        return '<text deleted="deleted" />' if minor < 11 else '<text bytes="9" deleted="deleted" />'
    data = edit.text.encode()
    attributes = 'xml:space="preserve"'
    if minor >= 7:
        attributes += f' bytes="{len(data)}"'
    if minor >= 11:
        attributes += f' sha1="{sha1_base36(data)}"'
    return f"<text {attributes}>{escape(edit.text)}</text>" if data else f"<text {attributes} />"


def history() -> bytes:
    """The wiki as JSON lines."""
    lines = [json.dumps(_row(page, edit), ensure_ascii=False) for page in WIKI for edit in page.edits]
    return ("\n".join(lines) + "\n").encode()


def _row(page: WikiPage, edit: Edit) -> Mapping[str, object]:
    return {
        "wiki": "small",
        "page_title": page.title,
        "page_id": page.id,
        "namespace": page.namespace,
        "rev_id": edit.rev_id,
        "parent_id": edit.parent_id,
        "timestamp": edit.timestamp,
        "user": edit.user,
        "user_id": edit.user_id,
        "anon": edit.user is not None and not edit.user_id,
        "comment": edit.comment,
        "minor": edit.minor,
        "text": edit.text,
        "text_hidden": edit.text is None,
        "content_model": edit.model,
    }


def pack(data: bytes, path: Path) -> Path:
    """`data` written to `path`, packed as its suffix says."""
    packers: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".xz": lzma.compress,
        ".lzma": lambda plain: lzma.compress(plain, format=lzma.FORMAT_ALONE),
    }
    if path.suffix == ".7z":
        with py7zr.SevenZipFile(path, "w") as archive:
            archive.writestr(data, path.stem)
    else:
        path.write_bytes(packers.get(path.suffix, bytes)(data))
    return path


def stand_in() -> StandInMediaWiki:
    """The wiki behind an api.php."""
    server = StandInMediaWiki()
    for page in WIKI:
        about = {"pageid": page.id, "ns": page.namespace, "title": page.title}
        for edit in page.edits:
            user = {
                "userid": edit.user_id,
                "name": edit.user,
                "editcount": 7,
                "registration": "2019-01-01T00:00:00Z",
                "groups": ["*", "user"],
            }
            server.add(about, _entry(edit), user if edit.user_id else None)
            change = {"type": "edit", "rcid": edit.rev_id, "revid": edit.rev_id, "timestamp": edit.timestamp}
            server.recording.changes.append({**change, "ns": page.namespace, "title": page.title})
    return server


def _entry(edit: Edit) -> dict[str, object]:
    entry: dict[str, object] = {
        "revid": edit.rev_id,
        "parentid": edit.parent_id,
        "minor": edit.minor,
        "timestamp": edit.timestamp,
        "tags": [],
    }
    if edit.user is None:
        entry["userhidden"] = True
    else:
        entry |= {"user": edit.user, "userid": edit.user_id, **({} if edit.user_id else {"anon": True})}
    entry |= {"commenthidden": True} if edit.comment is None else {"comment": edit.comment}
    slot: dict[str, object] = {"contentmodel": edit.model}
    if edit.text is None:
        entry["sha1hidden"] = slot["texthidden"] = True
    else:
        data = edit.text.encode()
        slot["content"] = edit.text
        entry |= {"size": len(data), "sha1": hashlib.sha1(data).hexdigest()}
    entry["slots"] = {"main": slot}
    return entry
