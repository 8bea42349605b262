"""Builds the sample wiki, ``src/assay/sample/samplewiki.xml``, from ``tools/sample_wiki/*.txt``.

``make run`` must serve something without a network, so the project brings a small wiki of its own.
Its pages are written for it: real prose about invented places, so that nobody's article is copied and
nobody's reputation is vandalised. The sources hold each page's history as a script of small edits, which
people can read and review; this module plays the scripts and writes a MediaWiki export
(schema 0.11). The same sources give the same bytes.

A source begins with ``title:``, ``ns:`` and optionally ``model:`` and ``format:``; then each revision is::

    >>> 2025-03-04 10:20 m | Actor | comment

The time is absolute or ``+5m``, ``+3h``, ``+2d`` after the page's previous revision. Flags after it: ``m``
(minor), ``hide-text``, ``hide-user``. In a comment, ``{undo}`` and ``{rollback}`` stand for what MediaWiki
writes by itself. The lines below change the page's text, in order:

=====================  ==========================================================================
``%text``              the following lines become the whole text
``%append``            the following lines are added at the end
``%prepend``           … at the beginning
``%after ANCHOR``      … after the one line that contains ANCHOR
``%sub OLD => NEW``    replaces OLD, which must occur; ``\\n`` is a line break
``%all OLD => NEW``    replaces every OLD
``%cut ANCHOR``        removes the section whose heading line contains ANCHOR
``%fill UNIT * N``     the whole text becomes UNIT, N times
``%blank``             the text becomes empty
``%restore N``         the text as it was N revisions before this one (2: before the previous edit)
=====================  ==========================================================================
"""

from __future__ import annotations

import argparse
import hashlib
import ipaddress
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tools" / "sample_wiki"
OUTPUT = ROOT / "src" / "assay" / "sample" / "samplewiki.xml"

FIRST_PAGE_ID = 11
FIRST_REVISION_ID = 1001
FIRST_USER_ID = 101

NAMESPACES = {
    -2: "Media",
    -1: "Special",
    0: "",
    1: "Talk",
    2: "User",
    3: "User talk",
    4: "Sample",
    5: "Sample talk",
    6: "File",
    7: "File talk",
    8: "MediaWiki",
    9: "MediaWiki talk",
    10: "Template",
    11: "Template talk",
    12: "Help",
    13: "Help talk",
    14: "Category",
    15: "Category talk",
}

_SCHEMA = "http://www.mediawiki.org/xml/export-0.11/"
_STEP_S = {"m": 60, "h": 3600, "d": 86400}


class SourceMistake(Exception):
    """A source file says something that cannot be done; the message names the file and the revision."""


@dataclass
class Revision:
    """One saved state; `id` and `comment` are final only after `number`."""

    actor: str
    comment: str
    timestamp: datetime
    text: str
    flags: frozenset[str]
    restores: int | None = None
    id: int = 0


@dataclass
class Page:
    """A page and its history, oldest first."""

    title: str
    namespace: int
    model: str = "wikitext"
    format: str = "text/x-wiki"
    revisions: list[Revision] = field(default_factory=list)
    id: int = 0


def read_page(source: str, name: str) -> Page:
    """Plays one source file. Raises `SourceMistake`."""
    head, *scripts = re.split(r"^>>> ", source, flags=re.MULTILINE)
    fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
    page = Page(
        fields["title"],
        int(fields["ns"]),
        fields.get("model", "wikitext"),
        fields.get("format", "text/x-wiki"),
    )
    for number, script in enumerate(scripts, 1):
        try:
            page.revisions.append(_play(script, page.revisions))
        except (ValueError, IndexError) as error:
            raise SourceMistake(f"{name}, revision {number} ({script.splitlines()[0]}): {error}") from error
    return page


def _play(script: str, earlier: Sequence[Revision]) -> Revision:
    header, _, body = script.partition("\n")
    when, actor, comment = header.split(" | ", 2) if header.count(" | ") > 1 else (*header.split(" | "), "")
    moment, flags = _moment(when.split(), earlier)
    text = earlier[-1].text if earlier else ""
    restores = None
    for operation in re.split(r"^%(?=[a-z])", body, flags=re.MULTILINE)[1:]:
        verb, argument, lines = _operation(operation)
        if verb == "restore":
            restores = len(earlier) - int(argument)
            text = earlier[restores].text
        else:
            text = _edit(text, verb, argument, lines)
    return Revision(actor.strip(), comment.strip(), moment, text.rstrip(), flags, restores)


