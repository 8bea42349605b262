"""Edits that got through before, to be asked for again: does Assay fail on one edit, or on everything?

On a quiet wiki nothing else happens for hours that could tell. What got through once and does again, computed
anew, tells it as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final

from assay.events import Wanted
from assay.precache.judge import Cells, has_score, may_pass

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

    def scored(self, wanted: Wanted, cells: Mapping[int, Cells]) -> bool:
        """Keep one of an answer's edits that has a score; whether there was one."""
        for rev_id, of_one in cells.items():
            if has_score(of_one):
                self._of(wanted.wiki).append(Witness(wanted, rev_id))
                return True
        return False

    def of(self, wiki: str, rev_id: int, besides: Container[Witness] = ()) -> Witness | None:
        """Another edit than this, of the same wiki as long as one is known: its own server may be what fails,
        and then no other wiki tells. `besides`: those that were asked already. None: nobody is left."""
        own = [one for one in self._by_wiki.get(wiki, ()) if one.rev_id != rev_id]
        candidates = reversed(own) if own else self._of_others(wiki)
        return next((one for one in candidates if one not in besides), None)

    def answered(self, witness: Witness, cells: Cells) -> bool:
        """Whether it got through again. An answer without any score tells nothing of Assay: the edit was
        deleted meanwhile, or its wiki is away."""
        if has_score(cells):
            return True
        if may_pass(cells, witness.wanted.models):
            self.failed(witness)
        else:
            self.refused(witness)
        return False

    def failed(self, witness: Witness) -> None:
        """It did not get through this time: next time another, for it may be one that was given up."""
        if self._forget(witness):
            wiki = witness.wanted.wiki
            self._of(wiki).appendleft(witness)
            self._by_wiki[wiki] = self._by_wiki.pop(wiki)  # after the other wikis

    def refused(self, witness: Witness) -> None:
        """It will never get through again, such as one of a wiki that Assay has no more."""
        self._forget(witness)

    def _of_others(self, wiki: str) -> Iterator[Witness]:
        """The newest of each other wiki before the second of any."""
        others = [reversed(kept) for name, kept in self._by_wiki.items() if name != wiki]
        return (one for one in chain.from_iterable(zip_longest(*others)) if one is not None)

    def _forget(self, witness: Witness) -> bool:
        """Whether it was still among them; newer ones may have taken its place meanwhile."""
        kept = self._of(witness.wanted.wiki)
        if witness not in kept:
            return False
        kept.remove(witness)
        return True

    def _of(self, wiki: str) -> deque[Witness]:
        return self._by_wiki.setdefault(wiki, deque(maxlen=_KEPT))
