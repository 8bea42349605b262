"""Identity reverts: which edits a later edit undid by restoring an earlier text exactly.

The definition is a dictionary's, not a judge's: a good edit undone by a vandal counts as
reverted too, and undoing by hand, or with other changes mixed in, is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RADIUS = 15
"""How many edits one revert may undo; mwreverts' default, used by ORES's own training data."""
WINDOW_S = 48 * 3600
"""Reverts after this many seconds do not count for `reverted_48h`."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What labelling needs of one revision. `user`: None when hidden. `sha1`: None without a text."""

    rev_id: int
    timestamp_s: int
    user: str | None
    sha1: str | None


@dataclass(frozen=True, slots=True)
class Label:
    """What became of one revision, and what it did.

    `reverted`: undone by another user; `reverted_by`: the id of the first revision that did.
    `reverted_48h`: undone by another user within the window. `self_reverted`: undone by its own
    user. `is_reverting`: it restores an earlier text; `reverts_other`: and undoes somebody else's edit.
    """

    rev_id: int
    reverted: bool = False
    reverted_48h: bool = False
    self_reverted: bool = False
    is_reverting: bool = False
    reverts_other: bool = False
    reverted_by: int | None = None


def identity_reverts(
    edits: Sequence[Edit], *, radius: int = RADIUS, window_s: float = WINDOW_S
) -> list[Label]:
    """One label per edit of ONE page, given in the order of time.

    Edit *i* is reverting when its sha1 equals that of its nearest earlier twin *j* with
    2 ≤ i − j ≤ `radius` + 1. Each edit between is self-reverted if *i* has the same user, else
    reverted. Edits without a sha1 are left out of the counting and get an empty label.
    Hidden users are never taken for the same user. Raises ValueError for a radius below 1.
    """
    if radius < 1 or window_s < 0:
        raise ValueError("radius must be at least 1 and window_s at least 0")
    rows = [_Row(edit) for edit in edits]
    known = [row for row in rows if row.edit.sha1 is not None]
    latest: dict[str | None, int] = {}
    for i, row in enumerate(known):
        twin = latest.get(row.edit.sha1)
        if twin is not None and 2 <= i - twin <= radius + 1:
            row.is_reverting = True
            for undone in known[twin + 1 : i]:
                undone.revert_by(row, window_s)
        latest[row.edit.sha1] = i
    return [row.label() for row in rows]


class _Row:
    """A label in the making."""

    __slots__ = ("edit", "is_reverting", "reverted_48h", "reverted_by", "reverts_other", "self_reverted")

    def __init__(self, edit: Edit) -> None:
        self.edit = edit
        self.is_reverting = self.reverts_other = self.self_reverted = self.reverted_48h = False
        self.reverted_by: int | None = None

    def revert_by(self, reverting: _Row, window_s: float) -> None:
        if self.edit.user is not None and self.edit.user == reverting.edit.user:
            self.self_reverted = True
            return
        reverting.reverts_other = True
        if self.reverted_by is None:
            self.reverted_by = reverting.edit.rev_id
        if reverting.edit.timestamp_s - self.edit.timestamp_s <= window_s:
            self.reverted_48h = True

    def label(self) -> Label:
        return Label(
            rev_id=self.edit.rev_id,
            reverted=self.reverted_by is not None,
            reverted_48h=self.reverted_48h,
            self_reverted=self.self_reverted,
            is_reverting=self.is_reverting,
            reverts_other=self.reverts_other,
            reverted_by=self.reverted_by,
        )
