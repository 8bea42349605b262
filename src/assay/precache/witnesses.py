"""Edits that got through before, to be asked for again: does Assay fail on one edit, or on everything?

On a quiet wiki nothing else happens for hours that could tell. What got through once and does again, computed
anew, tells it as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from assay.events import Wanted
from assay.precache.judge import Cells

_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class Witness:
    """One edit that got through. `wanted`: by which rules."""

    wanted: Wanted
    rev_id: int


class Witnesses:
    """The last few of each wiki."""

    def __init__(self) -> None:
        self._by_wiki: dict[str, deque[Witness]] = {}

    def told(self, wanted: Wanted, rev_id: int) -> None:
        """By an earlier process, scored or given up: the best that is known after a start."""
        self._of(wanted.wiki).append(Witness(wanted, rev_id))

    def scored(self, wanted: Wanted, cells: Mapping[int, Cells]) -> None:
        """Keep one of an answer's edits that has a score."""
        for rev_id, of_one in cells.items():
            if any("score" in cell for cell in of_one.values()):
                self._of(wanted.wiki).append(Witness(wanted, rev_id))
                return

    def of(self, wiki: str, rev_id: int) -> Witness | None:
        """Another edit than this, of the same wiki if there is one: its own server may be what fails."""
        own = self._by_wiki.get(wiki, ())
        for one in reversed(own):
            if one.rev_id != rev_id:
                return one
        others = (kept[-1] for name, kept in self._by_wiki.items() if name != wiki and kept)
        return next(others, None)

    def failed(self, witness: Witness) -> None:
        """It did not get through this time: next time another, for it may be one that was given up."""
        if self._forget(witness):
            self._of(witness.wanted.wiki).appendleft(witness)

    def refused(self, witness: Witness) -> None:
        """It will never get through again, such as one of a wiki that Assay has no more."""
        self._forget(witness)

    def _forget(self, witness: Witness) -> bool:
        """Whether it was still among them; newer ones may have taken its place meanwhile."""
        kept = self._of(witness.wanted.wiki)
        if witness not in kept:
            return False
        kept.remove(witness)
        return True

    def _of(self, wiki: str) -> deque[Witness]:
        return self._by_wiki.setdefault(wiki, deque(maxlen=_KEPT))
