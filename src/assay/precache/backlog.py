"""Edits that wait to be scored: bounded, and given out in batches of what can be asked for together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from assay.events import Change, Wanted
from assay.precache.ledger import Ledger, Ticket


@dataclass(slots=True)
class Task:
    """One edit on its way. `answers`: with scores, that Assay had given to anybody when this edit was taken
    or last tried. `is_suspect`: Assay fails on it, and not on others. `is_noted`: the log says that it is
    tried again. `attempts`: so far. `tried_s`: between them, without the time in which Assay gave nobody a
    score. `last_s`: when the last ended, monotonic. `delay_s`: the pause after it."""

    change: Change
    wanted: Wanted
    ledger: Ledger
    ticket: Ticket
    answers: int
    is_suspect: bool = False
    is_noted: bool = False
    attempts: int = 0
    tried_s: float = 0.0
    last_s: float = 0.0
    delay_s: float = 0.0


class Backlog:
    """`limit`: edits at most between `put` and `gone`, those under way included.

    A suspect is given out alone, and one at a time: it spoils no other's request, and a web process that dies
    of it, or hangs, keeps at most one worker busy.
    """

    def __init__(self, limit: int) -> None:
        self._room = asyncio.Semaphore(limit)
        self._waiting: OrderedDict[Wanted, deque[Task]] = OrderedDict()
        self._suspects: deque[Task] = deque()
        self._suspect: Task | None = None
        self._was_suspect = False
        self._some = asyncio.Condition()
        self._is_closed = False
        self.size = 0

    async def put(self, task: Task) -> None:
        """Waits for room."""
        await self._room.acquire()
        self.size += 1
        await self.put_back(task)

    async def put_back(self, task: Task) -> None:
        """One that has its room already."""
        async with self._some:
            if task.is_suspect:
                self._suspects.append(task)
            else:
                self._waiting.setdefault(task.wanted, deque()).append(task)
            self._some.notify()

    async def take(self, most: int) -> list[Task]:
        """Of one wiki and its same models, those that have waited longest, or one suspect; empty at the end.
        To be told `tried`."""
        async with self._some:
            await self._some.wait_for(lambda: self._waiting or self._has_suspect() or self._is_closed)
            if self._is_closed:
                return []
            self._was_suspect = self._has_suspect() and not (self._waiting and self._was_suspect)
            if self._was_suspect:
                self._suspect = self._suspects.popleft()
                return [self._suspect]
            wanted, tasks = self._waiting.popitem(last=False)
            batch = [tasks.popleft() for _ in range(min(most, len(tasks)))]
            if tasks:  # to the end, so that a busy wiki does not make the others wait
                self._waiting[wanted] = tasks
            return batch

    async def tried(self, batch: Sequence[Task]) -> None:
        """Whoever took them is through with them, whatever became of them."""
        async with self._some:
            if batch[0] is self._suspect:
                self._suspect = None
                self._some.notify()

    def gone(self, count: int) -> None:
        """So many are done with."""
        self.size -= count
        for _ in range(count):
            self._room.release()

    def _has_suspect(self) -> bool:
        return bool(self._suspects) and self._suspect is None

    async def close(self) -> None:
        """Nothing more is given out."""
        async with self._some:
            self._is_closed = True
            self._some.notify_all()
