"""What of one stream is under way and what is done: from where to go on, and what to take for a repetition.

Pure bookkeeping. Edits are done in any order; the position moves only over what is done without a gap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

Identity = tuple[str, int]
"""Of an edit: its wiki and revision."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What survives a restart. `position`: as of `Followed`. `done`: edits told last: up to the position as
    the stream has them, then those beyond it."""

    position: str | None = None
    done: tuple[Identity, ...] = ()


@dataclass(slots=True)
class Ticket:
    """One edit of the stream, in its order. `position`: of the last event before the next ticket."""

    identity: Identity
    position: str | None
    is_done: bool = False


class Ledger:
    """`remembered`: how many edits that are done are known as repetitions, besides those that lie behind one
    which is not: a restart repeats these for certain."""

    def __init__(self, mark: Mark, remembered: int) -> None:
        self._position = mark.position
        self._done = dict.fromkeys(mark.done)
        self._ahead: dict[Identity, None] = {}
        self._remembered = remembered
        self._open: deque[Ticket] = deque()
        self._taken: set[Identity] = set()

    def knows(self, identity: Identity) -> bool:
        """Whether the edit is done, or under way."""
        return identity in self._done or identity in self._ahead or identity in self._taken

    def pass_by(self, position: str | None) -> None:
        """The next event, of which nothing is to be done."""
        if position is None:
            return
        if self._open:
            self._open[-1].position = position
        else:
            self._position = position

    def enter(self, identity: Identity, position: str | None) -> Ticket:
        """The next event, an edit that is to be done and is not known."""
        ticket = Ticket(identity, position)
        self._taken.add(identity)
        self._open.append(ticket)
        return ticket

    def close(self, ticket: Ticket) -> None:
        """It is done."""
        ticket.is_done = True
        self._taken.discard(ticket.identity)
        self._ahead[ticket.identity] = None
        while self._open and self._open[0].is_done:
            passed = self._open.popleft()
            self._position = passed.position or self._position
            del self._ahead[passed.identity]
            self._done[passed.identity] = None
        while len(self._done) > self._remembered:
            del self._done[next(iter(self._done))]

    def mark(self) -> Mark:
        return Mark(self._position, (*self._done, *self._ahead))


def identities(values: Iterable[Iterable[object]]) -> tuple[Identity, ...]:
    """Of what JSON made of them. Raises ValueError."""
    found = []
    for value in values:
        wiki, rev_id = value
        if not isinstance(wiki, str) or not isinstance(rev_id, int):
            raise ValueError("an edit is a wiki and a revision id")
        found.append((wiki, rev_id))
    return tuple(found)