def _moment(words: list[str], earlier: Sequence[Revision]) -> tuple[datetime, frozenset[str]]:
    if words[0].startswith("+"):
        step_s = int(words[0][1:-1]) * _STEP_S[words[0][-1]]
        # Nobody saves on the full minute: spread the seconds, the same way at every build.
        return earlier[-1].timestamp + timedelta(seconds=step_s + 7 * len(earlier) % 53), frozenset(words[1:])
    moment = datetime.fromisoformat(f"{words[0]}T{words[1]}:00").replace(tzinfo=UTC)
    if earlier and moment <= earlier[-1].timestamp:
        raise ValueError("is not later than the revision before it")
    return moment + timedelta(seconds=11 + 7 * len(earlier) % 47), frozenset(words[2:])


def _operation(block: str) -> tuple[str, str, str]:
    first, _, lines = block.partition("\n")
    verb, _, argument = first.partition(" ")
    return verb, argument, lines.rstrip("\n")


def _edit(text: str, verb: str, argument: str, lines: str) -> str:
    if verb == "text":
        return lines
    if verb == "append":
        return f"{text}\n{lines}"
    if verb == "prepend":
        return f"{lines}\n{text}"
    if verb == "after":
        return _insert_after(text, argument, lines)
    if verb in ("sub", "all"):
        return _substitute(text, argument, everywhere=verb == "all")
    if verb == "cut":
        return _cut_section(text, argument)
    if verb == "fill":
        unit, _, count = argument.rpartition(" * ")
        return unit.replace("\\n", "\n") * int(count)
    if verb == "blank":
        return ""
    raise ValueError(f"unknown operation %{verb}")


def _insert_after(text: str, anchor: str, lines: str) -> str:
    rows = text.split("\n")
    places = [i for i, row in enumerate(rows) if anchor in row]
    if not places:
        raise ValueError(f"no line contains {anchor!r}")
    rows.insert(places[0] + 1, lines)
    return "\n".join(rows)


def _substitute(text: str, argument: str, *, everywhere: bool) -> str:
    old, new = (part.replace("\\n", "\n") for part in argument.split(" =>", 1))
    if old not in text:
        raise ValueError(f"{old!r} does not occur")
    return text.replace(old, new.removeprefix(" "), -1 if everywhere else 1)


def _cut_section(text: str, anchor: str) -> str:
    """Removes a heading and what is below it, up to the next heading of the same or a higher level."""
    rows = text.split("\n")
    start = next((i for i, row in enumerate(rows) if row.startswith("=") and anchor in row), None)
    if start is None:
        raise ValueError(f"no heading contains {anchor!r}")
    level = len(rows[start]) - len(rows[start].lstrip("="))
    end = start + 1
    while end < len(rows) and not re.match(rf"={{1,{level}}}[^=]", rows[end]):
        end += 1
    return "\n".join(rows[:start] + rows[end:])


def number(pages: Sequence[Page]) -> None:
    """Gives ids: pages by their first save, revisions by the time they were saved, as a wiki would."""
    for page_id, page in enumerate(sorted(pages, key=lambda p: p.revisions[0].timestamp), FIRST_PAGE_ID):
        page.id = page_id
    saved = sorted((r for p in pages for r in p.revisions), key=lambda r: r.timestamp)
    for revision_id, revision in enumerate(saved, FIRST_REVISION_ID):
        revision.id = revision_id
    for page in pages:
        for earlier, revision in zip(page.revisions, page.revisions[1:], strict=False):
            revision.comment = _automatic(revision, earlier, page)


def _automatic(revision: Revision, undone: Revision, page: Page) -> str:
    kept = page.revisions[revision.restores].actor if revision.restores is not None else ""
    links = f"[[Special:Contributions/{undone.actor}|{undone.actor}]] ([[User talk:{undone.actor}|talk]])"
    undo = f"Undid revision {undone.id} by {links}"
    rollback = f"Reverted edits by {links} to last version by {kept}"
    return revision.comment.replace("{undo}", undo).replace("{rollback}", rollback)


def sha1_base36(text: str) -> str:
    """MediaWiki's sha1 of a text: 31 digits in base 36."""
    value = int(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), 16)
    digits = ""
    while value:
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits.rjust(31, "0")


def is_address(actor: str) -> bool:
    """Whether the actor edited without an account."""
    try:
        ipaddress.ip_address(actor)
    except ValueError:
        return False
    return True


