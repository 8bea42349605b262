"""The changed region of an edit: what little of the two texts has to be looked at.

Most edits touch a few lines of a long page. Everything that Assay computes beyond ORES reads only the
changed lines and the segments added and removed inside them, so its cost follows the size of the edit
and not of the page. Lines that merely moved count as unchanged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapidfuzz.distance import Indel, Postfix, Prefix

from assay.features.graph.node import Datasource, Field, Node
from assay.features.graph.record import record
from assay.features.lexicon import Lexicons
from assay.features.roots import PARENT_TEXT, TEXT

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_COMPARED = 2_000
_MAX_ALIGNED_CELLS = 25_000_000
"""Above this many pairs of tokens (3 MB of bit matrix) the alignment gives way to bags of tokens."""


class Region(NamedTuple):
    """What an edit changed.

    `old`, `new`: the lines of parent and child that the other does not have, joined by newlines.
    `added`, `removed`: their differing segments in order of appearance. `position`: where in the
    child the change begins, 0 (top) to 1 (end). `old_size`, `new_size`: characters of the whole texts.
    """

    old: str
    new: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    position: float
    old_size: int
    new_size: int


def changed_region(parent_text: str | None, text: str) -> Region:
    """Compare a revision with its parent; None: the revision created its page, all of it is new."""
    old = parent_text or ""
    prefix = Prefix.similarity(old, text)
    suffix = min(Postfix.similarity(old, text), min(len(old), len(text)) - prefix)
    begin = text.rfind("\n", 0, prefix) + 1
    line_end = text.find("\n", len(text) - suffix)
    tail = 0 if line_end < 0 else len(text) - line_end
    old_lines, new_lines = _unshared_lines(old[begin : len(old) - tail], text[begin : len(text) - tail])
    added, removed = _segments(_TOKEN.findall(old_lines), _TOKEN.findall(new_lines))
    position = prefix / len(text) if text else 0.0
    return Region(old_lines, new_lines, added, removed, position, len(old), len(text))


def _unshared_lines(old: str, new: str) -> tuple[str, str]:
    old_lines, new_lines = old.split("\n"), new.split("\n")
    if not old or not new or len(old_lines) == len(new_lines) == 1:
        return old, new
    old_spare, new_spare = Counter(old_lines), Counter(new_lines)
    return "\n".join(_without(old_lines, new_spare)), "\n".join(_without(new_lines, old_spare))


def _without(items: Sequence[str], spare: Counter[str]) -> list[str]:
    """The items that have no partner left in `spare` (which is used up), in order."""
    kept = []
    for item in items:
        if spare[item] > 0:
            spare[item] -= 1
        else:
            kept.append(item)
    return kept


def _segments(old: list[str], new: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Added and removed runs of tokens."""
    if not old or not new:
        return (("".join(new),) if new else ()), (("".join(old),) if old else ())
    if len(old) * len(new) > _MAX_ALIGNED_CELLS:
        added, removed = _without(new, Counter(old)), _without(old, Counter(new))
        return (" ".join(added),) if added else (), (" ".join(removed),) if removed else ()
    operations = Indel.opcodes(old, new)
    added = ["".join(new[o.dest_start : o.dest_end]) for o in operations if o.tag in ("insert", "replace")]
    removed = ["".join(old[o.src_start : o.src_end]) for o in operations if o.tag in ("delete", "replace")]
    return tuple(added), tuple(removed)


class Change(NamedTuple):
    """The change in figures. Shares are in [0, 1]; None where there is nothing to share."""

    creates: bool
    is_null: bool
    old_size: int
    new_size: int
    growth: int
    size_ratio: float | None
    added: int
    removed: int
    added_segments: int
    removed_segments: int
    longest_added: int
    added_share: float
    removed_share: float | None
    balance: float
    overlap: float | None
    position: float


def measure(region: Region, parent_text: str | None) -> Change:
    """Sizes and shares of the region."""
    added, removed = "".join(region.added), "".join(region.removed)
    old_size, new_size = region.old_size, region.new_size
    created = parent_text is None
    return Change(
        creates=created,
        is_null=not added and not removed,
        old_size=old_size,
        new_size=new_size,
        growth=new_size - old_size,
        size_ratio=None if created else new_size / (old_size + 1.0),
        added=len(added),
        removed=len(removed),
        added_segments=len(region.added),
        removed_segments=len(region.removed),
        longest_added=max(map(len, region.added), default=0),
        added_share=len(added) / (new_size + 1.0),
        removed_share=None if created else len(removed) / (old_size + 1.0),
        balance=(len(added) - len(removed)) / (len(added) + len(removed) + 1.0),
        overlap=_overlap(added[:_COMPARED], removed[:_COMPARED]),
        position=region.position,
    )


def _overlap(added: str, removed: str) -> float | None:
    """Share of the shorter that the longer holds too, as bags of characters: near 1 for a correction."""
    if not added or not removed:
        return None
    return (Counter(added) & Counter(removed)).total() / min(len(added), len(removed))


REGION = Datasource(
    "datasource.assay.region",
    "The changed lines and segments of the edit (`Region`).",
    (PARENT_TEXT, TEXT),
    changed_region,
    from_json=record(Region),
)
CHANGE = Datasource(
    "datasource.assay.change",
    "The change in figures (`Change`).",
    (REGION, PARENT_TEXT),
    measure,
    from_json=record(Change),
)
_DOCS = {
    "creates": "Whether the revision creates its page.",
    "is_null": "Whether the texts are equal, but for moved lines.",
    "old_size": "Size of the parent in characters; 0 for a page creation.",
    "new_size": "Size of the child in characters.",
    "growth": "Characters, child minus parent.",
    "size_ratio": "Characters of the child per character of the parent; missing for a page creation.",
    "added": "Characters added.",
    "removed": "Characters removed.",
    "added_segments": "Separate places where text was added.",
    "removed_segments": "Separate places where text was removed.",
    "longest_added": "Characters of the longest added segment.",
    "added_share": "Added characters per character of the child, 0 to 1.",
    "removed_share": "Removed characters per character of the parent, 0 to 1; missing for a page creation.",
    "balance": "Added minus removed per changed character, -1 to 1.",
    "overlap": "Share of equal characters in the added and removed text, 0 to 1; near 1 for corrections.",
    "position": "Where in the child the change begins, 0 (top) to 1 (end).",
}
FEATURES = tuple(
    Field(f"feature.assay.change.{name}", doc, (CHANGE,), field=name) for name, doc in _DOCS.items()
)


def family(_: Lexicons) -> Iterable[Node]:
    return (REGION, CHANGE, *FEATURES)
