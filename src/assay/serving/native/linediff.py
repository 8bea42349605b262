"""The difference of two texts for people: hunks of lines, with the words that changed within a line.

The models' own diffs are of tokens and never shown; this one is bounded in work and in size, because
it is computed for a page while somebody waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal

from rapidfuzz.distance import LCSseq

Kind = Literal["equal", "added", "removed", "changed"]

CONTEXT_LINES: Final = 3
MAX_DIFFERENT_LINES: Final = 4000
"""Lines compared between common beginning and end; beyond, they are shown as all removed, all added."""

MAX_SHOWN_LINES: Final = 1000
MAX_LINE_CHARS: Final = 4000
"""Longer lines are cut, and compared as wholes: words of a line that long are not followed by eye."""

MAX_WORD_PAIRS: Final = 40_000_000
"""Words before times words after, summed over the lines of one difference: a hundred ordinary paragraphs, or
0.15 s at worst (measured: 3 ns a pair). Later lines are shown as wholes."""

MIN_COMMON_WORDS: Final = 0.3
"""Share of words two lines must have in common to be shown as one changed line."""

_WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Line:
    """`parts`: kind and text, in reading order; see the contract in `assay.serving.native.api`."""

    kind: Kind
    parts: tuple[tuple[Kind, str], ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """`hunks`: first line number (from 1) in the old and the new text, and the lines."""

    hunks: tuple[tuple[int, int, tuple[Line, ...]], ...]
    truncated: bool
    added_lines: int
    removed_lines: int

    def document(self) -> dict[str, Any]:
        hunks = [
            {"old_start": old, "new_start": new, "lines": [_line_document(line) for line in lines]}
            for old, new, lines in self.hunks
        ]
        return {
            "hunks": hunks,
            "truncated": self.truncated,
            "added_lines": self.added_lines,
            "removed_lines": self.removed_lines,
        }


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines `old[a:b]` became `new[c:d]`; equal when `equal`."""

    equal: bool
    a: int
    b: int
    c: int
    d: int


def diff(old: str, new: str) -> Diff:
    """The difference of two texts; a page creation has the empty text before it."""
    old_lines, new_lines = old.split("\n") if old else [], new.split("\n") if new else []
    blocks, coarse = _blocks(old_lines, new_lines)
    changed = [block for block in blocks if not block.equal]
    hunks: list[tuple[int, int, tuple[Line, ...]]] = []
    shown = 0
    truncated = coarse
    words = _Words(MAX_WORD_PAIRS)
    for group in _grouped(changed):
        lines = tuple(islice(_lines(group, old_lines, new_lines, words), MAX_SHOWN_LINES - shown))
        first = group[0]
        lead = min(CONTEXT_LINES, first.a, first.c)
        hunks.append((first.a - lead + 1, first.c - lead + 1, lines))
        shown += len(lines)
        if shown >= MAX_SHOWN_LINES:
            truncated = True
            break
    too_long = any(
        len(line) > MAX_LINE_CHARS
        for block in changed
        for line in (*old_lines[block.a : block.b], *new_lines[block.c : block.d])
    )
    return Diff(
        hunks=tuple(hunks),
        truncated=truncated or too_long,
        added_lines=sum(block.d - block.c for block in changed),
        removed_lines=sum(block.b - block.a for block in changed),
    )


def _blocks(old: Sequence[str], new: Sequence[str]) -> tuple[list[_Block], bool]:
    """All blocks in order, and whether the middle was too large to be compared line by line."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    a, b, c, d = start, len(old) - end, start, len(new) - end
    if max(b - a, d - c) > MAX_DIFFERENT_LINES:
        return [_Block(False, a, b, c, d)], True
    return list(_merged(_opcodes(old[a:b], new[c:d]), start)), False


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Block]:
    for code in LCSseq.opcodes(old, new):
        yield _Block(code.tag == "equal", code.src_start, code.src_end, code.dest_start, code.dest_end)


def _merged(blocks: Iterator[_Block], offset: int) -> Iterator[_Block]:
    """Neighbouring changes as one block, counted from the texts' beginnings."""
    last: _Block | None = None
    for found in blocks:
        block = _Block(found.equal, found.a + offset, found.b + offset, found.c + offset, found.d + offset)
        if last is not None and last.equal == block.equal:
            last = _Block(last.equal, last.a, block.b, last.c, block.d)
            continue
        if last is not None:
            yield last
        last = block
    if last is not None:
        yield last


def _grouped(changed: Sequence[_Block]) -> Iterator[list[_Block]]:
    """Changes whose surroundings would touch stand in one hunk."""
    group: list[_Block] = []
    for block in changed:
        if group and block.a - group[-1].b > 2 * CONTEXT_LINES:
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def _lines(group: Sequence[_Block], old: Sequence[str], new: Sequence[str], words: _Words) -> Iterator[Line]:
    """A hunk's lines with their surroundings; made one by one, so that what is not shown costs nothing."""
    first, last = group[0], group[-1]
    yield from map(_equal, new[first.c - min(CONTEXT_LINES, first.a, first.c) : first.c])
    for index, block in enumerate(group):
        if index:
            yield from map(_equal, new[group[index - 1].d : block.c])
        yield from _changed(old[block.a : block.b], new[block.c : block.d], words)
    yield from map(_equal, new[last.d : last.d + CONTEXT_LINES])


def _changed(old: Sequence[str], new: Sequence[str], words: _Words) -> Iterator[Line]:
    """Lines paired in order where they are alike; the rest removed, then added."""
    pairs = min(len(old), len(new))
    for before, after in zip(old[:pairs], new[:pairs], strict=True):
        line = words.changed_line(before, after)
        if line is None:
            yield Line("removed", (("removed", _cut(before)),))
            yield Line("added", (("added", _cut(after)),))
        else:
            yield line
    yield from (Line("removed", (("removed", _cut(line)),)) for line in old[pairs:])
    yield from (Line("added", (("added", _cut(line)),)) for line in new[pairs:])


class _Words:
    """Compares lines word by word until `pairs_left` are used up."""

    def __init__(self, pairs_left: int) -> None:
        self._pairs_left = pairs_left

    def changed_line(self, before: str, after: str) -> Line | None:
        """One line with both versions in it; None when they have too little in common, or are too long."""
        if max(len(before), len(after)) > MAX_LINE_CHARS or self._pairs_left <= 0:
            return None
        old, new = _WORD.findall(before), _WORD.findall(after)
        self._pairs_left -= len(old) * len(new)
        blocks = list(_merged(_opcodes(old, new), 0))
        common = sum(len(word) for block in blocks if block.equal for word in old[block.a : block.b])
        if common < MIN_COMMON_WORDS * max(len(before), len(after)):
            return None
        return Line("changed", tuple(_parts(blocks, old, new)))


def _parts(blocks: Iterable[_Block], old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    for block in blocks:
        if block.equal:
            yield "equal", "".join(old[block.a : block.b])
            continue
        if block.a < block.b:
            yield "removed", "".join(old[block.a : block.b])
        if block.c < block.d:
            yield "added", "".join(new[block.c : block.d])


def _equal(line: str) -> Line:
    return Line("equal", (("equal", _cut(line)),))


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE_CHARS else line[:MAX_LINE_CHARS] + "…"


def _line_document(line: Line) -> dict[str, Any]:
    return {"kind": line.kind, "parts": [{"kind": kind, "text": text} for kind, text in line.parts]}