def export(pages: Sequence[Page]) -> str:
    """The whole export as MediaWiki's ``dumpBackup.php --full`` lays it out."""
    saved = sorted((r for p in pages for r in p.revisions), key=lambda r: r.id)
    names = dict.fromkeys(r.actor for r in saved if not is_address(r.actor))
    user_ids = {name: user_id for user_id, name in enumerate(names, FIRST_USER_ID)}
    lines = [_header()]
    for page in sorted(pages, key=lambda p: p.id):
        lines.extend(_page_lines(page, user_ids))
    return "\n".join(lines) + "\n</mediawiki>\n"


def _header() -> str:
    names = "\n".join(
        f'      <namespace key="{key}" case="first-letter"' + (f">{name}</namespace>" if name else " />")
        for key, name in NAMESPACES.items()
    )
    return (
        f'<mediawiki xmlns="{_SCHEMA}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{_SCHEMA} http://www.mediawiki.org/xml/export-0.11.xsd" version="0.11" '
        'xml:lang="en">\n  <siteinfo>\n    <sitename>Sample Wiki</sitename>\n'
        "    <dbname>samplewiki</dbname>\n    <base>https://sample.wiki.invalid/wiki/Main_Page</base>\n"
        "    <generator>MediaWiki 1.43.0</generator>\n    <case>first-letter</case>\n"
        f"    <namespaces>\n{names}\n    </namespaces>\n  </siteinfo>"
    )


def _page_lines(page: Page, user_ids: dict[str, int]) -> Iterable[str]:
    yield f"  <page>\n    <title>{escape(page.title)}</title>\n    <ns>{page.namespace}</ns>"
    yield f"    <id>{page.id}</id>"
    target = re.match(r"#REDIRECT \[\[([^\]]+)\]\]", page.revisions[-1].text)
    if target:
        yield f"    <redirect title={quoteattr(target[1])} />"
    parent = None
    for revision in page.revisions:
        yield _revision_element(revision, parent, page, user_ids)
        parent = revision
    yield "  </page>"


def _revision_element(
    revision: Revision, parent: Revision | None, page: Page, user_ids: dict[str, int]
) -> str:
    lines = ["    <revision>", f"      <id>{revision.id}</id>"]
    if parent is not None:
        lines.append(f"      <parentid>{parent.id}</parentid>")
    lines.append(f"      <timestamp>{revision.timestamp:%Y-%m-%dT%H:%M:%SZ}</timestamp>")
    lines.append(_contributor(revision, user_ids))
    if "m" in revision.flags:
        lines.append("      <minor />")
    if revision.comment:
        lines.append(f"      <comment>{escape(revision.comment)}</comment>")
    lines += [
        f"      <origin>{revision.id}</origin>",
        f"      <model>{page.model}</model>",
        f"      <format>{page.format}</format>",
        _text_element(revision),
        _sha1_element(revision),
        "    </revision>",
    ]
    return "\n".join(lines)


def _contributor(revision: Revision, user_ids: dict[str, int]) -> str:
    if "hide-user" in revision.flags:
        return '      <contributor deleted="deleted" />'
    if is_address(revision.actor):
        return f"      <contributor>\n        <ip>{revision.actor}</ip>\n      </contributor>"
    return (
        f"      <contributor>\n        <username>{escape(revision.actor)}</username>\n"
        f"        <id>{user_ids[revision.actor]}</id>\n      </contributor>"
    )


def _text_element(revision: Revision) -> str:
    measured = f'bytes="{len(revision.text.encode())}"'
    if "hide-text" in revision.flags:
        return f'      <text {measured} deleted="deleted" />'
    measured += f' sha1="{sha1_base36(revision.text)}"'
    if not revision.text:
        return f'      <text {measured} xml:space="preserve" />'
    # As MediaWiki: double quotes are escaped in text too.
    text = escape(revision.text, {'"': "&quot;"})
    return f'      <text {measured} xml:space="preserve">{text}</text>'


def _sha1_element(revision: Revision) -> str:
    """A hidden text's sha1 is hidden too: it would give short texts away."""
    if "hide-text" in revision.flags:
        return "      <sha1 />"
    return f"      <sha1>{sha1_base36(revision.text)}</sha1>"


def build(sources: Path = SOURCES) -> bytes:
    """The export's bytes from every ``*.txt`` in `sources`."""
    pages = [read_page(path.read_text("utf-8"), path.name) for path in sorted(sources.glob("*.txt"))]
    number(pages)
    return export(pages).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the sample wiki's XML export from its sources.")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where to write (default: the package's)")
    output: Path = parser.parse_args().output
    content = build()
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(content)
    revisions = content.count(b"<revision>")
    sys.stdout.write(f"{output.name}: {content.count(b'<page>')} pages, {revisions} revisions\n")


if __name__ == "__main__":
    main()
