"""What a controller must remember of its journal: each entry is read once, not again at each look."""

from __future__ import annotations

from assay.errors import JournalError
from assay.rollout.journal import Entry, Journal
from assay.rollout.state import Rollout, after


class Progress:
    """Of the journal's newest rollout. `served`, `failed`, `last_s`: users' requests that its candidate had
    answered, those of them that failed, and when the last was, by the last verdict. `orders`: names of all
    that were taken."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._number = 0
        self._state: Rollout | None = None
        self.orders: set[str] = set()
        self.served = self.failed = 0
        self.last_s: float | None = None
        self._read_on()

    @property
    def state(self) -> Rollout:
        """After the last entry. Raises `JournalError` when there is no rollout, or an entry cannot stand
        where it does."""
        self._read_on()
        if self._state is None:
            raise JournalError("the journal tells of no rollout: start one")
        return self._state

    def _read_on(self) -> None:
        for entry in self._journal.since(self._number):
            self._state = after(self._state, entry)
            self._number = entry.number
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        if "order" in entry.data:
            self.orders.add(str(entry.data["order"]))
        if entry.kind == "started":
            self.served, self.failed, self.last_s = 0, 0, None
        elif entry.kind == "verdict":
            told = entry.data
            self.served, self.failed = int(told.get("served", 0)), int(told.get("failed", 0))
            self.last_s = told.get("last_candidate_s")
