"""Which lines a revision shares with its parent, so that they are analysed once.

The texts are trimmed to the lines between the first and the last difference, and long changed regions
are compared line by line. All cuts are at line starts where no token can span them, so counts of tokens
add up, exactly: count(parent) = count(revision) - count(added lines) + count(removed lines).

Constructs of wikitext may span lines. `isolated` gives the smallest changed parts in which every
construct is complete, so that their counts add up likewise; it is None where an edit cuts a template, a table
or bold text in two, or lies behind something that is still open, and the parent must be read as a whole.
Completeness is judged by `assay.features.text.completeness`.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from rapidfuzz.distance import Indel, Postfix, Prefix

from assay.features.graph.injection import optional, string
from assay.features.graph.node import Datasource
from assay.features.roots import PARENT_TEXT, TEXT
from assay.features.text.completeness import ends_before, is_complete

_TAG_BEGINS: Final = re.compile(r"</?[a-z]")
_LINE: Final = re.compile(r"\n(?=\S)")
_LONG_CHARS: Final = 400
_MAX_CELLS: Final = 16_000_000
"""Pairs of lines compared at most (two texts of 4 000 lines); above, the region stays in one piece."""

_MAX_STEPS: Final = 100
"""Steps judged one by one at most."""


class Step(NamedTuple):
    """Consecutive lines: of the parent (`old`) and of the revision (`new`); equal ones are shared."""

    old: str
    new: str


class Alignment(NamedTuple):
    """Parent and revision, and where they differ.

    `removed`, `added`: all lines of the parent and of the revision that they do not share. `isolated`: the
    same two, enlarged until every construct in them is complete; or None. `start`: where `added` begins in
    the revision; None where it stands there in several pieces.
    """

    parent_text: str
    text: str
    removed: str
    added: str
    isolated: tuple[str, str] | None
    start: int | None


def align(parent_text: str | None, text: str) -> Alignment:
    """Find what is shared. A page creation (None) shares nothing."""
    parent = parent_text or ""
    if parent == text:
        return Alignment(text, text, "", "", ("", ""), None)
    start = _cut(parent, text, Prefix.similarity(parent, text))
    limit = min(len(parent), len(text)) - start
    tail = _tail(parent, text, start, min(Postfix.similarity(parent, text), limit))
    steps = _steps(parent[start : len(parent) - tail], text[start : len(text) - tail])
    changed = _changed(steps)
    isolated = _isolated(text[:start], steps, text[len(text) - tail :])
    return Alignment(parent, text, changed.old, changed.new, isolated, start if len(steps) == 1 else None)


def _changed(steps: list[Step]) -> Step:
    """What differs, in one step."""
    changed = [step for step in steps if step.old != step.new]
    return changed[0] if len(changed) == 1 else _joined(changed)


def _joined(steps: list[Step]) -> Step:
    return Step("".join([step.old for step in steps]), "".join([step.new for step in steps]))


def _cut(parent: str, text: str, prefix: int) -> int:
    """The last line start up to `prefix` that no token of either text spans; 0 when there is none."""
    cut = text.rfind("\n", 0, prefix) + 1
    while cut and (_blank_at(parent, cut) or _blank_at(text, cut)):
        cut = text.rfind("\n", 0, cut - 1) + 1
    return 0 if _in_tag(text[:cut]) else cut


def _blank_at(text: str, place: int) -> bool:
    return place < len(text) and text[place].isspace()


def _in_tag(text: str) -> bool:
    """Whether a tag may be open at the end."""
    return _TAG_BEGINS.search(text, text.rfind(">") + 1) is not None


def _tail(parent: str, text: str, start: int, suffix: int) -> int:
    """Length of the shared end, cut at a line start that no token of either text spans; 0 if none."""
    begin = text.find("\n", len(text) - suffix) + 1 if suffix else 0
    if suffix and _starts_line(parent, len(parent) - suffix) and _starts_line(text, len(text) - suffix):
        begin = len(text) - suffix
    while 0 < begin < len(text) and text[begin].isspace():
        begin = text.find("\n", begin) + 1
    if not 0 < begin < len(text):
        return 0
    tail = len(text) - begin
    return 0 if _in_tag(text[start:begin]) or _in_tag(parent[start : len(parent) - tail]) else tail


def _starts_line(text: str, place: int) -> bool:
    return place == 0 or text[place - 1] == "\n"


def _steps(old: str, new: str) -> list[Step]:
    """The changed region, line by line where it is long; else in one step."""
    whole = [Step(old, new)]
    if min(len(old), len(new)) < _LONG_CHARS:
        return whole
    old_lines, new_lines = _lines(old), _lines(new)
    if len(old_lines) * len(new_lines) > _MAX_CELLS:
        return whole
    steps = [
        Step("".join(old_lines[o.src_start : o.src_end]), "".join(new_lines[o.dest_start : o.dest_end]))
        for o in Indel.opcodes(old_lines, new_lines)
    ]
    return whole if any(_in_tag(old) or _in_tag(new) for old, new in steps) else steps


def _lines(text: str) -> list[str]:
    """Lines with their ends; one that begins with a blank belongs to the line before."""
    lines = _LINE.split(text)
    return [line + "\n" for line in lines[:-1]] + lines[-1:]


def _isolated(head: str, steps: list[Step], rest: str) -> Step | None:
    if not (head or rest) and len(steps) == 1:
        return steps[0]
    groups = _complete_groups([_joined(steps)] if len(steps) > _MAX_STEPS else steps)
    if groups is None:
        return None
    changed = _changed(groups)
    return changed if ends_before(head, changed.old + changed.new) else None


def _complete_groups(steps: list[Step]) -> list[Step] | None:
    """Steps joined until every construct that begins in a group ends in it; None when one never does.

    What was incomplete is judged again once it has doubled, and at the end: else each of a hundred steps
    would judge all that is before it.
    """
    groups: list[Step] = []
    old = new = ""
    enough_chars = 0
    for left, step in zip(range(len(steps) - 1, -1, -1), steps, strict=True):
        old, new = old + step.old, new + step.new
        if left and len(old) + len(new) < enough_chars:
            continue
        if is_complete(old) and (old == new or is_complete(new)):
            groups.append(Step(old, new))
            old, new, enough_chars = "", "", 0
        else:
            enough_chars = 2 * (len(old) + len(new))
    return None if old or new else groups


def _of_texts(value: Any) -> Alignment:
    """Injected as the two texts: what they share is found as ever, since no other could be right."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("must be a list of the parent's text, or null, and the text")
    parent_text, text = value
    return align(optional(string)(parent_text), string(text))


ALIGNMENT: Final = Datasource(
    "datasource.revision.diff.alignment",
    "Which lines the revision shares with its parent (`Alignment`).",
    (PARENT_TEXT, TEXT),
    align,
    from_json=_of_texts,
)
